"""The one answer to how a model is run: its record and its checkpoint, compared and merged.

`load` builds a plan, `verify` shows its comparisons, `add` makes a record of them; the fingerprint,
exports and artifacts are of the same plan. No tensor is loaded for it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.modules import LayerNormSpec, LinearSpec
from holotype.encoders.checkpoints.network_sizes import check_network, check_types
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    describe_checkpoint,
    find_transformer_file,
    read_checkpoint,
)
from holotype.encoders.kinds.dense import compare_dense
from holotype.encoders.kinds.merge import Comparer, Comparison, Merge
from holotype.encoders.kinds.network import compare_network, compare_parameters, transformer_path
from holotype.encoders.kinds.plan import (
    AnyPlan,
    ColbertPlan,
    DensePlan,
    StaticPlan,
    layers_of,
    reads_pictures,
    transformer_folder,
    transformers,
)
from holotype.encoders.kinds.routed import compare_routed, read_routed
from holotype.encoders.kinds.static import compare_static, is_static, read_static
from holotype.errors import (
    CatalogueMismatchError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    CaptionerModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ImageReader,
    ImageTextModel,
    ModelInfo,
    SparseModel,
)

Refusal: TypeAlias = (
    UnsafeCheckpointError | UnsupportedCheckpointError | UnsupportedModelError | WrongKindError
)
_REFUSALS = (
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What came of comparing a record with a checkpoint, whether or not it can be run so.

    Attributes:
        record: the model.
        checkpoint: its files.
        comparisons: one for each field that was reached.
        plan: how the model is run, if nothing differed; None where that cannot be said.
        refusal: why it cannot be said; None where it can.
    """

    record: ModelInfo
    checkpoint: Checkpoint
    comparisons: tuple[Comparison, ...]
    plan: AnyPlan | None
    refusal: Refusal | None

    @property
    def differences(self) -> tuple[Comparison, ...]:
        """The comparisons in which the record and the checkpoint disagree."""
        return tuple(found for found in self.comparisons if not found.agrees)

    def require_plan(self, *, besides: Container[str] = ()) -> AnyPlan:
        """Return the plan, where the record and the checkpoint agree.

        Args:
            besides: the fields that may differ, because the caller decides them.

        Raises:
            CheckpointError: the files are unsafe, of another kind of model, or say something that
                is not supported, or pictures become other ones than the network reads.
            UnsupportedModelError: neither the record nor the checkpoint says how it is run.
            CatalogueMismatchError: something differs; the error lists all of it.
        """
        if self.refusal is not None:
            raise self.refusal
        differences = [
            (found.field, found.ours, found.theirs.value, found.theirs.file)
            for found in self.differences
            if found.theirs is not None and found.field not in besides
        ]
        if differences or self.plan is None:
            raise CatalogueMismatchError(self.record.id, self.checkpoint.location, differences)
        if reads_pictures(self.plan):
            from holotype.encoders.kinds.picture_sizes import check_pictures

            check_pictures(self.plan)
        return self.plan


def make_plan(record: ModelInfo, checkpoint: Checkpoint) -> AnyPlan:
    """Return how a model is run.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe, or of another kind of model.
        UnsupportedModelError: neither the record nor the checkpoint says how it is run, or no
            encoder runs this kind of model.
        CatalogueMismatchError: they disagree; the error lists every difference.
    """
    return make_draft(record, checkpoint).require_plan()


