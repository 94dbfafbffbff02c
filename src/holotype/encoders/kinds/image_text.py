"""How a model for pictures and texts is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.image_text import (
    TOKENIZER_FILE,
    ImageTextSettings,
    read_image_text,
)
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.settings import cut_width
from holotype.encoders.kinds.images import PixelSettings, compare_pixels
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import ImageTextPlan
from holotype.encoders.kinds.prompts import Prompt
from holotype.encoders.options import TextSide
from holotype.errors import UnsupportedModelError
from holotype.records import AnyImageTextModel, ImageTextSimilarity

# Networks that were trained on texts padded to one length, and scores that are sigmoids.
_SIGMOID = frozenset({"siglip", "siglip2"})
# Some tokenizers put texts in lower case, and that of SigLIP removes signs and blanks, too, whatever
# their files say.
_CLEANING = ("SiglipTokenizer",)
_LOWERING = (*_CLEANING, "Siglip2Tokenizer")
# Catalogues round these two numbers.
_SAME_NUMBER = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTextEncoding:
    """How a model for pictures and texts is run.

    Attributes:
        pixels: how a picture becomes numbers.
        native_dim: the width of the vectors of both.
        normalized: whether vectors have length 1.
        similarity: ``cosine``, ``dot`` or ``sigmoid``, that of the scaled cosine.
        query_prompt: the prompt of queries.
        document_prompt: the prompt of documents that are texts.
        default_prompt: the prompt of texts that are neither.
        max_length: the longest text in tokens; None where nothing limits it.
        padded_length: the length in tokens to which texts are padded; None where padding changes
            nothing.
        lower_case: whether texts are put in lower case.
        remove_punctuation: whether signs and surplus blanks are taken out of texts.
        logit_scale: the factor of cosines, before a softmax or the sigmoid; None if unknown.
        logit_bias: what is added after that; None for nothing.
        text_side: as which of queries and documents texts are read that are neither.
    """

    pixels: PixelSettings
    native_dim: int
    normalized: bool
    similarity: ImageTextSimilarity
    query_prompt: Prompt
    document_prompt: Prompt
    default_prompt: str
    max_length: int | None
    padded_length: int | None = None
    lower_case: bool = False
    remove_punctuation: bool = False
    logit_scale: float | None = None
    logit_bias: float | None = None
    text_side: TextSide = "document"


def plan_image_text(
    record: AnyImageTextModel, checkpoint: Checkpoint, comparer: Comparer
) -> ImageTextPlan:
    """Return how a model for pictures and texts is run; see `make_draft` for errors."""
    settings = read_image_text(checkpoint)
    return ImageTextPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_image_text(record, settings, Merge(comparer, settings.text)),
        settings=settings.text,
    )


def _compare_image_text(
    record: AnyImageTextModel, settings: ImageTextSettings, merge: Merge
) -> ImageTextEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedModelError: neither says how pictures are prepared, or how texts are padded, or
            scores are sigmoids of unknown scale.
    """
    text = settings.text
    merge.sizes()
    width = None
    if settings.dim is not None:
        width = cut_width(settings.dim, text.truncate_dim)
    merge.choose("embedding_dim", record.embedding_dim, width)
    if settings.dim is not None and settings.model_type not in _SIGMOID:
        # SigLIP has a projection of texts alone.
        merge.choose("has_projection", record.has_projection, Setting(True, settings.dim.file))
        merge.choose("projection_dims", record.projection_dims, settings.dim)
    merge.choose("image_hidden_dim", record.image_hidden_dim, settings.image_hidden_dim)
    merge.choose("image_layers", record.image_layers, settings.image_layers)
    padded = _padded_length(record, settings, merge)
    similarity = _similarity(record, settings, merge)
    scale = _number(merge, "logit_scale", record.logit_scale, settings.logit_scale)
    bias = _number(merge, "logit_bias", record.logit_bias, settings.logit_bias)
    unknown = scale is None or bias is None
    if similarity == "sigmoid" and unknown and not settings.has_scale:
        raise UnsupportedModelError(
            record.id,
            "its scores are sigmoids, but neither the catalogue nor the checkpoint says logit_scale "
            "and logit_bias; load a record with both",
        )
    lowers = _by_tokenizer(settings, _LOWERING)
    cleans = _by_tokenizer(settings, _CLEANING)
    limit = merge.length(declared=True)
    own = record.text_length
    return ImageTextEncoding(
        pixels=compare_pixels(
            merge,
            record,
            settings.processor,
            patch_size=settings.patch_size,
            location=text.transformer.location,
        ),
        native_dim=record.embedding_dim if settings.dim is None else settings.dim.value,
        normalized=bool(merge.choose("normalize", record.normalize, settings.normalize, False)),
        similarity=similarity,
        query_prompt=merge.prompt("query_prompt", record.query_prompt, text.query_prompt),
        document_prompt=merge.prompt(
            "document_prompt", record.document_prompt, text.document_prompt
        ),
        default_prompt=text.default_prompt.value if text.default_prompt else "",
        max_length=min(known) if (known := [n for n in (limit, own) if n is not None]) else None,
        padded_length=padded,
        lower_case=merge.choose("lower_case", record.lower_case, lowers, False),
        remove_punctuation=merge.choose(
            "remove_punctuation", record.remove_punctuation, cleans, False
        ),
        logit_scale=scale,
        logit_bias=bias,
    )


