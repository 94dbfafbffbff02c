"""How a ColBERT model is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holotype.encoders.checkpoints.bge_m3 import read_colbert_checkpoint, read_projection
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.late_interaction import (
    PUNCTUATION,
    STANFORD_FILE,
    LateInteraction,
)
from holotype.encoders.checkpoints.modules import (
    MERGING_MODULE,
    MODULES_FILE,
    LayerSpec,
    LinearSpec,
    MaskSpec,
    NormalizeSpec,
    PoolingSpec,
    TokenPoolingSpec,
    stanford_linear,
)
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.kinds.dense import compare_widths
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import ColbertPlan
from holotype.encoders.kinds.prompts import Prompt, is_filled
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
    WrongKindError,
)
from holotype.records import AnyColbertModel

if TYPE_CHECKING:
    from holotype.encoders.kinds.images import PixelSettings


def query_prefix(
    record: AnyColbertModel, settings: CheckpointSettings, known: LateInteraction, merge: Merge
) -> tuple[str | None, Prompt]:
    """Return the marker and the prompt of queries."""
    return _prefix(
        merge,
        "query",
        (record.query_marker, record.query_prompt),
        (known.query_marker, settings.query_prompt),
        known,
        known.defaults.query_marker,
    )


def document_prefix(
    record: AnyColbertModel, settings: CheckpointSettings, known: LateInteraction, merge: Merge
) -> tuple[str | None, Prompt]:
    """Return the marker and the prompt of documents."""
    return _prefix(
        merge,
        "document",
        (record.document_marker, record.document_prompt),
        (known.document_marker, settings.document_prompt),
        known,
        known.defaults.document_marker,
    )


def _prefix(
    merge: Merge,
    side: str,
    ours: tuple[str | None, str | None],
    theirs: tuple[Setting[str] | None, Setting[str] | None],
    known: LateInteraction,
    usual: str | None,
) -> tuple[str | None, Prompt]:
    our_marker, our_prompt = ours
    their_marker, their_prompt = theirs
    marker_field, prompt_field = f"{side}_marker", f"{side}_prompt"
    if not known.markers_in_prompts:
        marker = merge.choose(marker_field, our_marker, their_marker, usual)
        if their_prompt is not None:
            # A prompt that begins with the marker names it a second time.
            text = their_prompt.value.removeprefix(marker or "")
            their_prompt = Setting(text, their_prompt.file)
        prompt = merge.prompt(prompt_field, our_prompt, their_prompt)
        return marker, _after(known.gap if marker else "", prompt)
    if our_marker is None or their_prompt is None:
        return our_marker, merge.prompt(prompt_field, our_prompt, their_prompt)
    text = their_prompt.value
    template = our_marker + (our_prompt or "")
    if is_filled(template, text):
        _agree(merge, marker_field, our_marker, their_prompt.file)
        merge.compare(prompt_field, our_prompt, their_prompt, agrees=True)
        return None, Prompt(template, filled=text)
    if not text.startswith(our_marker):
        merge.differ(marker_field, our_marker, text, their_prompt.file)
    elif our_prompt is not None and text[len(our_marker) :].strip() != our_prompt.strip():
        _agree(merge, marker_field, our_marker, their_prompt.file)
        merge.differ(prompt_field, our_prompt, text[len(our_marker) :], their_prompt.file)
        # The record's stands, where the caller has decided it.
        return None, Prompt(template)
    else:
        _agree(merge, marker_field, our_marker, their_prompt.file)
        rest = Setting(text[len(our_marker) :], their_prompt.file)
        merge.compare(prompt_field, our_prompt, rest, agrees=True)
    # The marker stays in the prompt, as the checkpoint's own library reads it.
    return None, Prompt(text)


def _after(gap: str, prompt: Prompt) -> Prompt:
    filled = None if prompt.filled is None else gap + prompt.filled
    return Prompt(gap + prompt.text, filled=filled)


def _agree(merge: Merge, field: str, value: str, file: str) -> None:
    merge.compare(field, value, Setting(value, file), agrees=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """How texts of one side are read.

    Attributes:
        name: ``query`` or ``document``.
        prompt: the text before every text.
        marker: the token after the first special token; None where there is none.
        max_length: the longest text in tokens; None where nothing limits it.
        skiplist: tokens whose vectors are dropped.
        kept_ids: the only token ids whose vectors are kept; None keeps all.
        skips_first: whether the vector of the first token is dropped.
    """

    name: str
    prompt: Prompt
    marker: str | None
    max_length: int | None
    skiplist: tuple[str, ...]
    kept_ids: tuple[int, ...] | None
    skips_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryExpansion:
    """How short queries are filled up; the vectors of the filling are scored.

    Attributes:
        length: the length in tokens that they are filled up to.
        token: the token that fills; None means the mask token, or else the end of the text.
        attended: whether the other tokens attend to the filling.
    """

    length: int
    token: str | None
    attended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSide:
    """How pictures are read, which are the documents of a model for pages.

    Attributes:
        pixels: how a picture becomes numbers.
        model_type: the architecture, which decides how prompts and pictures are put together.
        image_prompt: the text that goes with every picture.
        query_suffix: the text after every query; None for the token of padding, `n_padding` times.
        n_padding: see `query_suffix`.
        begins: whether texts begin with the token of the beginning.
        query_end: the text after the suffix.
        special_tokens: whether the tokenizer adds its own special tokens to all of that.
    """

    pixels: PixelSettings
    model_type: str
    image_prompt: str
    query_suffix: str | None
    n_padding: int
    begins: bool
    query_end: str = "\n"
    special_tokens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColbertEncoding:
    """How a ColBERT model is run.

    Attributes:
        layers: the steps after the transformer, in order, on token vectors.
        native_dim: the width of what the last of them returns.
        normalized: whether vectors have length 1.
        query: how queries are read.
        document: how documents are read.
        plain: how texts are read that are neither.
        expansion: how short queries are filled up; None where they are not.
        own_file: the file beside the transformer's with the projection; None where there is none.
        token_pooling: how the tokens of a text are merged at last; None where they are not.
        pictures: how pictures are read; None for models that read texts only.
    """

    layers: tuple[LayerSpec, ...]
    native_dim: int
    normalized: bool
    query: Side
    document: Side
    plain: Side
    expansion: QueryExpansion | None
    own_file: str | None = None
    token_pooling: TokenPoolingSpec | None = None
    pictures: PictureSide | None = None

    def network_dim(self, dim: int | None) -> int:
        """Return how many dimensions the network makes, where an encoder returns `dim`.

        Tokens are merged by all their dimensions, and cut only then.
        """
        return self.native_dim if dim is None or self.token_pooling else dim


def plan_colbert(
    record: AnyColbertModel, checkpoint: Checkpoint, comparer: Comparer
) -> ColbertPlan:
    """Return how a ColBERT model is run; see `make_draft` for errors."""
    settings = read_colbert_checkpoint(checkpoint)
    projection = None
    if settings.format == "stanford":
        projection = _stanford_projection(settings)
    elif settings.format == "bge-m3":
        projection = read_projection(checkpoint)
    return ColbertPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_colbert(record, settings, projection, Merge(comparer, settings)),
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


def _compare_colbert(
    record: AnyColbertModel,
    settings: CheckpointSettings,
    projection: Setting[LinearSpec] | None,
    merge: Merge,
) -> ColbertEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        WrongKindError: the checkpoint is that of a dense model.
    """
    known = settings.late_interaction
    if known is None:
        raise WrongKindError(
            settings.whole.location,
            f"is no late-interaction model (its format is {settings.format}), but {record.id!r} is "
            "a colbert model; a projection that it lacks is never made up",
        )
    merge.sizes()
    layers, normalized = _layers(record, settings, known, merge, projection)
    file = projection.file if projection else ""
    native_dim = compare_widths(merge, layers, linear_file=file)
    _compare_similarity(record, settings, merge)
    # This format's lengths are those of the dense model, with which it shares a tokenizer.
    limit = merge.length(declared=settings.format == "bge-m3")
    query_length, expansion = _expansion(record, known, merge, limit)
    query, document, plain = _sides(record, settings, known, merge, limit, query_length)
    return ColbertEncoding(
        layers=layers,
        native_dim=native_dim,
        normalized=normalized,
        query=query,
        document=document,
        plain=plain,
        expansion=expansion,
        own_file=file if settings.format == "bge-m3" else None,
        token_pooling=_token_pooling(settings),
    )


