"""Programs around holotype as users write them: no checker finds anything unknown or wrong in them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar, Unpack, assert_never

import numpy as np
from numpy.typing import NDArray

from holotype import (
    MODEL_REGISTRY,
    SOURCES,
    CaptionerModel,
    CatalogueMismatchError,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    DifferentVectorsError,
    HolotypeError,
    ImageTextModel,
    InvalidDimensionError,
    ModelId,
    ModelInfo,
    ModelNotFoundError,
    ModelType,
    SparseModel,
    TextOverflowError,
    find_model,
    get_model,
    list_model_ids,
    load,
    models_by_language,
    models_by_max_embedding_dim,
    models_by_organization,
    models_by_type,
    models_with_matryoshka,
    select,
)
from holotype.encoders import (
    Captioner,
    Classifier,
    ColbertEncoder,
    CrossEncoder,
    DenseEncoder,
    Encoder,
    ImageTextEncoder,
    ModelConfig,
    SparseEncoder,
    estimate_memory,
    load_modes,
)
from holotype.models import BGE_M3, COLBERT_V2, QWEN3_EMBEDDING_0_6B, SPLADE_V3
from holotype.pool import DenseHandle, Event, Pool, PoolError, QueueFullError, Span
from holotype.query import Criteria
from holotype.run_options import LoadOptions


def show(*values: object) -> None:
    """Take anything."""


class Index:
    """An index over the vectors of a dense model."""

    def __init__(self, model: DenseModel, **options: Unpack[LoadOptions]) -> None:
        """Keep it."""
        self.encoder = load(model, **options)
        self.vectors: list[NDArray[np.float32]] = []

    def add(self, texts: Sequence[str]) -> None:
        self.vectors.append(self.encoder.encode_document(texts))

    def search(self, query: str, k: int = 3) -> list[tuple[int, float]]:
        corpus = np.concatenate(self.vectors)
        scores = self.encoder.similarity(self.encoder.encode_query(query), corpus)
        row = scores[0]
        return [(int(i), float(row[i])) for i in np.argsort(-row)[:k]]


E = TypeVar("E", bound=DenseEncoder | ColbertEncoder | SparseEncoder)


class Timed(Generic[E]):
    """A wrapper that keeps the type of its encoder."""

    def __init__(self, encoder: E) -> None:
        """Keep it."""
        self.encoder = encoder

    def name(self) -> str:
        return self.encoder.record.id


T = TypeVar("T", bound=ModelInfo)


def newest(models: Sequence[T]) -> T:
    """A function over records keeps their class."""
    return max(models, key=lambda model: model.release_date or "")


n: DenseModel = newest(select(type=ModelType.DENSE, language="de"))


class EmbedsDocuments(Protocol):
    """What a framework asks of an encoder."""

    def encode_document(self, sentences: str | Iterable[str], /) -> NDArray[np.float32]: ...


def embeds(encoder: EmbedsDocuments, texts: list[str]) -> NDArray[np.float32]:
    """A function asks for a protocol that encoders have."""
    return encoder.encode_document(texts)


def use3() -> None:
    """An encoder has a protocol."""
    embeds(load(BGE_M3), ["a"])


def wanted(criteria: Criteria) -> tuple[ModelInfo, ...]:
    """Criteria travel in a dictionary."""
    return select(**criteria)


def wanted_dense(criteria: Criteria) -> tuple[DenseModel, ...]:
    """And beside a kind."""
    return select(type=ModelType.DENSE, **criteria)


def describe(model: ModelInfo) -> str:
    """A match takes fields out of records."""
    match model:
        case DenseModel(pooling=pooling, embedding_dim=dim):
            return f"{pooling} {dim}"
        case ColbertModel(query_length=length):
            return f"{length}"
        case (
            SparseModel()
            | CrossEncoderModel()
            | ClassifierModel()
            | ImageTextModel()
            | CaptionerModel()
        ):
            return model.type
        case _:
            return "?"


def by_name(name: str) -> str:
    """A name gives a record whose class tells the rest."""
    record = find_model(name)
    if record is None:
        return ""
    if isinstance(record, DenseModel):
        dims = record.matryoshka_dims
        return ",".join(str(dim) for dim in dims)
    return describe(record)


def of_type(kind: ModelType) -> str:
    """Every kind has its case."""
    match kind:
        case ModelType.DENSE:
            return "d"
        case ModelType.COLBERT:
            return "c"
        case ModelType.SPARSE:
            return "s"
        case ModelType.CROSS_ENCODER:
            return "r"
        case ModelType.CLASSIFIER:
            return "k"
        case ModelType.IMAGE_TEXT:
            return "i"
        case ModelType.CAPTIONER:
            return "t"
        case _:
            assert_never(kind)


def run_any(name: str) -> str:
    """Every encoder has its case."""
    encoder = load(name)
    match encoder:
        case DenseEncoder():
            return str(encoder.encode_query("x").shape)
        case ColbertEncoder():
            return str(encoder.encode_document(["x"]).lengths)
        case SparseEncoder():
            return str(encoder.encode_query("x"))
        case CrossEncoder():
            return str(encoder.rank("q", ["d"])[0].score)
        case Classifier():
            return encoder.classify("x")[0].label
        case ImageTextEncoder():
            return str(encoder.encode_image([Path("a.png")]).shape)
        case Captioner():
            return str(encoder.caption([Path("a.png")]))
        case _:
            assert_never(encoder)


def sparse() -> dict[str, float]:
    """Words and weights."""
    encoder = load(SPLADE_V3)
    documents = encoder.encode_document(["a", "b"])
    first = documents[0]
    words: dict[str, float] = {}
    matrix = documents.to_scipy()
    show(matrix.shape, first.indices.dtype, first.values.dtype)
    scores: NDArray[np.float32] = encoder.similarity(encoder.encode_query(["a"]), documents)
    show(scores)
    return words


def careful(name: str) -> str:
    """Errors tell values."""
    try:
        encoder = load("bge-m3")
        encoder.encode(["x"], on_overflow="error")
    except TextOverflowError as error:
        return f"{error.first_index} {error.n_tokens} {error.max_length} {error.model_id}"
    except InvalidDimensionError as error:
        return f"{max(error.allowed)} {error.dim}"
    except DifferentVectorsError as error:
        return f"{error.location} {error.problem} {error.current} {error.advice.action if error.advice else ''}"
    except CatalogueMismatchError as error:
        return ", ".join(field for field, _, _, _ in error.differences)
    except ModelNotFoundError as error:
        return ", ".join(error.suggestions)
    except HolotypeError as error:
        return error.told(lambda advice: advice.text)
    return ""


def with_pool(path: Path) -> NDArray[np.float32]:
    """Handles have the types of encoders."""
    with Pool.from_file(path) as pool:
        handle = pool.encoder("search")
        keep: DenseHandle = handle
        vectors: NDArray[np.float32] = keep.encode_query(["a", "b"])
        labels = pool.classifier("spam").classify(["a"])
        show(labels[0][0].label, labels[0][0].score)
        for found in pool.classifier("pii").classify("a"):
            if isinstance(found, Span):
                show(found.label, found.start, found.end)
        tokens = pool.encoder("late", "colbert").encode_document(["a"])
        show(tokens.lengths)
        sparse_vectors = pool.encoder("words", "sparse").encode_query("a")
        show(sparse_vectors)
        ranked = pool.cross_encoder("rerank").rank("q", ["a", "b"])
        show(ranked[0].corpus_id, ranked[0].score)
        show(pool.captioner("cap").caption([path]))
        status = pool.status()
        for model in status.models:
            show(model.name, model.state, model.reference)
        try:
            pool.load("search", timeout_s=3)
        except QueueFullError as error:
            show(error.retry_after_s)
        except PoolError as error:
            show(error.name, error.problem)
        show(pool.encoder("img", "image-text").encode_image([path]))
        return vectors


def built() -> Pool:
    """A pool without a file."""
    return Pool.builder().build()


def registry(address: str) -> str:
    """What is active."""
    from holotype.registry import Database, ModelRegistry, VersionNotFoundError

    with Database(address) as database:
        models = ModelRegistry(database)
        try:
            page = models.list("text_embedding")
            names: list[str] = [version.version_id for version in page.versions]
            active = models.active("text_embedding")
            return f"{names} {active.version.version_id if active else ''}"
        except VersionNotFoundError as error:
            return str(error.suggestions)


def matrices() -> None:
    """Arrays have types."""
    encoder = load(COLBERT_V2)
    documents = encoder.encode_document(["a", "b"])
    lengths: NDArray[np.int64] = documents.lengths
    values: NDArray[np.float32] = documents.values
    for row in documents:
        one: NDArray[np.float32] = row
        show(one, lengths, values)
    scores: NDArray[np.float32] = encoder.similarity(encoder.encode_query(["q"]), documents)
    show(scores)
    stream: Iterator[NDArray[np.float32]] = load(BGE_M3).encode_stream(str(i) for i in range(3))
    for window in stream:
        show(window.dtype)


def truncated(dim: int) -> DenseEncoder:
    """A model of any size takes any."""
    return load(QWEN3_EMBEDDING_0_6B, dim=dim)


def registry_of_models() -> Mapping[str, ModelInfo]:
    """Records by id."""
    return {model.id: model for model in MODEL_REGISTRY}


def ids() -> list[ModelId]:
    """Ids stay ids."""
    return [id for id in list_model_ids("bge-*") if get_model(id).gated is not True]


def facts(model: ModelInfo) -> str:
    """Where a fact comes from."""
    source = SOURCES[(model.source_of("license") or "hub").partition(":")[0]]
    return f"{source.title} {source.url}"


def others() -> list[ModelInfo]:
    """Queries together."""
    return [
        *models_by_language("de"),
        *models_by_organization("BAAI"),
        *models_by_max_embedding_dim(384),
        *models_with_matryoshka(),
        *models_by_type(ModelType.DENSE),
    ]


def modes() -> None:
    """Modes, pictures and captions."""
    both = load_modes(dense=BGE_M3, sparse="bge-m3-sparse")
    found = both.encode(["a"])
    show(found.dense.shape, found.sparse[0])
    clip = load("clip-vit-base-patch32")
    images: NDArray[np.float32] = clip.encode_image([Path("a.png"), b"..."])
    show(clip.similarity(images, clip.encode_query(["a"])))
    captions: list[str] = [
        one.text for one in load("blip-image-captioning-base").caption([Path("a")])
    ]
    show(captions, estimate_memory(BGE_M3))


def with_config() -> DenseEncoder:
    """A configuration."""
    config = ModelConfig(record=BGE_M3, device="cpu", dtype="bfloat16", max_length=128)
    return load(config)


def called(make: Callable[[DenseModel], DenseEncoder]) -> DenseEncoder:
    """A function that is given one."""
    return make(BGE_M3)


def sides(encoder: Encoder[ModelInfo]) -> int:
    """What all encoders have."""
    return encoder.count_tokens("a") + len(encoder.tokenize("b"))


def events(pool: Pool) -> None:
    """What a pool tells."""
    with pool.events.subscribe() as subscription:
        for event in subscription:
            kept: Event = event
            show(kept.kind, kept.at)


def leased(pool: Pool) -> None:
    """A lease."""
    with pool.acquire("search") as lease:
        show(lease.version)