def _padded_length(
    record: AnyImageTextModel, settings: ImageTextSettings, merge: Merge
) -> int | None:
    """Return the length to which texts are padded; the architecture says whether they are."""
    pads = "max-length" if settings.model_type in _SIGMOID else "longest"
    by_network = Setting(pads, "the type of the network")
    chosen = merge.choose("text_padding", record.text_padding, by_network)
    positions = settings.text.n_positions
    length = record.text_length
    if length is not None and positions is not None and length > positions.value:
        merge.differ("text_length", length, positions.value, positions.file)
    else:
        confirmed = positions is not None and length in (None, positions.value)
        merge.compare("text_length", length, positions if confirmed else None, agrees=True)
    if chosen != "max-length":
        return None
    if length is None and positions is None:
        raise UnsupportedModelError(
            record.id,
            "its texts are padded to one length, but neither the catalogue nor the checkpoint says "
            "to which; load a record with text_length",
        )
    if not settings.text.transformer.has(TOKENIZER_FILE):
        raise UnsupportedModelError(
            record.id,
            f"its texts are padded to one length, but the checkpoint has no {TOKENIZER_FILE}, which says "
            "with which token and whether the network sees it, and a guess would be silently wrong; add "
            "the file of the model's repository",
        )
    return length if length is not None or positions is None else positions.value


def _by_tokenizer(settings: ImageTextSettings, classes: tuple[str, ...]) -> Setting[bool] | None:
    """Return that the tokenizer changes texts, where it is of one of these classes."""
    file = settings.text.transformer.part(TOKENIZER_FILE).inside
    return Setting(True, file) if settings.tokenizer_class in classes else None


def _similarity(
    record: AnyImageTextModel, settings: ImageTextSettings, merge: Merge
) -> ImageTextSimilarity:
    usual: ImageTextSimilarity = "sigmoid" if settings.model_type in _SIGMOID else "cosine"
    stated = settings.text.similarity
    # The library knows no sigmoid, and writes cosine into every file.
    if stated is not None and stated.value == "cosine" and usual == "sigmoid":
        stated = None
    chosen: Any = merge.choose("similarity", record.similarity, stated, usual)
    if chosen not in ("cosine", "dot", "sigmoid"):
        raise UnsupportedModelError(
            record.id, f"it compares vectors by {chosen!r}; supported are cosine, dot and sigmoid"
        )
    known: ImageTextSimilarity = chosen
    return known


def _number(
    merge: Merge, field: str, ours: float | None, theirs: Setting[float] | None
) -> float | None:
    """Return one of the numbers of scores; the weights have it exactly."""
    if ours is None or theirs is None:
        merge.compare(field, ours, theirs, agrees=True)
        return ours if theirs is None else theirs.value
    near = abs(ours - theirs.value) <= _SAME_NUMBER * max(abs(theirs.value), 1)
    merge.compare(field, ours, theirs, agrees=near)
    return theirs.value if near else ours
