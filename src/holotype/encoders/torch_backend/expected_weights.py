"""Whether a load would find every tensor, told by the headers of the weights.

Each tensor stands in for itself by a view of one number, so the network is built as a load builds
it, without reading weights and without their memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import MODEL_FOR_MASKED_LM_MAPPING

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import HeadSettings
from holotype.encoders.checkpoints.settings import STANFORD_ARCHITECTURE, CheckpointSettings
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ClassifierPlan,
    ColbertPlan,
    CrossEncoderPlan,
    DensePlan,
    ImageTextPlan,
    SparsePlan,
)
from holotype.encoders.torch_backend.captioner import load_captioner_model
from holotype.encoders.torch_backend.image_text import load_image_text_model
from holotype.encoders.torch_backend.tensors import (
    NOT_OF_THE_ENCODER,
    POOLER,
    split_projection,
)
from holotype.encoders.torch_backend.visual import load_visual_model
from holotype.encoders.torch_backend.weights import (
    answer_projection,
    build_model,
    choose_class,
    load_backbone,
    load_classification_model,
)


def check_weights(plan: AnyPlan) -> None:
    """Check that the weights of all transformers of a plan are those of their architectures.

    Raises:
        CheckpointError: transformers cannot build a network of this configuration.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: transformers does not know an architecture.
    """
    if isinstance(plan, DensePlan):
        _check_backbone(plan.settings)
        if isinstance(plan.queries, CheckpointSettings):
            _check_backbone(plan.queries)
    elif isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None:
        folder = plan.settings.transformer
        load_visual_model(folder, plan.encoding.pictures.model_type, _stand_ins(folder))
    elif isinstance(plan, ColbertPlan):
        _check_backbone(plan.settings)
    elif isinstance(plan, ImageTextPlan):
        folder = plan.settings.transformer
        load_image_text_model(folder, _stand_ins(folder))
    elif isinstance(plan, CaptionerPlan):
        folder = plan.settings.transformer
        load_captioner_model(folder, plan.encoding.model_type, _stand_ins(folder))
    elif isinstance(plan, SparsePlan) and plan.settings.form == "lexical":
        _check_backbone(plan.settings.checkpoint)
    elif isinstance(plan, SparsePlan):
        _check_language_model(plan.settings.checkpoint.transformer)
    elif isinstance(plan, CrossEncoderPlan | ClassifierPlan):
        _check_head(plan.settings)


def _check_backbone(settings: CheckpointSettings) -> None:
    folder = settings.transformer
    tensors = _stand_ins(folder)
    if settings.format == "stanford":
        split_projection(folder, tensors)
    elif settings.architecture == STANFORD_ARCHITECTURE:
        # A later save in another format keeps the old projection beside the one of its module.
        tensors.pop("linear.weight", None)
    load_backbone(folder, tensors)


def _check_language_model(folder: Checkpoint) -> None:
    model_class, config = choose_class(
        folder, "AutoModelForMaskedLM", (MODEL_FOR_MASKED_LM_MAPPING,), "masked language model"
    )
    unused = (NOT_OF_THE_ENCODER, POOLER)
    build_model(folder, model_class, config, _stand_ins(folder), optional=unused)


def _check_head(settings: HeadSettings) -> None:
    folder = settings.checkpoint.transformer
    tensors = _stand_ins(folder)
    if settings.task == "sequence-classification":
        load_classification_model(folder, tensors)
        return
    load_backbone(folder, tensors)
    # Where both tables are there, they are compared by their values, which are not read here.
    if settings.answer is not None and not _has_two_tables(tensors):
        answer_projection(folder, tensors, settings.answer)


def _has_two_tables(tensors: Mapping[str, Tensor]) -> bool:
    return "lm_head.weight" in tensors and any("embed_tokens" in name for name in tensors)


def _stand_ins(folder: Checkpoint) -> dict[str, Tensor]:
    """Return tensors of the shapes that the headers of a folder say; all values are one number."""
    headers = [folder.header(name) for name in folder.weights()]
    return {
        name: torch.zeros(()).expand(tensor.shape)
        for header in headers
        for name, tensor in header.items()
    }