def _token_pooling(settings: CheckpointSettings) -> TokenPoolingSpec | None:
    steps = settings.modules.steps if settings.modules else ()
    found = [step for step in steps if isinstance(step, TokenPoolingSpec)]
    if found and found != list(steps[-1:]):
        raise UnsupportedCheckpointError(
            settings.whole.where(MODULES_FILE),
            f"lists {MERGING_MODULE} before other modules; it is run at the end only",
        )
    return found[0] if found else None


def _sides(
    record: AnyColbertModel,
    settings: CheckpointSettings,
    known: LateInteraction,
    merge: Merge,
    limit: int | None,
    query_length: int | None,
) -> tuple[Side, Side, Side]:
    document_length = merge.choose(
        "document_length",
        record.document_length,
        known.document_length,
        known.defaults.document_length,
    )
    query_marker, query_prompt = query_prefix(record, settings, known, merge)
    document_marker, document_prompt = document_prefix(record, settings, known, merge)
    skiplist = _skiplist(record, known, merge)
    default = Prompt(settings.default_prompt.value if settings.default_prompt else "")
    # Only this format cuts texts without a length of their own where the tokenizer says.
    stated = settings.declared_length if settings.format == "multi-vector" else None
    otherwise = _least(stated.value if stated else None, limit)

    def side(name: str, prompt: Prompt, marker: str | None, length: int | None) -> Side:
        task = "query" if name == "query" else "document"
        return Side(
            name=name,
            prompt=prompt,
            marker=marker or None,
            max_length=otherwise if length is None else _least(length, limit),
            skiplist=skiplist if task in known.skiplist_sides else (),
            kept_ids=known.kept_ids if task == "document" else None,
            skips_first=known.skips_first,
        )

    return (
        side("query", query_prompt, query_marker, query_length),
        side("document", document_prompt, document_marker, document_length),
        side("text", default, None, None),
    )


