"""The encoders of single modes that run on one transformer."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.inputs.sides import SideReader
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.mode_vectors import AnyModeVectors, Mode, Sizes
from holotype.encoders.options import SideName
from holotype.encoders.running.modes_network import Counter
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.vectors.ragged import Ragged


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleModes:
    """An encoder for each mode that was loaded; None for a mode that was not."""

    dense: DenseEncoder | None
    sparse: SparseEncoder | None
    colbert: ColbertEncoder | None

    @property
    def loaded(self) -> dict[Mode, Encoder[Any]]:
        """Those that there are."""
        modes: dict[Mode, Encoder[Any] | None]
        modes = {"dense": self.dense, "sparse": self.sparse, "colbert": self.colbert}
        return {mode: encoder for mode, encoder in modes.items() if encoder is not None}

    @property
    def sizes(self) -> Sizes:
        """How wide the vectors of each mode are."""
        return Sizes(
            dense=self.dense.dim if self.dense else None,
            sparse=self.sparse.dim if self.sparse else None,
            colbert=self.colbert.dim if self.colbert else None,
        )

    def counters(
        self, side: SideName, prompt: str, tokenizer: TextTokenizer
    ) -> dict[Mode, Counter]:
        """Return what tells which tokens count, for the modes that leave some out.

        Args:
            side: how texts are read.
            prompt: what is put before every text.
            tokenizer: that of the transformer.
        """
        counters: dict[Mode, Counter] = {}
        if self.dense is not None and prompt and not self.dense.encoding.counts_prompt:
            n_uncounted = tokenizer.count_leading_tokens(prompt)
            counters["dense"] = lambda ids: [at >= n_uncounted for at in range(len(ids))]
        if self.colbert is not None:
            encoding = self.colbert.encoding
            sides = {"query": encoding.query, "document": encoding.document}
            read_as = sides.get(side, encoding.plain)
            counters["colbert"] = SideReader(self.colbert.record.id, read_as, tokenizer).counted
        return counters

    def scores(
        self, queries: AnyModeVectors, documents: AnyModeVectors, modes: Container[Mode]
    ) -> dict[Mode, NDArray[np.float32]]:
        """Score all queries against all documents in some modes: ``[n_queries, n_documents]``.

        MaxSim is divided by the number of the query's vectors.
        """
        scores: dict[Mode, NDArray[np.float32]] = {}
        for mode, encoder in self._chosen(modes).items():
            ours, theirs = getattr(queries, mode), getattr(documents, mode)
            scores[mode] = encoder.similarity(ours, theirs)
            if mode == "colbert":
                scores[mode] /= _lengths(ours)[:, None]
        return scores

    def pairwise_scores(
        self, queries: AnyModeVectors, documents: AnyModeVectors, modes: Container[Mode]
    ) -> dict[Mode, NDArray[np.float32]]:
        """Score every query against the document at its own position: ``[n_queries]``."""
        scores: dict[Mode, NDArray[np.float32]] = {}
        for mode, encoder in self._chosen(modes).items():
            ours, theirs = getattr(queries, mode), getattr(documents, mode)
            scores[mode] = encoder.similarity_pairwise(ours, theirs)
            if mode == "colbert":
                scores[mode] /= _lengths(ours)
        return scores

    def _chosen(self, modes: Container[Mode]) -> dict[Mode, Any]:
        return {mode: encoder for mode, encoder in self.loaded.items() if mode in modes}


def _lengths(queries: Ragged[np.float32]) -> NDArray[np.float32]:
    """Return by how many vectors the score of each query is divided."""
    return np.maximum(queries.lengths, 1).astype(np.float32)
