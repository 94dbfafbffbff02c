"""The tokens that go with the picture of a page, among which its parts have their places."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.rows import PictureRow
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.colbert import PictureSide
from holotype.encoders.kinds.images import PixelSettings
from holotype.errors import CheckpointError

_PICTURE_TOKENS = {
    "colmodernvbert": "<image>",
    "colpali": "<image>",
    "colqwen2": "<|image_pad|>",
    "idefics3": "<image>",
}
_PICTURE, _AROUND = "<image>", "<fake_token_around_image>"


class PagePrompt(Protocol):
    """The tokens that go with a picture."""

    @property
    def picture(self) -> int:
        """The token that stands for a part of the picture."""
        ...

    def ids(self, row: PictureRow) -> list[int]:
        """Return all tokens of a picture, in which one stands for each of its parts."""
        ...


def make_page_prompt(
    folder: Checkpoint, pictures: PictureSide, tokenizer: TextTokenizer, *, n_parts: int | None
) -> PagePrompt:
    """Return the tokens that go with every picture of a model.

    Args:
        folder: the folder of the tokenizer, for errors.
        pictures: how pictures are read.
        tokenizer: the tokenizer.
        n_parts: how many parts every picture has; None where that depends on the picture.

    Raises:
        CheckpointError: the vocabulary lacks a token that goes with every picture, or the text has
            no place for it.
    """
    picture = _require_token(folder, tokenizer, _PICTURE_TOKENS[pictures.model_type])
    if pictures.pixels.tile_size is not None:
        _require_once(folder, pictures, pictures.image_prompt.count(_PICTURE))
        _require_token(folder, tokenizer, _AROUND)
        n_parts = parts_of_tile(pictures.pixels)
        return _TiledPrompt(pictures.image_prompt, picture, n_parts, tokenizer)
    if pictures.begins:
        beginning = tokenizer.token(tokenizer.bos_id) or ""
        after = tokenizer.ids(f"{beginning}{pictures.image_prompt}\n")
        return _PlainPrompt([], picture, after, n_parts)
    ids = tokenizer.ids(pictures.image_prompt)
    _require_once(folder, pictures, ids.count(picture))
    at = ids.index(picture)
    return _PlainPrompt(ids[:at], picture, ids[at + 1 :], n_parts)


def places_in_grid(ids: list[int], picture: int, grid: tuple[int, int]) -> NDArray[np.int64]:
    """Return where the tokens of a page stand: in time, by rows and by columns, ``[n_tokens, 3]``.

    Tokens of text stand one by one; the parts of a picture have one time, and its rows and columns
    begin there.

    Args:
        ids: the tokens.
        picture: the token that stands for a part.
        grid: how many parts lie below and beside each other.
    """
    start, n_parts = ids.index(picture), ids.count(picture)
    parts = np.moveaxis(np.indices((1, *grid)), 0, -1).reshape(n_parts, 3) + start
    n_after = len(ids) - start - n_parts
    others = np.concatenate([np.arange(start), start + max(grid) + np.arange(n_after)])
    places = np.repeat(others[:, None], 3, axis=1)
    return np.concatenate([places[:start], parts, places[start:]]).astype(np.int64)


def parts_of_tile(pixels: PixelSettings) -> int:
    """Return how many vectors a tile becomes."""
    side = (pixels.tile_size or 1) // (pixels.patch_size or 1)
    return side**2 // (pixels.merge_size or 1) ** 2


class _PlainPrompt:
    """Tokens before and after those of the picture."""

    def __init__(
        self, before: list[int], picture: int, after: list[int], n_parts: int | None
    ) -> None:
        """Take the tokens, and how many parts every picture has; None where that depends on it."""
        self.picture = picture
        self._before = before
        self._after = after
        self._n_parts = n_parts

    def ids(self, row: PictureRow) -> list[int]:
        """See `PagePrompt.ids`."""
        parts = [self.picture] * (self._n_parts or row.n_tokens)
        return [*self._before, *parts, *self._after]


class _TiledPrompt:
    """A text in which every tile has its place, row by row, and the whole picture follows them."""

    def __init__(self, prompt: str, picture: int, n_parts: int, tokenizer: TextTokenizer) -> None:
        """Take the text with one picture in it, and how many parts a tile has."""
        self.picture = picture
        self._before, self._after = prompt.split(_PICTURE)
        self._parts = _PICTURE * n_parts
        self._tokenizer = tokenizer

    def ids(self, row: PictureRow) -> list[int]:
        """See `PagePrompt.ids`."""
        rows, columns = row.grid or (0, 0)
        lines = (
            "".join(
                f"{_AROUND}<row_{below}_col_{beside}>{self._parts}"
                for beside in range(1, columns + 1)
            )
            for below in range(1, rows + 1)
        )
        tiles = "".join(f"{line}\n" for line in lines)
        whole = f"{_AROUND}<global-img>{self._parts}{_AROUND}"
        gap = "\n" if tiles else ""
        text = f"{self._before}{tiles}{gap}{whole}{self._after}"
        (found,) = self._tokenizer.encode([text], max_length=None)
        return found.ids


def _require_once(folder: Checkpoint, pictures: PictureSide, n_found: int) -> None:
    if n_found != 1:
        token = _PICTURE_TOKENS[pictures.model_type]
        raise CheckpointError(
            folder.location,
            f"its image_prompt {pictures.image_prompt!r} has the token {token!r} {n_found} times; "
            "expected it once",
        )


def _require_token(folder: Checkpoint, tokenizer: TextTokenizer, token: str) -> int:
    found = tokenizer.token_id(token)
    if found is None:
        raise CheckpointError(
            folder.where("tokenizer.json"),
            f"lacks the token {token!r}, which stands among the parts of a picture",
        )
    return found
