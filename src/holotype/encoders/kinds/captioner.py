"""How a model that writes captions is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.captioner import CaptionerSettings
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.images import PixelSettings, compare_pixels
from holotype.encoders.kinds.merge import Merge
from holotype.records import CaptionerModel

# What transformers takes where nothing is said.
_USUAL_NEW_TOKENS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerEncoding:
    """How a model that writes captions is run; lengths are in tokens.

    What is None is as transformers has it for the model.

    Attributes:
        pixels: how a picture becomes numbers.
        model_type: the architecture, which decides how the prompt is read.
        prompt: the text with which captions begin.
        num_beams: how many captions are followed at once; 1 takes the likeliest token each time.
        max_new_tokens: how many tokens follow the prompt at most.
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
        """The arguments of transformers' `generate`."""
        named = {
            "num_beams": self.num_beams,
            "max_new_tokens": self.max_new_tokens,
            "max_length": self.max_length,
            "min_length": self.min_length,
            "length_penalty": self.length_penalty,
            "repetition_penalty": self.repetition_penalty,
        }
        return {name: value for name, value in named.items() if value is not None}


def compare_captioner(
    record: CaptionerModel, settings: CaptionerSettings, merge: Merge
) -> CaptionerEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedModelError: neither says how pictures are prepared.
    """
    merge.sizes()
    merge.choose("image_hidden_dim", record.image_hidden_dim, settings.image_hidden_dim)
    merge.choose("image_layers", record.image_layers, settings.image_layers)

    def choose(field: str, usual: Any = None) -> Any:
        # Captions may be generated in other ways than the checkpoint's: the record decides.
        ours: Any = getattr(record, field)
        theirs: Setting[Any] | None = settings.generation.get(field)
        merge.compare(field, ours, theirs, agrees=True)
        if ours is None:
            return theirs.value if theirs is not None else usual
        return ours

    max_new_tokens, max_length = choose("max_new_tokens"), choose("max_length")
    if record.max_new_tokens is not None:
        max_length = record.max_length
    elif record.max_length is not None:
        max_new_tokens = None
    elif max_length is None and max_new_tokens is None:
        max_new_tokens = _USUAL_NEW_TOKENS
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
        num_beams=int(choose("num_beams", 1)),
        max_new_tokens=max_new_tokens,
        max_length=max_length,
        min_length=choose("min_length"),
        length_penalty=choose("length_penalty"),
        repetition_penalty=choose("repetition_penalty"),
    )
