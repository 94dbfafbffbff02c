"""The records of the catalogue: one frozen dataclass per kind of model.

Fields are flat and keep the names of `models.json`. A name that would be ambiguous outside its
group gets the group as a prefix (`architecture_type`, `tokenizer_file`). ``None`` or an empty tuple
means that no source states the value; it never means zero or no. Derived values are properties.

`DenseModel`, `ColbertModel` and `ImageTextModel` are generic over the dimensions that they can
return, so that a type checker rejects ``load(JINA_COLBERT_V2, dim=100)``. Models with a
`matryoshka_range` are generic over ``int``; `load` checks their dimensions. `ModelInfo` has the same
parameter, from which type checkers know that a narrowed record is a ``DenseModel[int]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, Unpack

if TYPE_CHECKING:
    from dataclasses import dataclass

    from holotype.run_options import LoadOptions
else:
    from holotype._dataclass import dataclass

if TYPE_CHECKING:
    # Type checkers know this module, installed or not, and that `DenseModel` alone is
    # `DenseModel[Any]`. Before Python 3.13 typing has no defaults.
    from typing_extensions import TypeVar

    DimT = TypeVar("DimT", bound=int, default=Any)
    DimT_co = TypeVar("DimT_co", bound=int, default=int, covariant=True)
else:
    from typing import TypeVar

    DimT = TypeVar("DimT", bound=int)
    DimT_co = TypeVar("DimT_co", bound=int, covariant=True)

_KNOWN_WHEN_EMPTY = ("skiplist", "image_crop")
"""Fields in which an empty tuple is a value; in all others it means unknown."""

Dtype: TypeAlias = Literal[
    "float64",
    "float32",
    "bfloat16",
    "float16",
    "float8_e4m3",
    "float8_e5m2",
    "int32",
    "int8",
    "uint8",
]
Pooling: TypeAlias = Literal["cls", "mean", "max", "last-token", "weighted-mean", "attention"]
Similarity: TypeAlias = Literal["cosine", "dot", "maxsim"]
SparsePooling: TypeAlias = Literal["max", "sum"]
SparseActivation: TypeAlias = Literal["relu", "log1p-relu", "log1p-log1p-relu"]
ScoreActivation: TypeAlias = Literal["identity", "sigmoid", "softmax"]
ImageTextSimilarity: TypeAlias = Literal["cosine", "dot", "sigmoid"]
TextPadding: TypeAlias = Literal["longest", "max-length"]
Resample: TypeAlias = Literal["bicubic", "bilinear", "lanczos", "nearest", "box", "hamming"]
Colour: TypeAlias = Literal["RGB", "BGR"]
Transparency: TypeAlias = Literal["white", "black", "drop"]
Orientation: TypeAlias = Literal["exif", "stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of facts; the `provenance` of a record names sources by key."""

    title: str
    url: str | None = None
    license: str | None = None
    retrieved: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A quantised or converted sibling of a model.

    Attributes:
        id: a name within the entry.
        quantization: the precision of its weights; None if no source states it.
        huggingface_id: the repository that has it, if it is not the model's own.
        file: its file in that repository, if it is one file.
    """

    id: str
    quantization: str | None = None
    huggingface_id: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ModelInfo(Generic[DimT_co]):
    """What the catalogue knows about any model; a subclass per known kind adds the rest.

    Lengths are in tokens, dimensions in numbers per vector, scores fractions from 0 to 1.
    """

    id: str
    type: str
    name: str
    huggingface_id: str
    organization: str
    description: str
    embedding_dim: int | None
    release_date: str | None = None
    license: str | None = None

    architecture_type: str | None = None
    architecture_variant: str | None = None
    has_projection: bool | None = None
    projection_dims: int | None = None
    matryoshka_dims: tuple[int, ...] = ()
    matryoshka_range: tuple[int, int] | None = None

    parameters: int | None = None
    hidden_dim: int | None = None
    context_length: int | None = None
    max_position_embeddings: int | None = None
    vocab_size: int | None = None
    layers: int | None = None
    dtype: Dtype | None = None

    tokenizer_file: str | None = None
    config_file: str | None = None
    safetensors_file: str | None = None
    pytorch_file: str | None = None
    onnx_file: str | None = None

    languages: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    multi_vector: bool = False
    quantization: tuple[str, ...] = ()

    beir_avg: float | None = None
    ms_marco_mrr10: float | None = None

    variants: tuple[Variant, ...] = ()
    tokenizer_model: str | None = None
    requires_projection: bool | None = None
    requires_remote_code: bool | None = None
    gated: bool | None = None

    revision: str | None = None
    aliases: tuple[str, ...] = ()
    adapted_from: str | None = None
    superseded_by: str | None = None
    deprecated: bool = False
    provenance: tuple[tuple[str, str], ...] = ()

    if TYPE_CHECKING:

        def _is_of_any_kind(self) -> Literal[True]:
            """Say to type checkers that `load` gives an encoder of any kind."""
            raise NotImplementedError

    @property
    def matryoshka(self) -> bool | None:
        """Whether vectors can be truncated to smaller `dims`; None if that is unknown.

        It is False where `matryoshka_dims` holds nothing but the native size, and for kinds that
        return no vectors or sparse ones.
        """
        if self.matryoshka_range is not None:
            return True
        if not self.matryoshka_dims:
            return None
        return self.matryoshka_dims != (self.embedding_dim,)

    @property
    def dims(self) -> Sequence[int]:
        """The sizes of vectors that the model is known to return, ascending; the last is native.

        They are `matryoshka_dims`, or a `range` of every size in `matryoshka_range`. Where neither
        is known, it is the native size alone; a model that returns no vectors has none.
        """
        if self.matryoshka_range is not None:
            smallest, largest = self.matryoshka_range
            return range(smallest, largest + 1)
        if self.matryoshka_dims or self.embedding_dim is None:
            return self.matryoshka_dims
        return (self.embedding_dim,)

    @property
    def smallest_dim(self) -> int | None:
        """The smallest dimension that the model is known to return; None if none is known.

        It is the native one where no source states smaller ones.
        """
        return next(iter(self.dims), None)

    @property
    def is_on_hub(self) -> bool:
        """Whether `huggingface_id` names a repository on the Hub.

        An entry that was made of a folder only has a name of that form; its source is ``folder``.
        """
        source = self.source_of("huggingface_id") or ""
        return bool(self.huggingface_id) and source.partition(":")[0] != "folder"

    @property
    def commercial_use(self) -> bool | None:
        """Whether the licence lets you use the weights commercially, as far as its id says.

        None if the licence is unknown, or has rules of its own that must be read, such as `gemma`.
        Conditions of licences that allow it, such as naming the authors, hold all the same.
        """
        from holotype.licences import allows_commercial_use

        return allows_commercial_use(self.license)

    @property
    def weights_bytes(self) -> int | None:
        """An estimate of the bytes that the weights take: 4 for each of the `parameters`.

        `load` runs every model in float32 unless told otherwise, whatever the type of the stored
        weights; bfloat16, float16 take half of it. What texts take while they are encoded comes on
        top. None if the number of parameters is unknown.
        """
        return None if self.parameters is None else 4 * self.parameters

    def source_of(self, field: str) -> str | None:
        """Return the source of a field's value.

        Args:
            field: the name of a field of this record, such as `pooling`.

        Returns:
            The key of a source, optionally with a colon and a detail: `hub: config.json`. The
            source of the whole record if the field has none of its own; None if the value is
            unknown.

        Raises:
            AttributeError: this kind of record has no such field; values that are derived from
                fields have no source of their own.
        """
        if field not in type(self).__dataclass_fields__:
            raise AttributeError(_no_such_field(type(self), field), name=field, obj=self)
        value = getattr(self, field)
        if value is None or (value == () and field not in _KNOWN_WHEN_EMPTY):
            return None
        sources = dict(self.provenance)
        return sources.get(field, sources.get("*"))

    def __repr__(self) -> str:
        """Show the identifying fields; `dataclasses.asdict` shows the rest."""
        shown = [f"id={self.id!r}", f"huggingface_id={self.huggingface_id!r}"]
        if self.embedding_dim is not None:
            shown.append(f"embedding_dim={self.embedding_dim}")
        if self.matryoshka_dims:
            shown.append(f"matryoshka_dims={self.matryoshka_dims}")
        if self.matryoshka_range is not None:
            shown.append(f"matryoshka_range={self.matryoshka_range}")
        if self.revision is not None:
            shown.append(f"revision={self.revision[:12]!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DenseModel(ModelInfo[DimT]):
    """A model that returns one vector per text."""

    embedding_dim: int
    matryoshka_dims: tuple[DimT, ...] = ()
    pooling: Pooling | None = None
    normalize: bool | None = None
    similarity: Similarity | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None

    if TYPE_CHECKING:

        def _loads_dense(self, *, dim: DimT | None = None, **options: Unpack[LoadOptions]) -> None:
            """Say to type checkers what `load` takes with this record."""

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ImageReader(ModelInfo[DimT_co]):
    """A model that may read pictures: how a picture becomes the numbers that the network reads.

    Sizes are in pixels, as height and width. At most one of `image_size`, `image_shortest_edge`,
    `image_longest_edge`, `image_max_patches` and `image_max_pixels` is known; all fields of a model
    that reads text only are ``None``.

    A picture is resized with the filter `image_resample`, cut to the centre `image_crop`, multiplied
    by `image_rescale`, and per channel reduced by `image_mean` and divided by `image_std`. An
    `image_crop` of ``()`` cuts nothing off, ``None`` is unknown. `image_tokens` counts the vectors
    of one picture, or of one tile of `image_tile_size`, without a class token.
    """

    image_size: tuple[int, int] | None = None
    image_shortest_edge: int | None = None
    image_longest_edge: int | None = None
    image_max_patches: int | None = None
    image_min_pixels: int | None = None
    image_max_pixels: int | None = None
    image_crop: tuple[int, int] | tuple[()] | None = None
    image_tile_size: int | None = None
    image_resample: Resample | None = None
    image_rescale: float | None = None
    image_mean: tuple[float, float, float] | None = None
    image_std: tuple[float, float, float] | None = None
    image_colour: Colour | None = None
    image_transparency: Transparency | None = None
    image_orientation: Orientation | None = None
    image_patch_size: int | None = None
    image_merge_size: int | None = None
    image_tokens: int | None = None
    image_hidden_dim: int | None = None
    image_layers: int | None = None

    @property
    def image_dynamic(self) -> bool | None:
        """Whether the number of patches depends on the picture; None if that is unknown."""
        by_picture = (self.image_longest_edge, self.image_max_patches, self.image_max_pixels)
        if any(value is not None for value in by_picture):
            return True
        if self.image_size is not None or self.image_crop:
            return False
        return None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ColbertModel(ImageReader[DimT]):
    """A late-interaction model: one vector per token, compared by MaxSim.

    `query_length` and `document_length` include special tokens and the marker. `skiplist` names
    the tokens whose vectors are dropped from documents: ``"punctuation"`` means the 32 ASCII signs,
    ``()`` drops nothing, ``None`` is unknown. Models for pages also read pictures: `image_prompt` is
    the text that goes with each, `query_suffix` the text after a query.
    """

    embedding_dim: int
    matryoshka_dims: tuple[DimT, ...] = ()
    normalize: bool | None = None
    similarity: Similarity | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    query_length: int | None = None
    document_length: int | None = None
    query_marker: str | None = None
    document_marker: str | None = None
    query_expansion: bool | None = None
    attend_to_expansion_tokens: bool | None = None
    skiplist: Literal["punctuation"] | tuple[str, ...] | None = None
    image_prompt: str | None = None
    query_suffix: str | None = None

    if TYPE_CHECKING:

        def _loads_colbert(
            self, *, dim: DimT | None = None, **options: Unpack[LoadOptions]
        ) -> None:
            """Say to type checkers what `load` takes with this record."""

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SparseModel(ModelInfo):
    """A model that returns one weight per word of its vocabulary."""

    embedding_dim: int
    pooling: SparsePooling | None = None
    activation: SparseActivation | None = None
    similarity: Similarity | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None

    @property
    def matryoshka(self) -> Literal[False]:
        """Sparse vectors are never truncated: their dimensions are words."""
        return False

    if TYPE_CHECKING:

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CrossEncoderModel(ModelInfo):
    """A model that reads a query and a document together and returns one score."""

    activation: ScoreActivation | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None

    @property
    def matryoshka(self) -> Literal[False]:
        """There are no vectors to truncate."""
        return False

    if TYPE_CHECKING:

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClassifierModel(ModelInfo):
    """A model that returns one score per label."""

    activation: ScoreActivation | None = None
    labels: tuple[str, ...] = ()
    multi_label: bool | None = None

    @property
    def matryoshka(self) -> Literal[False]:
        """There are no vectors to truncate."""
        return False

    if TYPE_CHECKING:

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ImageTextModel(ImageReader[DimT]):
    """A model that returns one vector per picture or text, from a network for each.

    Texts are truncated at `text_length` tokens, special tokens included, and padded to it where
    `text_padding` is ``"max-length"``. With the similarity ``"sigmoid"``, the score of a picture and
    a text is the sigmoid of their cosine times `logit_scale` plus `logit_bias`.
    """

    embedding_dim: int
    matryoshka_dims: tuple[DimT, ...] = ()
    normalize: bool | None = None
    similarity: ImageTextSimilarity | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    text_padding: TextPadding | None = None
    text_length: int | None = None
    lower_case: bool | None = None
    remove_punctuation: bool | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None

    if TYPE_CHECKING:

        def _loads_image_text(
            self, *, dim: DimT | None = None, **options: Unpack[LoadOptions]
        ) -> None:
            """Say to type checkers what `load` takes with this record."""

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CaptionerModel(ImageReader):
    """A model that writes a text for a picture.

    Lengths are in tokens: `max_new_tokens` counts those after the prompt, `max_length` and
    `min_length` all of them, special tokens included.
    """

    prompt: str | None = None
    num_beams: int | None = None
    max_new_tokens: int | None = None
    max_length: int | None = None
    min_length: int | None = None
    length_penalty: float | None = None
    repetition_penalty: float | None = None

    @property
    def matryoshka(self) -> Literal[False]:
        """There are no vectors to truncate."""
        return False

    if TYPE_CHECKING:

        def _is_of_any_kind(self) -> Literal[False]:  # type: ignore[override]
            """Say to type checkers that `load` gives an encoder of one kind."""


def _no_such_field(kind: type[ModelInfo], field: str) -> str:
    from holotype.naming import nearest

    near = nearest(field, kind.__dataclass_fields__)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{kind.__name__} has no field {field!r}{hint}"


AnyDenseModel: TypeAlias = DenseModel[Any]
AnyColbertModel: TypeAlias = ColbertModel[Any]
AnyImageTextModel: TypeAlias = ImageTextModel[Any]
