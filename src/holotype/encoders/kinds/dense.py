"""How a model is run, once its record and its checkpoint agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.modules import (
    MODULES_FILE,
    LayerNormSpec,
    LayerSpec,
    LinearSpec,
    MaskSpec,
    NormalizeSpec,
    PoolingSpec,
)
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings, cut_width
from holotype.encoders.kinds.merge import Merge
from holotype.encoders.kinds.prompts import Prompt
from holotype.encoders.options import TextSide
from holotype.errors import (
    CheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)
from holotype.records import AnyDenseModel, ModelInfo

WITHOUT_PROMPT = frozenset(f"hkunlp/instructor-{size}" for size in ("base", "large", "xl"))
"""The models whose prompts are not pooled, although none of their files says so.

sentence-transformers knows them by these names, too, and knows no others.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseEncoding:
    """How a dense model is run.

    Attributes:
        layers: the steps after the transformer, in order; one of them pools.
        native_dim: the width of what the last of them returns.
        normalized: whether vectors have length 1.
        similarity: ``cosine`` or ``dot``.
        query_prompt: the prompt of queries.
        document_prompt: the prompt of documents.
        default_prompt: the prompt of texts that are neither.
        max_length: the longest text in tokens; None where nothing limits it.
        modules: the folders of all modules, where queries are read by others than documents.
        queries: how queries are read, where that differs in more than their prompt; then what
            stands here is how documents are. Prompts and similarity are those of the model.
        text_side: as which of both texts are read that are neither.
    """

    layers: tuple[LayerSpec, ...]
    native_dim: int
    normalized: bool
    similarity: str
    query_prompt: Prompt
    document_prompt: Prompt
    default_prompt: str
    max_length: int | None
    modules: tuple[str, ...] = ()
    queries: DenseEncoding | None = None
    text_side: TextSide = "document"

    @property
    def counts_prompt(self) -> bool:
        """Whether the tokens of a prompt are pooled with those of the text."""
        return all(layer.with_prompt for layer in self.layers if isinstance(layer, PoolingSpec))


def side_of(encoding: DenseEncoding, side: TextSide) -> DenseEncoding:
    """Return how texts of a side are read."""
    return encoding.queries if side == "query" and encoding.queries else encoding


