"""How much memory a model takes, before it is loaded."""

from __future__ import annotations

from holotype.records import ModelInfo

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def estimate_memory(record: ModelInfo, dtype: str = "float32") -> int | None:
    """Return about how many bytes a model's weights take once loaded.

    What a batch takes comes on top of it. `Encoder.memory_bytes` measures what is there.

    Args:
        record: the model, from any catalogue.
        dtype: the type that it is to be loaded in.

    Returns:
        Bytes; None where the catalogue does not know the number of parameters.

    Raises:
        ValueError: the data type is unknown.
    """
    if dtype not in _BYTES:
        raise ValueError(f"unknown dtype {dtype!r}; pass one of {', '.join(_BYTES)}")
    return None if record.parameters is None else record.parameters * _BYTES[dtype]
