"""Deprecated: what was here is in `holotype.encoders.vectors.sparse`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.encoders.vectors.sparse import (
    SparseVector,
    SparseVectors,
    lengths,
    pairwise_products,
    products,
)

__all__ = ["SparseVector", "SparseVectors", "lengths", "pairwise_products", "products"]

warn_moved(__name__, "holotype.encoders.vectors.sparse")
