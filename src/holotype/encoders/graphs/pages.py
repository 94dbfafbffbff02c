"""Networks for pages that are graphs: one for pictures, one for tokens with what these became."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.layers import returned_arrays
from holotype.encoders.arrays.tensors import Array
from holotype.encoders.graphs.graph import (
    ATTENDED,
    GRID_PLACES,
    IDS,
    PARTS,
    PATCH_PLACES,
    PICTURE_FEATURES,
    PIXELS,
    PLACES,
    Graph,
)
from holotype.encoders.graphs.network import GraphBackbone
from holotype.encoders.inputs.page_prompts import PagePrompt, places_in_grid
from holotype.encoders.inputs.rows import Batch, PictureRow
from holotype.encoders.running.network import Output
from holotype.errors import ClosedEncoderError

# Traced graphs take it for granted that an axis has more than one.
_N_UNUSED = 2


class PageBackbone(GraphBackbone):
    """The graph for tokens, among which the parts of one picture may stand."""

    def __init__(self, backbone: GraphBackbone, width: int) -> None:
        """Take a graph that has been opened, and the width of the parts that it reads."""
        super().__init__(
            backbone.graph, backbone.output, backbone.tokenizer, pad_id=backbone.pad_id
        )
        self._width = width

    def run(self, batch: Batch) -> Array:
        """Return the vectors of texts; see `GraphBackbone.run`."""
        parts = np.zeros((_N_UNUSED, self._width), dtype=np.float32)
        attended = batch.attended.astype(np.int64)
        in_turn = np.broadcast_to(np.arange(batch.ids.shape[1])[:, None], (*batch.ids.shape, 3))
        return self._run(batch.ids, attended, parts, np.zeros_like(batch.ids), in_turn)

    def run_page(
        self, ids: list[int], picture: int, parts: Array, grid: tuple[int, int] | None
    ) -> Array:
        """Return the vectors of a page: float32 ``[1, n_tokens, width]``.

        Args:
            ids: its tokens.
            picture: the token that stands for a part.
            parts: what its tiles became: ``[n_parts, width]``.
            grid: how many parts lie below and beside each other, where the graph is told.
        """
        tokens = np.asarray([ids], dtype=np.int64)
        stand = tokens == picture
        places = np.where(stand, np.cumsum(stand, axis=1), 0)
        in_grid = None if grid is None else places_in_grid(ids, picture, grid)[None]
        return self._run(tokens, np.ones_like(tokens), parts, places, in_grid)

    def _run(
        self,
        ids: NDArray[np.int64],
        attended: NDArray[np.int64],
        parts: Array,
        places: NDArray[np.int64],
        in_grid: NDArray[np.int64] | None,
    ) -> Array:
        kinds = self.graph.inputs
        given: dict[str, NDArray[Any]] = {
            IDS: ids,
            ATTENDED: attended,
            PARTS: parts,
            PLACES: places,
        }
        if GRID_PLACES in kinds and in_grid is not None:
            given[GRID_PLACES] = in_grid
        return self.graph.run(
            self.output,
            {name: array.astype(kinds[name], copy=False) for name, array in given.items()},
        )


class GraphPages:
    """The network for pages, one page at a time."""

    def __init__(
        self,
        tiles: Graph,
        backbone: PageBackbone,
        prompt: PagePrompt,
        *,
        dim: int,
        n_merged: int,
    ) -> None:
        """Take graphs that have been opened.

        Args:
            tiles: the graph for tiles, for whole pictures, or for patches.
            backbone: that for tokens, whose memory the network for queries counts.
            prompt: the tokens that go with a page.
            dim: the number of dimensions to return.
            n_merged: how many patches become one vector, where it reads patches.
        """
        self._n_merged = n_merged
        self._parts: tuple[Graph, PageBackbone] | None = (tiles, backbone)
        self._device = tiles.device
        self._prompt = prompt
        self._dim = dim

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def memory_bytes(self) -> int:
        """The bytes that the weights for tiles take, as the files store them."""
        return self._open()[0].memory_bytes

    def run(self, rows: Sequence[PictureRow], batch_size: int | None) -> Iterator[Output]:
        """Yield page by page; see `Network.run`."""
        del batch_size
        tiles, backbone = self._open()
        for at, row in enumerate(rows):
            given = self._given(row, reads_places=PATCH_PLACES in tiles.inputs)
            kinds = tiles.inputs
            found = tiles.run(
                PICTURE_FEATURES,
                {name: array.astype(kinds[name], copy=False) for name, array in given.items()},
            )
            parts = found.reshape(-1, found.shape[-1])
            ids = self._prompt.ids(dataclasses.replace(row, n_tokens=len(parts)))
            vectors = backbone.run_page(ids, self._prompt.picture, parts, self._grid(row))
            vectors = returned_arrays(vectors, dim=self._dim, normalized=True)
            yield [at], vectors, np.ones(vectors.shape[:2], dtype=np.bool_)

    def _given(self, row: PictureRow, *, reads_places: bool) -> dict[str, NDArray[Any]]:
        """Return what the graph for pictures reads of one."""
        if not reads_places:
            return {PIXELS: row.pixels if row.pixels.ndim == 4 else row.pixels[None]}
        rows, columns = row.grid or (0, 0)
        side = math.isqrt(self._n_merged)
        # Patches stand in the order of the squares that become one vector each.
        places = np.moveaxis(np.indices((rows, columns)), 0, -1)
        squares = places.reshape(rows // side, side, columns // side, side, 2).swapaxes(1, 2)
        return {
            PIXELS: row.pixels.reshape(-1, self._n_merged, row.pixels.shape[-1]),
            PATCH_PLACES: squares.reshape(-1, self._n_merged, 2),
        }

    def _grid(self, row: PictureRow) -> tuple[int, int] | None:
        """Return how the parts of a page lie, where the graph for pictures reads patches."""
        if row.grid is None or PATCH_PLACES not in self._open()[0].inputs:
            return None
        side = math.isqrt(self._n_merged)
        return row.grid[0] // side, row.grid[1] // side

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[Graph, PageBackbone]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts
