"""The one answer to how a model is run: its record and its checkpoint, compared and merged.

`load` builds a plan, `verify` shows its comparisons, `add` makes a record of them; the fingerprint,
exports and artifacts are of the same plan. No tensor is loaded for it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TypeAlias

from holotype.encoders.checkpoints.bge_m3 import read_colbert_checkpoint, read_projection
from holotype.encoders.checkpoints.captioner import read_captioner
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import read_head_checkpoint
from holotype.encoders.checkpoints.image_text import read_image_text
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.late_interaction import STANFORD_FILE
from holotype.encoders.checkpoints.modules import LayerNormSpec, LinearSpec, stanford_linear
from holotype.encoders.checkpoints.network_sizes import check_network, check_types
from holotype.encoders.checkpoints.processor import has_processor, read_image_processor
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    CheckpointSettings,
    describe_checkpoint,
    find_transformer_file,
    read_checkpoint,
)
from holotype.encoders.checkpoints.sparse import LEXICAL, is_language_model, read_sparse_checkpoint
from holotype.encoders.checkpoints.visual import is_visual, read_visual, refuse_unprojected
from holotype.encoders.kinds.captioner import compare_captioner
from holotype.encoders.kinds.classifier import compare_classifier
from holotype.encoders.kinds.colbert import compare_colbert
from holotype.encoders.kinds.cross_encoder import compare_cross_encoder
from holotype.encoders.kinds.dense import compare_dense
from holotype.encoders.kinds.image_text import compare_image_text
from holotype.encoders.kinds.images import PixelSettings, compare_stated_pixels
from holotype.encoders.kinds.merge import Comparer, Comparison, Merge
from holotype.encoders.kinds.network import compare_network, compare_parameters, transformer_path
from holotype.encoders.kinds.picture_sizes import check_pictures
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
    layers_of,
    reads_pictures,
    transformer_folder,
    transformers,
)
from holotype.encoders.kinds.routed import compare_routed, read_routed
from holotype.encoders.kinds.sparse import compare_sparse
from holotype.encoders.kinds.static import compare_static, is_static, read_static
from holotype.encoders.kinds.visual import compare_visual
from holotype.errors import (
    CatalogueMismatchError,
    TensorError,
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
        _check_pictures(self.plan)
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
    if isinstance(record, DenseModel):
        return _dense_plan(record, checkpoint, comparer)
    if isinstance(record, ColbertModel):
        return _colbert_plan(record, checkpoint, comparer)
    if isinstance(record, SparseModel):
        lexical = record.activation == LEXICAL and not is_language_model(checkpoint)
        sparse = read_sparse_checkpoint(checkpoint, lexical=lexical)
        return SparsePlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_sparse(record, sparse, Merge(comparer, sparse.checkpoint)),
            settings=sparse,
        )
    if isinstance(record, CrossEncoderModel):
        head = read_head_checkpoint(checkpoint)
        return CrossEncoderPlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_cross_encoder(record, head, Merge(comparer, head.checkpoint)),
            settings=head,
        )
    if isinstance(record, ClassifierModel):
        head = read_head_checkpoint(checkpoint)
        return ClassifierPlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_classifier(record, head, Merge(comparer, head.checkpoint)),
            settings=head,
        )
    if isinstance(record, ImageTextModel):
        found = read_image_text(checkpoint)
        return ImageTextPlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_image_text(record, found, Merge(comparer, found.text)),
            settings=found.text,
        )
    if isinstance(record, CaptionerModel):
        written = read_captioner(checkpoint)
        return CaptionerPlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_captioner(record, written, Merge(comparer, written.text)),
            settings=written.text,
            limits=written.limits,
        )
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
    refuse_unprojected(checkpoint)
    if is_visual(checkpoint):
        visual = read_visual(checkpoint)
        return ColbertPlan(
            record=record,
            checkpoint=checkpoint,
            encoding=compare_visual(record, visual, Merge(comparer, visual.text)),
            settings=visual.text,
        )
    settings = read_colbert_checkpoint(checkpoint)
    projection = None
    if settings.format == "stanford":
        projection = _stanford_projection(settings)
    elif settings.format == "bge-m3":
        projection = read_projection(checkpoint)
    return ColbertPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=compare_colbert(record, settings, projection, Merge(comparer, settings)),
        settings=settings,
    )


def _stanford_projection(settings: CheckpointSettings) -> Setting[LinearSpec] | None:
    """Return the projection that lies in the transformer's weights, by the header of their file.

    Where no header is at hand, `artifact.metadata` tells its width.
    """
    checkpoint, transformer = settings.whole, settings.transformer
    for name, header in checkpoint.headers.items():
        if "linear.weight" in header and len(header["linear.weight"].shape) == 2:
            shape = header["linear.weight"].shape
            return Setting(stanford_linear(transformer, shape, bias="linear.bias" in header), name)
    if checkpoint.headers:
        raise TensorError(transformer.location, missing=["linear.weight"])
    stated = checkpoint.json(STANFORD_FILE, optional=True).integer("dim")
    if stated is None or settings.hidden_dim is None:
        return None
    shape = (stated.value, settings.hidden_dim.value)
    return Setting(stanford_linear(transformer, shape, bias=False), STANFORD_FILE)


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
    if isinstance(comparer.record, ImageReader) and has_processor(transformer):
        processor = read_image_processor(transformer)
        if processor is not None:
            compare_stated_pixels(comparer, comparer.record, processor)


def _check_pictures(plan: AnyPlan) -> None:
    """Check that pictures become what the network of a plan reads."""
    pixels: PixelSettings | None = None
    if isinstance(plan, ImageTextPlan | CaptionerPlan):
        pixels = plan.encoding.pixels
    elif isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None:
        pixels = plan.encoding.pictures.pixels
    if pixels is not None:
        for folder in transformers(plan):
            check_pictures(pixels, folder, plan.comparisons)


def _one_each(comparisons: list[Comparison]) -> tuple[Comparison, ...]:
    """Return one comparison for each field: one that differs, or else the first with a value."""
    chosen: dict[str, Comparison] = {}
    for comparison in comparisons:
        known = chosen.get(comparison.field)
        if known is None or (known.agrees and (known.theirs is None or not comparison.agrees)):
            chosen[comparison.field] = comparison
    return tuple(chosen.values())