def _least(*lengths: int | None) -> int | None:
    return min((length for length in lengths if length is not None), default=None)


def _layers(
    record: AnyColbertModel,
    settings: CheckpointSettings,
    known: LateInteraction,
    merge: Merge,
    projection: Setting[LinearSpec] | None,
) -> tuple[tuple[LayerSpec, ...], bool]:
    steps = settings.modules.steps if settings.modules else ()
    layers = [step for step in steps if not isinstance(step, MaskSpec | TokenPoolingSpec)]
    if projection is not None:
        layers.append(projection.value)
    if any(isinstance(layer, PoolingSpec) for layer in layers):
        raise UnsupportedCheckpointError(
            settings.whole.where(MODULES_FILE), "pools token vectors, as only dense models do"
        )
    if not layers:
        raise CheckpointError(
            settings.whole.location, "has no projection; a late-interaction model needs one"
        )
    stated = isinstance(layers[-1], NormalizeSpec)
    if known.always_normalized and not stated:
        normalized = record.normalize is not False
        return (*layers, NormalizeSpec()) if normalized else tuple(layers), normalized
    merge.choose("normalize", record.normalize, Setting(stated, MODULES_FILE))
    return tuple(layers), stated


def _compare_similarity(
    record: AnyColbertModel, settings: CheckpointSettings, merge: Merge
) -> None:
    stated = settings.similarity
    # Older libraries write cosine or dot into every file.
    if stated is None or stated.value.lower() in ("cosine", "dot"):
        return
    merge.choose(
        "similarity", record.similarity or "maxsim", Setting(stated.value.lower(), stated.file)
    )


def _expansion(
    record: AnyColbertModel, known: LateInteraction, merge: Merge, limit: int | None
) -> tuple[int | None, QueryExpansion | None]:
    length = merge.choose(
        "query_length", record.query_length, known.query_length, known.defaults.query_length
    )
    expands = merge.choose(
        "query_expansion",
        record.query_expansion,
        known.query_expansion,
        known.defaults.query_expansion,
    )
    if not expands or length is None:
        return length, None
    attended = merge.choose(
        "attend_to_expansion_tokens",
        record.attend_to_expansion_tokens,
        known.attend_to_expansion_tokens,
        known.defaults.attend_to_expansion_tokens,
    )
    target = _least(length, limit) or length
    expansion = QueryExpansion(length=target, token=known.expansion_token, attended=attended)
    if not known.expansion_floor_only:
        return length, expansion
    longest = None if known.query_limit is None else max(known.query_limit, length)
    return longest, expansion


def _skiplist(record: AnyColbertModel, known: LateInteraction, merge: Merge) -> tuple[str, ...]:
    stated = known.skiplist
    theirs = None
    if stated is not None:
        named = "punctuation" if set(stated.value) == set(PUNCTUATION) else stated.value
        theirs = Setting(named, stated.file)
    if record.skiplist is None:
        merge.compare("skiplist", None, theirs, agrees=True)
        return stated.value if stated else known.defaults.skiplist
    ours = PUNCTUATION if record.skiplist == "punctuation" else tuple(record.skiplist)
    agrees = stated is None or set(stated.value) == set(ours)
    merge.compare("skiplist", record.skiplist, theirs, agrees=agrees)
    return ours
