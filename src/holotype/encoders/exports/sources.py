"""What of a checkpoint becomes a graph, by the kind of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from holotype.encoders.checkpoints.settings import STANFORD_ARCHITECTURE, CheckpointSettings
from holotype.encoders.exports.captions import CaptionSource, read_caption_source
from holotype.encoders.exports.pages import network_config, page_network, part_network
from holotype.encoders.graphs.build_heads import LAST_LAYER_FILE
from holotype.encoders.graphs.graph import (
    LAST_LAYER_INPUTS,
    LOGITS,
    TEXT_FEATURES,
    TOKEN_VECTORS,
)
from holotype.encoders.graphs.opening import refuse_mixed_padding
from holotype.encoders.kinds.colbert import PictureSide
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ClassifierPlan,
    ColbertPlan,
    CrossEncoderPlan,
    DensePlan,
    ImageTextPlan,
    SparsePlan,
    StaticPlan,
)
from holotype.encoders.torch_backend.hosted_heads import summarizes_padding
from holotype.encoders.torch_backend.image_text import load_image_text_model
from holotype.encoders.torch_backend.tensors import read_tensors, split_projection
from holotype.encoders.torch_backend.visual import load_visual_model
from holotype.encoders.torch_backend.weights import (
    answer_projection,
    load_backbone,
    load_classification_model,
    load_language_model,
)
from holotype.errors import UnsupportedCheckpointError, UnsupportedModelError

_WEIGHTS = "model.safetensors"
SCORES = ("logit_scale", "logit_bias", "temperature")
"""The tensors by which models for pictures and texts score, which no graph has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSource:
    """A network for pictures of one size, or for any number of patches.

    Attributes:
        model: the model, of transformers, in float32 on the CPU.
        height: the height of the pictures that it reads, in pixels; how many patches become one
            part, where it reads patches.
        width: the width of the pictures; how many numbers a patch has.
        in_patches: whether it reads patches.
    """

    model: Any
    height: int
    width: int
    in_patches: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSource:
    """What is written of a model.

    Attributes:
        settings: what the checkpoint says.
        model: the transformer, of transformers, in float32 on the CPU.
        returned: which of its outputs is taken.
        output: the name of that output in the graph.
        beside_graph: tensors for a file beside the graph, where a layer follows it.
        beside_transformer: tensors for the transformer's own folder.
        weights_name: the file there that holds them.
        pictures: the network for pictures, which becomes a graph of its own; None without one.
        captions: the networks of a captioner, `model` among them; None for other kinds.
        parts_width: the width of the vectors of parts of a picture that the model reads among the
            tokens of a text; None where it reads tokens alone.
        tokenizer_folders: where the checkpoint's tokenizers are.
    """

    settings: CheckpointSettings
    model: Any
    returned: str = TOKEN_VECTORS
    output: str = TOKEN_VECTORS
    beside_graph: Mapping[str, Tensor] = field(default_factory=dict)
    beside_transformer: Mapping[str, Tensor] = field(default_factory=dict)
    weights_name: str = _WEIGHTS
    pictures: PictureSource | None = None
    captions: CaptionSource | None = None
    parts_width: int | None = None
    tokenizer_folders: tuple[Path, ...]

    def tensor_files(self, made: Path, graph: Path) -> dict[Path, Mapping[str, Tensor]]:
        """Return the tensors that lie beside the graph, by their files.

        Args:
            made: the folder of the export.
            graph: the graph's file.
        """
        inner = self.settings.transformer_folder.relative_to(self.settings.folder)
        files = {
            graph.parent / LAST_LAYER_FILE: self.beside_graph,
            made / inner / self.weights_name: self.beside_transformer,
        }
        return {path: tensors for path, tensors in files.items() if tensors}


def read_source(plan: AnyPlan) -> ExportSource:
    """Load the part of a model that becomes a graph.

    Raises:
        UnsupportedModelError: the model cannot be exported.
        CheckpointError: the weights are missing, damaged, unsafe, or of another model.
    """
    if isinstance(plan, SparsePlan):
        return _sparse_source(plan)
    if isinstance(plan, CrossEncoderPlan | ClassifierPlan):
        return _head_source(plan)
    if isinstance(plan, ImageTextPlan):
        return _image_text_source(plan)
    if isinstance(plan, CaptionerPlan):
        captions = read_caption_source(plan)
        return ExportSource(
            settings=plan.settings,
            model=captions.texts,
            captions=captions,
            tokenizer_folders=(plan.settings.transformer_folder,),
        )
    if isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None:
        return _page_source(plan, plan.encoding.pictures)
    if isinstance(plan, StaticPlan):
        raise UnsupportedModelError(
            plan.record.id, "it is a table of token vectors, run by NumPy alone; load it as it is"
        )
    return _vector_source(plan)


def _vector_source(plan: DensePlan | ColbertPlan) -> ExportSource:
    settings = plan.settings
    if isinstance(plan, DensePlan) and plan.queries is not None:
        raise UnsupportedCheckpointError(
            plan.checkpoint.where("modules.json"),
            "has modules of their own for queries and for documents, which only torch runs so far",
        )
    refuse_mixed_padding(settings)
    tensors, projection = read_tensors(settings.transformer), dict[str, Tensor]()
    if settings.architecture == STANFORD_ARCHITECTURE:
        projection = split_projection(settings.transformer, tensors)
    return ExportSource(
        settings=settings,
        model=load_backbone(settings.transformer, tensors),
        beside_transformer=projection if settings.format == "stanford" else {},
        tokenizer_folders=(settings.transformer_folder,),
    )


