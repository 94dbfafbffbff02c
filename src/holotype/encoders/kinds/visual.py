"""How late interaction with pictures is run, once its record and its checkpoint agree."""

from __future__ import annotations

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.visual import VisualSettings
from holotype.encoders.kinds.colbert import ColbertEncoding, PictureSide, Side
from holotype.encoders.kinds.images import compare_pixels
from holotype.encoders.kinds.merge import Merge
from holotype.encoders.kinds.prompts import Prompt
from holotype.errors import UnsupportedModelError
from holotype.records import AnyColbertModel

# What the processors of transformers put before a query and beside a picture, where no file says it.
_QUERY_PROMPTS = {"colpali": "Question: ", "colqwen2": "Query: "}
_IMAGE_PROMPTS = {
    "colpali": "Describe the image.",
    "colqwen2": "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image."
    "<|im_end|><|endoftext|>",
}
_PADDING = {"colpali": "<pad>", "colqwen2": "<|endoftext|>"}
_N_PADDING = 10


def compare_visual(
    record: AnyColbertModel, settings: VisualSettings, merge: Merge
) -> ColbertEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedModelError: neither says how pictures are prepared, or vectors are not compared
            as such models do it.
    """
    merge.sizes()
    kind = settings.model_type
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
        "query_prompt", record.query_prompt, settings.query_prompt, _QUERY_PROMPTS[kind]
    )
    image_prompt = merge.choose(
        "image_prompt", record.image_prompt, settings.image_prompt, _IMAGE_PROMPTS[kind]
    )
    suffix = record.query_suffix
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
            pixels=compare_pixels(
                merge,
                record,
                settings.processor,
                patch_size=settings.patch_size,
                location=settings.text.transformer.location,
            ),
            model_type=kind,
            image_prompt=image_prompt,
            query_suffix=None if suffix == _PADDING[kind] * _N_PADDING else suffix,
            n_padding=_N_PADDING,
            begins=kind == "colpali",
        ),
    )
