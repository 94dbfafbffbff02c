"""Estimate the memory of a model before loading it."""

from __future__ import annotations

from holotype.naming import one_of
from holotype.records import ModelInfo

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def estimate_memory(record: ModelInfo, dtype: str = "float32") -> int | None:
    """Estimate how many bytes a model's weights take once loaded.

    Batches need more on top. `Encoder.memory_bytes` measures a loaded model.

    Args:
        record: the model, from any catalogue.
        dtype: the data type to load it in.

    Returns:
        Bytes; None if the catalogue does not state the number of parameters.

    Raises:
        ValueError: the data type is unknown.
    """
    if dtype not in _BYTES:
        raise ValueError(f"unknown dtype {dtype!r}; {one_of(str(dtype), _BYTES)}")
    return None if record.parameters is None else record.parameters * _BYTES[dtype]
