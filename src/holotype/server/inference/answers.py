"""Answers in JSON; those with many numbers are written in pieces, so that the event loop never stalls."""

from __future__ import annotations

import asyncio
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.responses import Response

from holotype.encoders.inputs.lengths import Lengths

_NUMPY = orjson.OPT_SERIALIZE_NUMPY
_VALUES_AT_ONCE = 32_768
_LITTLE_ENDIAN = np.dtype("<f4")

Floats = NDArray[np.float32]
RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Headers as ASGI has them."""


class JsonResponse(Response):
    """An answer that is JSON already, with headers that are bytes already."""

    def __init__(self, body: bytes, headers: RawHeaders = ()) -> None:
        """Take the body as it is."""
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            *headers,
        ]


def respond(value: Any, headers: RawHeaders = ()) -> Response:
    """Return a small answer."""
    return JsonResponse(orjson.dumps(value, option=_NUMPY), headers)


async def join_pieces(
    rows: Sequence[Any] | Floats,
    write: Callable[[int, Any], Any],
    *,
    row_values: int,
    before: bytes = b"[",
    after: bytes = b"]",
) -> bytes:
    """Return rows as a JSON array, between other bytes.

    Args:
        rows: what becomes an element each.
        write: returns what orjson writes for a position and its row.
        row_values: how many numbers a row has, about.
        before: what comes first, with the bracket of the array.
        after: what comes last, with its bracket.
    """
    pieces = [before]
    at_once = max(1, _VALUES_AT_ONCE // max(1, row_values))
    for start in range(0, len(rows), at_once):
        if start:
            pieces.append(b",")
            # Others get their turn; the interpreter writes numbers without letting go.
            await asyncio.sleep(0)
        part = [write(at, rows[at]) for at in range(start, min(start + at_once, len(rows)))]
        pieces.append(orjson.dumps(part, option=_NUMPY)[1:-1])
    pieces.append(after)
    return b"".join(pieces)


def usage_of(lengths: Lengths | None) -> dict[str, Any]:
    """Return how many tokens a request had; null where the model does not say."""
    n_tokens = None if lengths is None else lengths.n_tokens
    found: dict[str, Any] = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
    if lengths is not None and lengths.n_cut_texts:
        found |= {
            "truncated_texts": lengths.n_cut_texts,
            "truncated_tokens": sum(lengths.n_cut),
        }
    return found


def to_base64(vector: Floats) -> str:
    """Return a vector as OpenAI's clients read it: little-endian float32."""
    raw = vector.astype(_LITTLE_ENDIAN, copy=False).tobytes()
    return b2a_base64(raw, newline=False).decode("ascii")


def contiguous(vectors: Floats) -> Floats:
    """Return vectors as orjson writes them: float32, row after row."""
    return np.ascontiguousarray(vectors, dtype=np.float32)