def _sparse_source(plan: SparsePlan) -> ExportSource:
    checkpoint, table = plan.settings.checkpoint, plan.settings.query_table
    refuse_mixed_padding(checkpoint)
    folder = checkpoint.transformer
    tokenizers: tuple[Path, ...] = (folder.folder,)
    if table is not None and plan.settings.has_query_module:
        tokenizers = (folder.folder, plan.checkpoint.part(table).folder)
    tensors = read_tensors(folder)
    if plan.settings.form == "lexical":
        model: Any = load_backbone(folder, tensors)
        return ExportSource(settings=checkpoint, model=model, tokenizer_folders=tokenizers)
    model, last = load_language_model(folder, tensors)
    layer = {"linear.weight": last.weight.detach()}
    if last.bias is not None:
        layer["linear.bias"] = last.bias.detach()
    return ExportSource(
        settings=checkpoint,
        model=model,
        returned=LOGITS,
        output=LAST_LAYER_INPUTS,
        beside_graph=layer,
        tokenizer_folders=tokenizers,
    )


def _head_source(plan: CrossEncoderPlan | ClassifierPlan) -> ExportSource:
    settings, model_id = plan.settings, plan.record.id
    checkpoint = settings.checkpoint
    folder = checkpoint.transformer
    if settings.template is not None:
        raise UnsupportedModelError(
            model_id,
            "its pairs go through a chat template, which transformers writes; it runs on torch only",
        )
    refuse_mixed_padding(checkpoint)
    tensors = read_tensors(folder)
    if settings.task == "sequence-classification":
        model: Any = load_classification_model(folder, tensors)
        _refuse_heads(model_id, model)
        return ExportSource(
            settings=checkpoint,
            model=model,
            returned=LOGITS,
            output=LOGITS,
            tokenizer_folders=(folder.folder,),
        )
    answer = dict[str, Tensor]()
    if settings.answer is not None:
        _, answer = answer_projection(folder, tensors, settings.answer)
    return ExportSource(
        settings=checkpoint,
        model=load_backbone(folder, tensors),
        beside_graph=answer,
        tokenizer_folders=(folder.folder,),
    )


def _refuse_heads(model_id: str, model: Any) -> None:
    """Refuse heads that look at the tokens in a way that no graph keeps."""
    if model.config.is_encoder_decoder:
        raise UnsupportedModelError(
            model_id,
            "its head reads the end of a decoder beside the encoder, which depends on every text; "
            "it runs on torch only",
        )
    if getattr(model.config, "pad_token_id", None) is None:
        raise UnsupportedModelError(
            model_id,
            "its head knows no padding, so that every text is run on its own; it runs on torch only",
        )
    if summarizes_padding(model):
        raise UnsupportedModelError(
            model_id,
            "its head reads padding, so that every text is run on its own; it runs on torch only",
        )


def _image_text_source(plan: ImageTextPlan) -> ExportSource:
    settings, pixels = plan.settings, plan.encoding.pixels
    size = pixels.crop or pixels.size
    if size is None:
        raise UnsupportedModelError(
            plan.record.id,
            f"its pictures have no one size ({pixels.shown}), and the number of their patches "
            "depends on each picture, which no graph keeps; it runs on torch only",
        )
    folder = settings.transformer
    tensors = read_tensors(folder)
    model = load_image_text_model(folder, tensors)
    height, width = size
    scores = {name: tensors[name] for name in SCORES if name in tensors}
    return ExportSource(
        settings=settings,
        model=_TextNetwork(model),
        returned="pooler_output",
        output=TEXT_FEATURES,
        beside_transformer=scores,
        # Fingerprints know the weights by their names.
        weights_name=next(iter(folder.weight_names()), _WEIGHTS),
        pictures=PictureSource(model=model, height=height, width=width),
        tokenizer_folders=(folder.folder,),
    )


class _TextNetwork(nn.Module):
    """A model for pictures and texts that is called with texts."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Any:
        inputs = {"input_ids": input_ids}
        if attention_mask is not None:
            inputs["attention_mask"] = attention_mask
        return self.model.get_text_features(**inputs)


def _page_source(plan: ColbertPlan, pictures: PictureSide) -> ExportSource:
    folder = plan.settings.transformer
    model: Any = load_visual_model(folder, pictures.model_type, read_tensors(folder))
    return ExportSource(
        settings=plan.settings,
        model=page_network(model, pictures),
        pictures=_picture_source(plan, model, pictures),
        parts_width=network_config(model).text_config.hidden_size,
        tokenizer_folders=(folder.folder,),
    )


def _picture_source(plan: ColbertPlan, model: Any, pictures: PictureSide) -> PictureSource:
    network, vision = part_network(model, pictures), network_config(model).vision_config
    if pictures.model_type == "colqwen2":
        return PictureSource(
            model=network,
            height=vision.spatial_merge_size**2,
            width=vision.in_channels * vision.temporal_patch_size * vision.patch_size**2,
            in_patches=True,
        )
    side = pictures.pixels.tile_size
    size = (side, side) if side is not None else pictures.pixels.crop or pictures.pixels.size
    if size is None:
        raise UnsupportedModelError(
            plan.record.id,
            f"its pictures have no one size ({pictures.pixels.shown}), which its graph needs; it "
            "runs on torch only",
        )
    return PictureSource(model=network, height=size[0], width=size[1])


def contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as a file stores them: whole, in float32, none sharing its memory."""
    return {
        name: tensor.detach().to(torch.float32).contiguous().clone()
        for name, tensor in tensors.items()
    }
