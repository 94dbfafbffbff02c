"""How a model is run: for each kind a plan, which backends build and fingerprints tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.records import ModelInfo

if TYPE_CHECKING:
    # Whoever makes or runs a plan imports what is of its kind; models of others need none of it.
    from holotype.encoders.checkpoints.caption_limits import CaptionLimits
    from holotype.encoders.checkpoints.heads import HeadSettings
    from holotype.encoders.checkpoints.modules import LayerSpec
    from holotype.encoders.checkpoints.sparse import SparseSettings
    from holotype.encoders.kinds.captioner import CaptionerEncoding
    from holotype.encoders.kinds.classifier import ClassifierEncoding
    from holotype.encoders.kinds.colbert import ColbertEncoding
    from holotype.encoders.kinds.cross_encoder import CrossEncoding
    from holotype.encoders.kinds.dense import DenseEncoding
    from holotype.encoders.kinds.image_text import ImageTextEncoding
    from holotype.encoders.kinds.merge import Comparison
    from holotype.encoders.kinds.sparse import SparseEncoding
    from holotype.encoders.kinds.static import StaticCheckpoint
    from holotype.records import (
        AnyColbertModel,
        AnyDenseModel,
        AnyImageTextModel,
        CaptionerModel,
        ClassifierModel,
        CrossEncoderModel,
        SparseModel,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a model is run; each kind has a plan of its own.

    Attributes:
        record: the model.
        checkpoint: its files.
        comparisons: what the record and the checkpoint say of each field, and where it stands.
    """

    record: ModelInfo
    checkpoint: Checkpoint
    comparisons: tuple[Comparison, ...] = ()

    @property
    def is_static(self) -> bool:
        """Whether it is a table of token vectors, which NumPy alone runs."""
        return isinstance(self, StaticPlan)


@dataclass(frozen=True, slots=True, kw_only=True)
class DensePlan(Plan):
    """How a transformer with pooling is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say of the transformer that reads documents.
        queries: what they say of what reads queries; None where the same does.
    """

    record: AnyDenseModel
    encoding: DenseEncoding
    settings: CheckpointSettings
    queries: CheckpointSettings | StaticCheckpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPlan(Plan):
    """How a table of token vectors is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        static: what the files say of the table.
    """

    record: AnyDenseModel
    encoding: DenseEncoding
    static: StaticCheckpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ColbertPlan(Plan):
    """How a late-interaction model is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say of the transformer.
    """

    record: AnyColbertModel
    encoding: ColbertEncoding
    settings: CheckpointSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SparsePlan(Plan):
    """How a sparse model is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say.
    """

    record: SparseModel
    encoding: SparseEncoding
    settings: SparseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEncoderPlan(Plan):
    """How a cross-encoder is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say.
    """

    record: CrossEncoderModel
    encoding: CrossEncoding
    settings: HeadSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierPlan(Plan):
    """How a classifier is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say.
    """

    record: ClassifierModel
    encoding: ClassifierEncoding
    settings: HeadSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTextPlan(Plan):
    """How a model for pictures and texts is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say of the network for texts, and of the checkpoint.
    """

    record: AnyImageTextModel
    encoding: ImageTextEncoding
    settings: CheckpointSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerPlan(Plan):
    """How a model that writes captions is run.

    Attributes:
        encoding: what the record and the checkpoint agreed on.
        settings: what the files say of the network that writes, and of the checkpoint.
        limits: how many tokens that network knows, and how many it reads.
    """

    record: CaptionerModel
    encoding: CaptionerEncoding
    settings: CheckpointSettings
    limits: CaptionLimits


AnyPlan: TypeAlias = (
    DensePlan
    | StaticPlan
    | ColbertPlan
    | SparsePlan
    | CrossEncoderPlan
    | ClassifierPlan
    | ImageTextPlan
    | CaptionerPlan
)


def transformer_folder(plan: AnyPlan) -> str:
    """Return the folder of a plan's transformer or table, relative to the checkpoint."""
    if isinstance(plan, StaticPlan):
        return plan.static.table.inside
    if isinstance(plan, DensePlan | ColbertPlan | ImageTextPlan | CaptionerPlan):
        return plan.settings.transformer.inside
    return plan.settings.checkpoint.transformer.inside


def transformers(plan: AnyPlan) -> tuple[Checkpoint, ...]:
    """Return the folders of all transformers that a plan runs."""
    if isinstance(plan, StaticPlan):
        return ()
    if isinstance(plan, DensePlan) and isinstance(plan.queries, CheckpointSettings):
        return plan.settings.transformer, plan.queries.transformer
    return (plan.checkpoint.part(transformer_folder(plan)),)


def layers_of(plan: AnyPlan) -> tuple[LayerSpec, ...]:
    """Return the layers after the transformers of a plan."""
    queries = getattr(plan.encoding, "queries", None)
    own = getattr(plan.encoding, "layers", ())
    return (*own, *(queries.layers if queries else ()))


def networks(plan: AnyPlan) -> tuple[Checkpoint, ...]:
    """Return the folders of all transformers and tables of token vectors, each once."""
    if isinstance(plan, StaticPlan):
        return (plan.static.table,)
    found = list(transformers(plan))
    queries = plan.queries if isinstance(plan, DensePlan) else None
    if queries is not None and not isinstance(queries, CheckpointSettings):
        found.append(queries.table)
    return tuple(dict.fromkeys(found))


def reads_pictures(plan: AnyPlan) -> bool:
    """Whether a model reads pictures, and so has a network for them beside that for texts."""
    if isinstance(plan, ColbertPlan):
        return plan.encoding.pictures is not None
    return isinstance(plan, ImageTextPlan | CaptionerPlan)
