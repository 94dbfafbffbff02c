"""What tells one wrapped encoder from another, and how a wrapper reaches another process.

Other libraries keep vectors in caches, under keys that they make of what a wrapper says about
itself, and send wrappers to workers by pickling them. A wrapper therefore says everything that
changes a vector, and is pickled as the configuration of its encoder, which the worker loads again.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import TYPE_CHECKING

from holotype.encoders import load
from holotype.encoders.dense import DenseEncoder

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig
    from holotype.records import AnyDenseModel


def require_dense(encoder: object) -> None:
    """Refuse what no adapter can wrap, such as an id, a record or an encoder of another kind.

    Raises:
        TypeError: this is no dense encoder.
    """
    if not isinstance(encoder, DenseEncoder):
        raise TypeError(
            f"the encoder is of type {type(encoder).__name__}; expected a DenseEncoder, as load() "
            "returns it for a dense model"
        )


def identity(encoder: DenseEncoder, instruction: str | None) -> dict[str, str | int | None]:
    """Return what decides the vectors of a wrapper, as plain values.

    Wrappers that differ in a value may give different vectors for one text. The fingerprint stands
    for the weights, the tokenizer, the prompts, the pooling and the dimensions; the weights are
    read once for it.

    Args:
        encoder: the encoder.
        instruction: the task description for prompts that take one.

    Raises:
        CheckpointError: the files of the model are gone, or damaged.
    """
    return {
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "dtype": encoder.dtype,
        "backend": encoder.config.backend,
        "instruction": instruction,
    }


def short_digest(values: dict[str, str | int | None]) -> str:
    """Return 16 hexadecimal digits that stand for some values."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=1)
def load_again(config: ModelConfig[AnyDenseModel]) -> DenseEncoder:
    """Load the encoder of a pickled wrapper; this is what runs in another process.

    A worker that gets several batches for one model loads it once.

    Args:
        config: the configuration that the encoder had. Its checkpoint, or the Hub's cache, must be
            readable here under the same path.

    Raises:
        HolotypeError: see `holotype.load`.
    """
    return load(config)
