"""Pictures in requests: what they may be, and the vectors of pictures among texts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from holotype.encoders._load import import_part
from holotype.encoders.inputs.lengths import Lengths
from holotype.errors import ImageError, InvalidDimensionError
from holotype.pool import Answer
from holotype.server.errors import BodyTooLargeError, FieldProblem, UnprocessableError
from holotype.server.inference.answers import contiguous
from holotype.server.inference.bodies import ImageItem, TextItem
from holotype.server.inference.calls import Call
from holotype.server.inference.dense import MOST_SWAPS, Vectors, fingerprint_of, too_many_swaps
from holotype.server.inference.targets import Kinds, Target, find_target

_N_SHOWN = 60
_READS_PICTURES = Kinds(
    ("image-text",), "pictures are read by models of the kind 'image-text'; see /v1/models"
)


class InvalidImageError(UnprocessableError):
    """A picture of a request cannot be read."""

    code = "invalid_image"


async def encode_items(
    call: Call,
    name: str,
    items: Sequence[TextItem | ImageItem],
    *,
    side: str,
    truncate: bool,
    dim: int | None,
    expected: str | None,
) -> Vectors:
    """Return the vectors of texts and pictures, in their order, all of one model.

    Args:
        call: the request.
        name: the name of the model.
        items: at least one picture, and any texts.
        side: ``"query"``, ``"document"`` or ``"text"``; as which texts are read.
        truncate: whether texts that are too long are cut.
        dim: the size of the vectors; None takes that of the loaded model.
        expected: the fingerprint that they must have.

    Raises:
        InvalidImageError: a picture cannot be read; the error names its field.
        BodyTooLargeError: the pictures have too many pixels.
        HolotypeError: see `holotype.server.inference.dense.encode`.
    """
    fields = [f"input[{at}].image" for at, one in enumerate(items) if isinstance(one, ImageItem)]
    given = [one.image for one in items if isinstance(one, ImageItem)]
    pictures: list[bytes] | None = None
    for _ in range(MOST_SWAPS):
        with await find_target(call, name, _READS_PICTURES) as target:
            lease = target.lease
            fingerprint = await fingerprint_of(call, lease, dim)
            if lease is not None:
                call.require_fingerprint(fingerprint, expected)
            if pictures is None:
                pictures = await read_pictures(call, given, fields)
            found = await _run(target, items, pictures, fields, side, truncate)
        if found is None or (lease is not None and found.fingerprint != lease.version.fingerprint):
            continue
        call.require_fingerprint(found.fingerprint, expected)
        width = found.values.shape[1]
        if dim is not None and dim != width:
            raise InvalidDimensionError(name, dim, (width,))
        return found
    raise too_many_swaps(name)


async def _run(
    target: Target,
    items: Sequence[TextItem | ImageItem],
    pictures: list[bytes],
    fields: Sequence[str],
    side: str,
    truncate: bool,
) -> Vectors | None:
    """Run texts and pictures; None if the model changed its vectors between them."""
    texts = [one.text for one in items if isinstance(one, TextItem)]
    lengths: Lengths | None = None
    parts: list[Answer[Any]] = []
    if texts:
        answer, lengths = await target.encode(texts, side=side, truncate=truncate)
        parts.append(answer)
    parts.append(await run_pictures(target, "encode_image", pictures, fields))
    fingerprints = {part.version.fingerprint for part in parts}
    if len(fingerprints) > 1:
        return None
    values = np.empty((len(items), parts[-1].value.shape[1]), dtype=np.float32)
    of_pictures = np.array([isinstance(one, ImageItem) for one in items])
    values[of_pictures] = parts[-1].value
    if texts:
        values[~of_pictures] = parts[0].value
    return Vectors(
        values=contiguous(values),
        answer=replace(
            parts[-1],
            queue_s=sum(part.queue_s for part in parts),
            run_s=sum(part.run_s for part in parts),
        ),
        fingerprint=fingerprints.pop(),
        lengths=lengths,
        n_pictures=len(pictures),
    )


async def run_pictures(
    target: Target, method: str, pictures: list[bytes], fields: Sequence[str]
) -> Answer[Any]:
    """Call a method of a model with pictures.

    Raises:
        InvalidImageError: a picture is damaged; the error names its field.
    """
    try:
        return await target.run(method, pictures, progress=False)
    except ImageError as error:
        raise _invalid(fields[error.index], error.problem) from error


async def read_pictures(call: Call, given: Sequence[str], fields: Sequence[str]) -> list[bytes]:
    """Return the bytes of pictures, whose headers have been read.

    Args:
        call: the request.
        given: data URIs, or base64 alone. Nothing else, above all no path, reaches a model.
        fields: where in the body each stands.

    Raises:
        InvalidImageError: one is no picture; the error names its field.
        BodyTooLargeError: they have more pixels than the server takes.
    """
    images: Any = import_part("holotype.encoders.inputs.images", "images", "pictures")
    return await call.in_thread(_read, images, given, fields, call.state.settings.max_pixels)


def _read(images: Any, given: Sequence[str], fields: Sequence[str], most: int) -> list[bytes]:
    found: list[bytes] = []
    n_pixels = 0
    for text, field in zip(given, fields, strict=True):
        try:
            content = images.bytes_of_uri(text) if images.is_uri(text) else _decode(text)
            width, height = images.size_of_file(content)
        except ImageError as error:
            raise _invalid(field, error.problem) from error
        n_pixels += width * height
        if n_pixels > most:
            raise BodyTooLargeError(
                f"the pictures up to {field} have {n_pixels:,} pixels, and those of a request may "
                f"have {most:,} together; make them smaller, or send several requests",
                errors=[FieldProblem(field=field, message="is too large")],
            )
        found.append(content)
    return found


def _decode(text: str) -> bytes:
    if "://" in text[:_N_SHOWN]:
        raise ImageError(
            f"is the address {text[:_N_SHOWN]!r}, and this server fetches nothing; send the picture "
            "itself: data:image/jpeg;base64,..."
        )
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ImageError(
            f"begins with {text[:_N_SHOWN]!r}, which is no base64; send data:image/jpeg;base64,..., "
            "or base64 alone"
        ) from None


def _invalid(field: str, problem: str) -> InvalidImageError:
    return InvalidImageError(
        f"{field} {problem}", errors=[FieldProblem(field=field, message=problem)]
    )
