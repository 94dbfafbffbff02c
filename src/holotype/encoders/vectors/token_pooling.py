"""Reduce the vectors of a document by merging similar tokens.

Hierarchical pooling after Clavié, Chaffin and Adams, Reducing the Footprint of Multi-Vector
Retrieval with Minimal Performance Impact via Token Pooling, 2024
(https://arxiv.org/abs/2409.14683), with the same clusters as sentence-transformers'
`HierarchicalTokenPooling`.
"""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.checkpoints.modules import TokenPoolingSpec
from holotype.encoders.vectors.ragged import Ragged
from holotype.errors import MissingExtraError

TokenVectors: TypeAlias = NDArray[np.float32]


def pool_tokens(
    documents: Ragged[np.float32],
    *,
    factor: float,
    n_protected: int = 1,
    normalize: bool = True,
) -> Ragged[np.float32]:
    """Cluster the tokens of every document by Ward's method and average each cluster.

    Args:
        documents: token vectors of length 1, as from `ColbertEncoder.encode_document`.
        factor: by how much to divide the number of vectors; 1 keeps them all.
        n_protected: how many tokens at the start to leave alone; the first is usually a special
            token that represents the text.
        normalize: whether to scale the results to length 1.

    Raises:
        MissingExtraError: scipy is not installed.
        ValueError: `factor` is less than 1, or `n_protected` is negative.
    """
    if factor < 1:
        raise ValueError(f"factor is {factor!r}; expected at least 1")
    if n_protected < 0:
        raise ValueError(f"n_protected is {n_protected!r}; expected at least 0")
    pooled = [_pool(document, factor, n_protected) for document in documents]
    found = Ragged.from_arrays(pooled, dim=documents.dim)
    return _normalize(found) if normalize else found


def merge_tokens(
    vectors: Ragged[np.float32],
    pooling: TokenPoolingSpec,
    *,
    side: str,
    dim: int,
    normalized: bool,
) -> Ragged[np.float32]:
    """Merge the tokens of texts as the checkpoint says, and return the first dimensions.

    Args:
        vectors: the network's vectors, in all dimensions.
        pooling: how to merge them.
        side: the role of the texts; plain texts are treated as documents.
        dim: how many dimensions to return.
        normalized: whether to scale truncated vectors to length 1.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    if ("query" if side == "query" else "document") in pooling.sides:
        vectors = pool_tokens(
            vectors,
            factor=pooling.factor,
            n_protected=pooling.n_protected,
            normalize=pooling.normalize,
        )
    if dim == vectors.dim:
        return vectors
    cut = vectors.with_values(vectors.values[:, :dim])
    return _normalize(cut) if normalized else cut


def _normalize(vectors: Ragged[np.float32]) -> Ragged[np.float32]:
    lengths = np.linalg.norm(vectors.values, axis=1, keepdims=True)
    return vectors.with_values(vectors.values / np.maximum(lengths, np.float32(1e-12)))


def _pool(document: TokenVectors, factor: float, n_protected: int) -> TokenVectors:
    protected, tokens = document[:n_protected], document[n_protected:]
    n_clusters = max(int(len(tokens) // factor), 1)
    if n_clusters >= len(tokens):
        return document
    _, members, sizes = np.unique(
        _cluster(tokens, n_clusters), return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(sizes), tokens.shape[1]), dtype=np.float32)
    np.add.at(sums, members, tokens)
    means: TokenVectors = np.divide(sums, sizes[:, None], dtype=np.float32)
    return np.concatenate([protected, means])


def import_clustering(feature: str) -> Any:
    """Import scipy's clustering.

    Args:
        feature: the feature that needs it, as named in errors.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    try:
        return importlib.import_module("scipy.cluster.hierarchy")
    except ModuleNotFoundError as error:
        raise MissingExtraError("scipy", "scipy", feature) from error


def _cluster(tokens: TokenVectors, n_clusters: int) -> NDArray[Any]:
    hierarchy = import_clustering("pool_tokens()")
    distances = (1 - tokens @ tokens.T).clip(0, 2)
    above_diagonal = distances[np.triu_indices(len(tokens), k=1)]
    tree = hierarchy.linkage(above_diagonal, method="ward")
    found: NDArray[Any] = hierarchy.fcluster(tree, t=n_clusters, criterion="maxclust")
    return found
