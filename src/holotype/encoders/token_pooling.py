"""Deprecated: what was here is in `holotype.encoders.vectors.token_pooling`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.encoders.vectors.token_pooling import (
    TokenVectors,
    pool_tokens,
)

__all__ = ["TokenVectors", "pool_tokens"]

warn_moved(__name__, "holotype.encoders.vectors.token_pooling")