def make_draft(record: ModelInfo, checkpoint: Checkpoint) -> Draft:
    """Compare a record with a checkpoint, and keep what differs instead of raising it.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    comparer = Comparer(record)
    plan: AnyPlan | None = None
    refusal: Refusal | None = None
    try:
        plan = _plan(record, checkpoint, comparer)
        for transformer in transformers(plan):
            check_network(transformer, whole=not reads_pictures(plan))
        for layer in layers_of(plan):
            if isinstance(layer, LinearSpec | LayerNormSpec):
                check_types(layer.folder)
    except _REFUSALS as error:
        refusal = error
    if refusal is not None and not is_static(checkpoint):
        _compare_sizes(comparer, checkpoint)
    folder = transformer_path(checkpoint) if plan is None else transformer_folder(plan)
    transformer = checkpoint.part(folder)
    if not is_static(checkpoint):
        compare_network(comparer, transformer)
    compare_parameters(comparer, checkpoint, transformer)
    comparisons = _one_each(comparer.comparisons)
    return Draft(
        record=record,
        checkpoint=checkpoint,
        comparisons=comparisons,
        plan=None if plan is None else replace(plan, comparisons=comparisons),
        refusal=refusal,
    )


def _plan(record: ModelInfo, checkpoint: Checkpoint, comparer: Comparer) -> AnyPlan:
    """Return the plan; a kind is imported when a model of it is met, to start fast."""
    if isinstance(record, DenseModel):
        return _dense_plan(record, checkpoint, comparer)
    if isinstance(record, ColbertModel):
        return _colbert_plan(record, checkpoint, comparer)
    if isinstance(record, SparseModel):
        from holotype.encoders.kinds.sparse import plan_sparse

        return plan_sparse(record, checkpoint, comparer)
    if isinstance(record, CrossEncoderModel):
        from holotype.encoders.kinds.cross_encoder import plan_cross_encoder

        return plan_cross_encoder(record, checkpoint, comparer)
    if isinstance(record, ClassifierModel):
        from holotype.encoders.kinds.classifier import plan_classifier

        return plan_classifier(record, checkpoint, comparer)
    if isinstance(record, ImageTextModel):
        from holotype.encoders.kinds.image_text import plan_image_text

        return plan_image_text(record, checkpoint, comparer)
    if isinstance(record, CaptionerModel):
        from holotype.encoders.kinds.captioner import plan_captioner

        return plan_captioner(record, checkpoint, comparer)
    raise UnsupportedModelError(record.id, f"there is no encoder for the kind {record.type!r}")


def _dense_plan(
    record: AnyDenseModel, checkpoint: Checkpoint, comparer: Comparer
) -> DensePlan | StaticPlan:
    if is_static(checkpoint) or record.architecture_type == "static":
        static = read_static(checkpoint)
        return StaticPlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_static(comparer, static),
            static=static,
        )
    routed = read_routed(checkpoint)
    if routed is not None:
        return DensePlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_routed(record, routed, comparer),
            settings=routed.documents,
            queries=routed.queries,
        )
    settings = read_checkpoint(checkpoint)
    return DensePlan(
        record=record,
        checkpoint=checkpoint,
        encoding=compare_dense(record, settings, Merge(comparer, settings)),
        settings=settings,
    )


def _colbert_plan(
    record: AnyColbertModel, checkpoint: Checkpoint, comparer: Comparer
) -> ColbertPlan:
    from holotype.encoders.checkpoints.visual import is_visual, refuse_unprojected

    refuse_unprojected(checkpoint)
    if is_visual(checkpoint):
        from holotype.encoders.kinds.visual import plan_visual

        return plan_visual(record, checkpoint, comparer)
    from holotype.encoders.kinds.colbert import plan_colbert

    return plan_colbert(record, checkpoint, comparer)


def _compare_sizes(comparer: Comparer, checkpoint: Checkpoint) -> None:
    """Compare what can be said of a model that is not known to be run."""
    transformer = checkpoint.part(transformer_path(checkpoint))
    if not transformer.has(CONFIG_FILE):
        return
    settings = describe_checkpoint(
        checkpoint,
        transformer.inside,
        format="transformers",
        library=JsonFile(LIBRARY_FILE, {}, checkpoint.where(LIBRARY_FILE)),
        modules=None,
        transformer=find_transformer_file(transformer),
    )
    merge = Merge(comparer, settings)
    merge.sizes()
    known = {found.field for found in comparer.comparisons}
    if comparer.record.type == "dense" and "embedding_dim" not in known:
        plain = not checkpoint.has("modules.json")
        comparer.choose(
            "embedding_dim", comparer.record.embedding_dim, settings.hidden_dim if plain else None
        )
    if "context_length" not in known:
        # Queries and documents of late interaction have lengths of their own.
        merge.length(declared=comparer.record.type != "colbert")
    if isinstance(comparer.record, ImageReader):
        from holotype.encoders.kinds.images import compare_stated_pixels

        compare_stated_pixels(comparer, comparer.record, transformer)


def _one_each(comparisons: list[Comparison]) -> tuple[Comparison, ...]:
    """Return one comparison for each field: one that differs, or else the first with a value."""
    chosen: dict[str, Comparison] = {}
    for comparison in comparisons:
        known = chosen.get(comparison.field)
        if known is None or (known.agrees and (known.theirs is None or not comparison.agrees)):
            chosen[comparison.field] = comparison
    return tuple(chosen.values())
