"""Dense vectors of texts, for every shape that asks for some."""

from __future__ import annotations

from typing import Any, NamedTuple

from holotype.encoders.config import knows_sizes
from holotype.encoders.inputs.lengths import Lengths
from holotype.errors import InvalidDimensionError
from holotype.pool import Answer, Lease
from holotype.server.errors import FieldProblem, FingerprintMismatchError, UnprocessableError
from holotype.server.inference.answers import Floats, contiguous
from holotype.server.inference.calls import Call
from holotype.server.inference.targets import Kinds, Target, find_target, lease_model

MOST_SWAPS = 3
"""How often a model may change its vectors during one request."""
_ONE_VECTOR = Kinds(
    ("dense", "image-text"),
    "it has no single vector for a text; see /v1/models for what it answers",
)


class Vectors(NamedTuple):
    """What a request for vectors got.

    Attributes:
        values: float32 ``[n_texts, dim]``.
        answer: which model made them.
        fingerprint: that of these vectors; None if the model has none.
        lengths: the tokens of the texts; None if the model does not say.
        n_pictures: how many of the vectors are of pictures.
    """

    values: Floats
    answer: Answer[Any]
    fingerprint: str | None
    lengths: Lengths | None
    n_pictures: int = 0


async def encode(
    call: Call,
    name: str,
    texts: list[str],
    *,
    side: str,
    truncate: bool,
    dim: int | None = None,
    expected: str | None = None,
) -> Vectors:
    """Return the dense vectors of texts.

    Args:
        call: the request.
        name: the name of the model.
        texts: the texts.
        side: ``"query"``, ``"document"`` or ``"text"``.
        truncate: whether texts that are too long are cut.
        dim: the size of the vectors; None takes that of the loaded model.
        expected: the fingerprint that they must have.

    Raises:
        TextOverflowError: a text is too long.
        InvalidDimensionError: the model has no vectors of the size.
        FingerprintMismatchError: the vectors would be others.
        HolotypeError: the model cannot be called.
    """
    for _ in range(MOST_SWAPS):
        with await find_target(call, name, _ONE_VECTOR) as target:
            found = await _encode(target, texts, side, truncate, dim, expected)
        if found is not None:
            return found
    raise too_many_swaps(name)


def too_many_swaps(name: str) -> FingerprintMismatchError:
    """Return the error of a request during which a model went on changing its vectors."""
    return FingerprintMismatchError(
        f"{name!r} changed its vectors {MOST_SWAPS} times during this request; send it again"
    )


async def _encode(
    target: Target,
    texts: list[str],
    side: str,
    truncate: bool,
    dim: int | None,
    expected: str | None,
) -> Vectors | None:
    """Encode on a leased model; None if other vectors came than were promised."""
    call, lease = target.call, target.lease
    fingerprint = await fingerprint_of(call, lease, dim)
    if lease is not None:
        call.require_fingerprint(fingerprint, expected)
    answer, lengths = await target.encode(texts, side=side, truncate=truncate)
    values = contiguous(answer.value)
    if lease is None or answer.version.fingerprint != lease.version.fingerprint:
        if dim is not None and dim != values.shape[1]:
            if lease is None:
                raise InvalidDimensionError(target.name, dim, (values.shape[1],))
            return None
        fingerprint = answer.version.fingerprint
        call.require_fingerprint(fingerprint, expected)
    elif dim is not None and dim != values.shape[1]:
        values = lease.model.shorten(values, dim)
    return Vectors(values=values, answer=answer, fingerprint=fingerprint, lengths=lengths)


async def fingerprint_of(call: Call, lease: Lease[Any] | None, dim: int | None) -> str | None:
    """Return the fingerprint of the vectors to come, of which a size may be asked for.

    Raises:
        InvalidDimensionError: the model has no vectors of the size.
    """
    if lease is None:
        return None
    version, model = lease.version, lease.model
    own: int | None = lease.generation.facts.dim
    if dim is None or dim == own:
        return version.fingerprint
    if not hasattr(model, "fingerprint_of_dim"):
        raise InvalidDimensionError(version.name, dim, () if own is None else (own,))
    if dim not in model.dims:
        raise InvalidDimensionError(
            version.name, dim, model.dims, sizes_known=knows_sizes(model.record)
        )
    known = call.state.fingerprints
    key = (version.fingerprint, dim)
    if key not in known:
        # It may read the weights, so it is done once.
        known[key] = await call.in_thread(model.fingerprint_of_dim, dim)
    return known[key]


async def texts_of(
    call: Call, name: str, given: str | list[str] | list[int] | list[list[int]], field: str
) -> list[str]:
    """Return the texts of a request, of which token ids are read back.

    Raises:
        RequestError: there are none, or too many.
        UnprocessableError: the model's tokenizer makes no such tokens.
    """
    if isinstance(given, str):
        return [given]
    # One list of token ids is one text.
    several: list[Any] = [given] if given and isinstance(given[0], int) else list(given)
    call.check_count(several, field)
    if isinstance(several[0], str):
        return several
    lease = await lease_model(call, name)
    if lease is None:
        raise UnprocessableError(f"{name!r} takes texts only, since it is more than one model")
    with lease:
        text_of = getattr(lease.model, "text_of", None)
        if text_of is None:
            raise UnprocessableError(f"{name!r} has no tokenizer here; send texts")
        return await call.in_thread(_read_back, text_of, several, field)


def _read_back(text_of: Any, given: list[list[int]], field: str) -> list[str]:
    texts = []
    for at, ids in enumerate(given):
        try:
            texts.append(text_of(ids))
        except (ValueError, OverflowError) as error:
            raise UnprocessableError(
                f"{field}[{at}]: {error}. LangChain's OpenAIEmbeddings sends tokens of OpenAI unless "
                "check_embedding_ctx_length=False",
                errors=[FieldProblem(field=f"{field}[{at}]", message=str(error))],
            ) from None
    return texts