def compare_dense(
    record: AnyDenseModel, settings: CheckpointSettings, merge: Merge
) -> DenseEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        WrongKindError: the checkpoint is that of a late-interaction model.
        UnsupportedModelError: neither says how token vectors are pooled, or learnt attention pools
            them.
    """
    if settings.late_interaction is not None:
        raise WrongKindError(
            settings.whole.location,
            f"is a late-interaction model in the {settings.format} format, but {record.id!r} is a "
            "dense model; use the record of the kind colbert",
        )
    merge.sizes()
    layers = _dense_layers(record, settings, merge)
    native_dim = compare_widths(merge, layers)
    normalized = bool(layers) and isinstance(layers[-1], NormalizeSpec)
    return DenseEncoding(
        layers=_leave_prompt_out(layers) if record.huggingface_id in WITHOUT_PROMPT else layers,
        native_dim=native_dim,
        normalized=normalized,
        similarity=_similarity(record, settings, merge, normalized=normalized),
        query_prompt=merge.prompt("query_prompt", record.query_prompt, settings.query_prompt),
        document_prompt=merge.prompt(
            "document_prompt", record.document_prompt, settings.document_prompt
        ),
        default_prompt=settings.default_prompt.value if settings.default_prompt else "",
        max_length=merge.length(declared=True),
    )


def _dense_layers(
    record: AnyDenseModel, settings: CheckpointSettings, merge: Merge
) -> tuple[LayerSpec, ...]:
    modules = settings.modules
    if modules is None:
        if record.pooling is None:
            raise UnsupportedModelError(
                record.id,
                "neither the catalogue nor the checkpoint says how token vectors are pooled, and "
                "a guess would be silently wrong; load a record with pooling",
            )
        if record.pooling == "attention":
            raise UnsupportedModelError(
                record.id,
                "the catalogue says that learnt attention pools its token vectors, which only the "
                "code in the model's repository can do; supported are cls, mean, max, last-token "
                "and weighted-mean; choose another model",
            )
        pooling: LayerSpec = PoolingSpec(modes=(record.pooling,))
        return (pooling, NormalizeSpec()) if record.normalize else (pooling,)
    if any(isinstance(step, MaskSpec) for step in modules.steps):
        raise WrongKindError(settings.whole.location, "masks tokens, as only late interaction does")
    layers = tuple(cast(LayerSpec, step) for step in modules.steps)
    pooling_at = [at for at, step in enumerate(layers) if isinstance(step, PoolingSpec)]
    if not pooling_at:
        raise CheckpointError(
            settings.whole.where(MODULES_FILE), "lists no Pooling; a dense model needs one"
        )
    modes = cast(PoolingSpec, layers[pooling_at[0]]).modes
    merge.choose("pooling", record.pooling, Setting("+".join(modes), modules.files[pooling_at[0]]))
    merge.choose(
        "normalize",
        record.normalize,
        Setting(isinstance(layers[-1], NormalizeSpec), MODULES_FILE),
    )
    return layers


def _leave_prompt_out(layers: tuple[LayerSpec, ...]) -> tuple[LayerSpec, ...]:
    return tuple(
        replace(layer, with_prompt=False) if isinstance(layer, PoolingSpec) else layer
        for layer in layers
    )


def _similarity(
    record: AnyDenseModel, settings: CheckpointSettings, merge: Merge, *, normalized: bool
) -> str:
    known = settings.similarity
    # For vectors of length 1 both functions give the same scores, and the library writes cosine
    # into every file, whatever the authors chose.
    if normalized and known and {known.value, record.similarity} == {"cosine", "dot"}:
        known = None
    chosen = merge.choose("similarity", record.similarity, known, "cosine")
    if chosen not in ("cosine", "dot"):
        raise UnsupportedCheckpointError(
            settings.whole.location, f"compares vectors by {chosen!r}; supported are cosine and dot"
        )
    return chosen


def compare_widths(merge: Merge, layers: Sequence[LayerSpec], *, linear_file: str = "") -> int:
    """Follow the width of vectors through the layers, and compare what comes out.

    Args:
        merge: the record and the checkpoint.
        layers: the steps after the transformer.
        linear_file: the file that tells of a linear layer which `modules.json` does not list.

    Returns:
        The width of the vectors that the layers return.

    Raises:
        CheckpointError: a layer does not take what the one before it returns.
    """
    settings, record = merge.settings, merge.record
    if settings.hidden_dim is None:
        raise CheckpointError(
            settings.transformer.where(CONFIG_FILE), "does not say how wide vectors are"
        )
    width, file = settings.hidden_dim.value, settings.hidden_dim.file
    last_linear: Setting[int] | None = None
    for layer in layers:
        if isinstance(layer, PoolingSpec) and len(layer.modes) > 1:
            width, file = width * len(layer.modes), _file_of(layer, settings) or file
        if isinstance(layer, LayerNormSpec | LinearSpec):
            taken = layer.in_dim if isinstance(layer, LinearSpec) else layer.dim
            if taken != width:
                raise CheckpointError(
                    layer.folder.location, f"takes {taken} dimensions, but gets {width}"
                )
        if isinstance(layer, LinearSpec):
            width, file = layer.out_dim, linear_file or f"{layer.folder.inside}/config.json"
            last_linear = Setting(width, file)
    _compare_projection(merge, record, last_linear)
    returned = cut_width(Setting(width, file), settings.truncate_dim)
    merge.choose("embedding_dim", record.embedding_dim, returned)
    return width


def _file_of(pooling: PoolingSpec, settings: CheckpointSettings) -> str | None:
    """Return the file that states how tokens are pooled; None where only the record does."""
    modules = settings.modules
    if modules is None or pooling not in modules.steps:
        return None
    return modules.files[modules.steps.index(pooling)]


def _compare_projection(merge: Merge, record: ModelInfo, last: Setting[int] | None) -> None:
    absent = MODULES_FILE if merge.settings.modules else f"the missing {MODULES_FILE}"
    file = last.file if last else absent
    merge.choose("has_projection", record.has_projection, Setting(last is not None, file))
    if last is not None:
        merge.choose("projection_dims", record.projection_dims, last)
