"""Dense encoders: one vector for each text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.checkpoints.modules import PoolingSpec
from holotype.encoders.config import ModelConfig, one_of_dims
from holotype.encoders.encoder import Build, Encoder, shown_prompts
from holotype.encoders.inputs.sides import readers_of
from holotype.encoders.kinds.dense import DenseEncoding
from holotype.encoders.kinds.plan import DensePlan, StaticPlan
from holotype.encoders.options import SideName
from holotype.encoders.running.collecting import VectorCollector
from holotype.encoders.running.network import Towers
from holotype.encoders.text_encoder import TextEncoder
from holotype.encoders.vectors.quantization import Calibration, dequantize
from holotype.encoders.vectors.similarity import Vectors, as_vectors, pairwise, stored_pairs
from holotype.records import AnyDenseModel, ModelInfo

_TINY = 1e-12
"""The least length that a vector is divided by, as torch has it."""


class DenseEncoder(Encoder[AnyDenseModel], TextEncoder[Vectors, Vectors]):
    """Turns texts into vectors, one for each, as the model's authors do.

    Safe to share between threads. Results are float32 NumPy arrays: ``[dim]`` for one text,
    ``[n_texts, dim]`` for several, in the order of the texts.

    Attributes:
        encoding: pooling, prompts and the other settings from the record and the checkpoint.
    """

    def __init__(
        self,
        config: ModelConfig[AnyDenseModel],
        plan: DensePlan | StaticPlan,
        towers: Towers,
        build: Build,
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Args:
            config: the record and how it is run.
            plan: how to run it, as the record and the checkpoint say.
            towers: the loaded weights and their tokenizers.
            build: loads the weights again, on another device.

        Raises:
            ValueError: the model's maximum length leaves no room for text.
        """
        super().__init__(config, plan, towers, build)
        self.encoding = plan.encoding
        self._readers = readers_of(plan, towers.query.tokenizer, towers.document.tokenizer)

    @property
    def dim(self) -> int:
        """The dimensions of the vectors."""
        return self.config.dim or self.encoding.native_dim

    @property
    def max_length(self) -> int | None:
        """The longest text in tokens, with special tokens; None for no limit.

        If queries have modules of their own, this is the limit for documents.
        """
        return self.encoding.max_length

    @property
    def dims(self) -> Sequence[int]:
        """The sizes that the vectors may be cut to, ascending; the last one is `dim`.

        It is a `range` where every size of a range may be asked for.
        """
        return dims_up_to(self.record, self.dim)

    def shorten(self, vectors: Vectors, dim: int) -> Vectors:
        """Cut vectors to fewer dimensions, as a model that was loaded with ``dim=`` does.

        Args:
            vectors: ``[n_texts, dim]`` of this encoder.
            dim: one of `dims`.

        Returns:
            float32 ``[n_texts, dim]``, of length 1 where the model's vectors have it.

        Raises:
            InvalidDimensionError: the model has no vectors of this size.
        """
        dim = one_of_dims(self.record, dim, self.dims)
        cut = np.ascontiguousarray(vectors[:, :dim], dtype=np.float32)
        if dim == self.dim or not self.encoding.normalized:
            return cut
        shortened: Vectors = cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), _TINY)
        return shortened

    def fingerprint_of_dim(self, dim: int) -> str:
        """Return the fingerprint of the vectors that `shorten` returns.

        Raises:
            InvalidDimensionError: the model has no vectors of this size.
            CheckpointError: the files are missing or damaged.
        """
        dim = one_of_dims(self.record, dim, self.dims)
        return self.fingerprint if dim == self.dim else self._fingerprint(dim)

    def similarity(
        self,
        queries: NDArray[Any],
        documents: NDArray[Any],
        *,
        calibration: Calibration | None = None,
    ) -> Vectors:
        """Score every query against every document, with the model's own similarity function.

        Either side may be quantised; its vectors are dequantised first, see `dequantize`. If both
        sides are bits, the ranking is that of the Hamming distance: their cosine is
        ``1 - 2 * distance / dim``.

        Args:
            queries: ``[n_queries, dim]``, or ``[dim]`` for one; as bits, ``ceil(dim / 8)`` bytes.
            documents: likewise for documents. They may be a file that is mapped into memory, and
                more than fit there as float32: they are scored a few thousand at a time.
            calibration: the ranges for int8 and uint8.

        Returns:
            float32 ``[n_queries, n_documents]``; higher is closer. Cosines range from -1 to 1.
        """
        left, right = self._floats(queries, calibration), as_vectors(documents)
        return stored_pairs(
            left,
            right,
            lambda some: self._floats(some, calibration),
            function=self.encoding.similarity,
        )

    def similarity_pairwise(
        self,
        queries: NDArray[Any],
        documents: NDArray[Any],
        *,
        calibration: Calibration | None = None,
    ) -> Vectors:
        """Score each query against the document at the same position: float32 ``[n_queries]``.

        Arguments are those of `similarity`.

        Raises:
            ValueError: the numbers of queries and documents differ.
        """
        left, right = (self._floats(side, calibration) for side in (queries, documents))
        return pairwise(left, right, function=self.encoding.similarity)

    def _floats(self, vectors: NDArray[Any], calibration: Calibration | None) -> Vectors:
        return dequantize(as_vectors(vectors), dim=self.dim, calibration=calibration)

    def _collector(self, side: SideName, top_k: int | None, n_texts: int) -> VectorCollector:
        return VectorCollector(n_texts, self.dim)

    def _concatenate(self, windows: Sequence[Vectors]) -> Vectors:
        return np.concatenate(windows)

    def __repr__(self) -> str:
        """Show the settings that determine the vectors, and the device."""
        queries = self.encoding.queries
        own = "" if queries is None else f"query_pooling={_pooling(queries)!r}, "
        encoding = self.encoding
        prompts = shown_prompts(
            encoding.query_prompt, encoding.document_prompt, encoding.default_prompt
        )
        return (
            f"DenseEncoder({self.record.id!r}, dim={self.dim}, pooling={_pooling(self.encoding)!r}, {own}"
            f"normalized={self.encoding.normalized}, similarity={self.encoding.similarity!r}, "
            f"{prompts}, max_length={self.max_length}, "
            f"device={self.device!r}, dtype={self.dtype!r})"
        )


def dims_up_to(record: ModelInfo, dim: int | None) -> Sequence[int]:
    """Return the sizes that vectors of a model may be cut to, ascending.

    Args:
        record: the model.
        dim: the size that it is loaded with, the last of them; None means its own.
    """
    dims = record.dims
    if dim is None:
        return dims
    if isinstance(dims, range):
        return range(dims.start, dim + 1)
    return (*(each for each in dims if each < dim), dim)


def _pooling(encoding: DenseEncoding) -> str:
    poolings = [layer for layer in encoding.layers if isinstance(layer, PoolingSpec)]
    return "+".join(mode for pooling in poolings for mode in pooling.modes)
