"""How a model that writes captions is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.caption_limits import CaptionLimits
from holotype.encoders.checkpoints.captioner import CaptionerSettings, read_captioner
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.images import PixelSettings, compare_pixels
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import CaptionerPlan
from holotype.errors import InvalidArgumentError
from holotype.records import CaptionerModel

# What transformers takes where nothing is said, if the network reads as many.
_USUAL_NEW_TOKENS = 20
_OPTIONS = (
    *("num_beams", "max_new_tokens", "max_length", "min_length"),
    *("length_penalty", "repetition_penalty"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerEncoding:
    """How a model that writes captions is run; lengths are in tokens.

    What is None is as transformers has it for the model.

    Attributes:
        pixels: how a picture becomes numbers.
        model_type: the architecture, which decides how the prompt is read.
        prompt: the text with which captions begin.
        num_beams: how many captions are followed at once; 1 takes the likeliest token each time.
        max_new_tokens: how many tokens follow the prompt at most; without this and `max_length`, 20
            or as many as the network reads.
        max_length: how many tokens a caption has at most, with its prompt.
        min_length: how many it has at least.
        length_penalty: the power of the length by which the score of a beam is divided.
        repetition_penalty: what the scores of tokens are divided by that have occurred.
    """

    pixels: PixelSettings
    model_type: str
    prompt: str
    num_beams: int
    max_new_tokens: int | None = None
    max_length: int | None = None
    min_length: int | None = None
    length_penalty: float | None = None
    repetition_penalty: float | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The settings that are stated, by the names of the arguments of transformers' `generate`."""
        named = {name: getattr(self, name) for name in _OPTIONS}
        return {name: value for name, value in named.items() if value is not None}


def plan_captioner(
    record: CaptionerModel, checkpoint: Checkpoint, comparer: Comparer
) -> CaptionerPlan:
    """Return how a model that writes captions is run; see `make_draft` for errors."""
    settings = read_captioner(checkpoint)
    return CaptionerPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_captioner(record, settings, Merge(comparer, settings.text)),
        settings=settings.text,
        limits=settings.limits,
    )


def _compare_captioner(
    record: CaptionerModel, settings: CaptionerSettings, merge: Merge
) -> CaptionerEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedModelError: neither says how pictures are prepared.
        InvalidArgumentError: a setting of the record is none that a search for captions has.
    """
    _check_options(record, settings.limits)
    merge.sizes()
    merge.choose("image_hidden_dim", record.image_hidden_dim, settings.image_hidden_dim)
    merge.choose("image_layers", record.image_layers, settings.image_layers)

    def choose(field: str) -> Any:
        # Captions may be generated in other ways than the checkpoint's: the record decides.
        ours: Any = getattr(record, field)
        theirs: Setting[Any] | None = settings.generation.get(field)
        merge.compare(field, ours, theirs, agrees=True)
        if ours is None:
            return None if theirs is None else theirs.value
        return ours

    max_new_tokens, max_length = choose("max_new_tokens"), choose("max_length")
    if record.max_new_tokens is not None:
        max_length = record.max_length
    elif record.max_length is not None:
        max_new_tokens = None
    return CaptionerEncoding(
        pixels=compare_pixels(
            merge,
            record,
            settings.processor,
            patch_size=settings.patch_size,
            location=settings.text.transformer.location,
        ),
        model_type=settings.model_type,
        prompt=record.prompt or "",
        num_beams=choose("num_beams") or 1,
        max_new_tokens=max_new_tokens,
        max_length=max_length,
        min_length=choose("min_length"),
        length_penalty=choose("length_penalty"),
        repetition_penalty=choose("repetition_penalty"),
    )


def _check_options(record: CaptionerModel, limits: CaptionLimits) -> None:
    for name in _OPTIONS:
        value = getattr(record, name)
        expected = None if value is None else limits.expected(name, value)
        if expected is not None:
            raise InvalidArgumentError(
                f"{name} of the record {record.id!r} is {value!r}; expected {expected}; load "
                f"dataclasses.replace(record, {name}=...)"
            )


def longest_caption(
    encoding: CaptionerEncoding, limits: CaptionLimits, n_shown: int, model_id: str
) -> int:
    """Return how many tokens a caption has at most, with those that it begins with.

    Args:
        encoding: what the record and its files say.
        limits: the sizes of the network.
        n_shown: how many tokens captions begin with.
        model_id: the model, for the error.

    Raises:
        InvalidArgumentError: no token is left for captions after the prompt, or they may become
            longer than what the network reads.
    """
    if encoding.max_new_tokens is not None:
        longest = n_shown + encoding.max_new_tokens
    elif encoding.max_length is not None:
        longest = encoding.max_length
    else:
        longest = min(n_shown + _USUAL_NEW_TOKENS, limits.most_tokens)
    if longest <= n_shown:
        raise InvalidArgumentError(
            f"{model_id!r} writes captions of {longest} tokens at most, and they begin with {n_shown}; "
            "load a record with a greater max_length, or with max_new_tokens"
        )
    if longest > limits.most_tokens:
        raise InvalidArgumentError(
            f"{model_id!r} writes captions of {longest} tokens at most, of which {n_shown} are those "
            f"that they begin with; expected at most {limits.most_tokens}, which its network reads; "
            "load a record with a smaller max_new_tokens, or with a shorter prompt"
        )
    return longest
