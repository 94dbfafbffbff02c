"""How late interaction with pictures is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.visual import VisualSettings, read_visual
from holotype.encoders.kinds.colbert import ColbertEncoding, PictureSide, Side
from holotype.encoders.kinds.images import PixelSettings, compare_pixels
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import ColbertPlan
from holotype.encoders.kinds.prompts import Prompt
from holotype.errors import UnsupportedCheckpointError, UnsupportedModelError
from holotype.records import AnyColbertModel


@dataclass(frozen=True, slots=True, kw_only=True)
class _Processor:
    """What a processor of transformers does where no file says it.

    Attributes:
        query_prompt: the text before every query.
        image_prompt: the text that goes with every picture.
        filling: the token that stands after every query, several times.
        is_padding: whether that is whatever token the tokenizer pads with.
        begins: whether texts begin with the token of the beginning.
        query_end: what stands after the filling.
        special_tokens: whether the tokenizer adds its own special tokens.
    """

    query_prompt: str
    image_prompt: str
    filling: str
    is_padding: bool = True
    begins: bool = False
    query_end: str = "\n"
    special_tokens: bool = False


_PROCESSORS = {
    "colpali": _Processor(
        query_prompt="Question: ",
        image_prompt="Describe the image.",
        filling="<pad>",
        begins=True,
    ),
    "colqwen2": _Processor(
        query_prompt="Query: ",
        image_prompt="<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>"
        "Describe the image.<|im_end|><|endoftext|>",
        filling="<|endoftext|>",
    ),
    # colpali-engine's, which saves neither prompt.
    "idefics3": _Processor(
        query_prompt="",
        image_prompt="<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
        filling="<end_of_utterance>",
        is_padding=False,
        query_end="",
        special_tokens=True,
    ),
    "colmodernvbert": _Processor(
        query_prompt="",
        image_prompt="<|begin_of_text|>User:<image>Describe the image.<end_of_utterance>\n"
        "Assistant:",
        filling="<end_of_utterance>",
        is_padding=False,
        query_end="",
        special_tokens=True,
    ),
}
_N_FILLING = 10


def plan_visual(record: AnyColbertModel, checkpoint: Checkpoint, comparer: Comparer) -> ColbertPlan:
    """Return how late interaction with pictures is run; see `make_draft` for errors."""
    settings = read_visual(checkpoint)
    return ColbertPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_visual(record, settings, Merge(comparer, settings.text)),
        settings=settings.text,
    )


def _compare_visual(
    record: AnyColbertModel, settings: VisualSettings, merge: Merge
) -> ColbertEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedModelError: neither says how pictures are prepared, or vectors are not compared
            as such models do it.
        UnsupportedCheckpointError: pictures are cut into other tiles than the network reads.
    """
    merge.sizes()
    kind = settings.model_type
    usual = _PROCESSORS[kind]
    merge.choose("embedding_dim", record.embedding_dim, settings.dim)
    if settings.dim is not None:
        merge.choose("has_projection", record.has_projection, Setting(True, settings.dim.file))
        merge.choose("projection_dims", record.projection_dims, settings.dim)
    merge.choose("image_hidden_dim", record.image_hidden_dim, settings.image_hidden_dim)
    merge.choose("image_layers", record.image_layers, settings.image_layers)
    if record.normalize is False or record.similarity not in (None, "maxsim"):
        raise UnsupportedModelError(
            record.id,
            f"the vectors of {kind} have length 1 and are compared by MaxSim; load a record that "
            "says so",
        )
    prompt = merge.choose(
        "query_prompt", record.query_prompt, settings.query_prompt, usual.query_prompt
    )
    image_prompt = merge.choose(
        "image_prompt", record.image_prompt, settings.image_prompt, usual.image_prompt
    )
    suffix = record.query_suffix
    filling = usual.filling * _N_FILLING
    if not usual.is_padding:
        suffix = filling if suffix is None else suffix
    elif suffix == filling:
        suffix = None
    limit = merge.length(declared=False)

    def side(name: str, text: str) -> Side:
        return Side(
            name=name,
            prompt=Prompt(text),
            marker=None,
            max_length=limit,
            skiplist=(),
            kept_ids=None,
        )

    return ColbertEncoding(
        layers=(),
        native_dim=record.embedding_dim if settings.dim is None else settings.dim.value,
        normalized=True,
        query=side("query", prompt),
        document=side("document", ""),
        plain=side("text", ""),
        expansion=None,
        pictures=PictureSide(
            pixels=_pixels(record, settings, merge),
            model_type=kind,
            image_prompt=image_prompt,
            query_suffix=suffix,
            n_padding=_N_FILLING if usual.is_padding else 0,
            begins=usual.begins,
            query_end=usual.query_end,
            special_tokens=usual.special_tokens,
        ),
    )


def _pixels(record: AnyColbertModel, settings: VisualSettings, merge: Merge) -> PixelSettings:
    location = settings.text.transformer.location
    found = compare_pixels(
        merge,
        record,
        settings.processor,
        patch_size=settings.patch_size,
        location=location,
    )
    read = settings.tile_size
    if read is not None and found.tile_size != read.value:
        cut = "are not cut into tiles" if found.tile_size is None else "are cut into tiles of"
        raise UnsupportedCheckpointError(
            location,
            f"has a network that reads tiles of {read.value} pixels, but its pictures {cut}"
            f"{'' if found.tile_size is None else f' {found.tile_size}'}; supported is the same size",
        )
    return found
