"""What type checkers must accept and infer; checked by test_typing.py, never run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never, assert_type

import numpy as np
from numpy.typing import NDArray

from holotype import (
    MODEL_REGISTRY,
    CaptionerModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ImageTextModel,
    ModelConfig,
    ModelInfo,
    ModelType,
    SparseModel,
    find_model,
    get_model,
    get_model_by_hf_id,
    list_model_ids,
    load,
    models_by_type,
    select,
)
from holotype.encoders import (
    Captioner,
    Classifier,
    ColbertEncoder,
    CrossEncoder,
    DenseEncoder,
    ImageTextEncoder,
    ModesEncoder,
    SparseEncoder,
    load_from_env,
    load_modes,
)
from holotype.encoders.cross_encoder import RankedDocument
from holotype.encoders.encoder import LoadedRecord
from holotype.encoders.modes import ModeVectors, Weights
from holotype.encoders.running.scores import LabelScore
from holotype.encoders.vectors.quantization import calibrate, quantize
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.sparse import SparseVector, SparseVectors
from holotype.models import (
    ALL_MINILM_L6_V2,
    BGE_M3,
    BGE_M3_COLBERT,
    BGE_M3_SPARSE,
    BLIP_IMAGE_CAPTIONING_BASE,
    COLBERT_V2,
    COLPALI_V1_3,
    JINA_COLBERT_V2,
    SIGLIP_BASE_PATCH16_224,
    ModelId,
)
from holotype.references import ModelRef

Scores: TypeAlias = NDArray[np.float32]
AnyEncoder: TypeAlias = (
    DenseEncoder
    | ColbertEncoder
    | SparseEncoder
    | CrossEncoder
    | Classifier
    | ImageTextEncoder
    | Captioner
)

assert_type(JINA_COLBERT_V2, ColbertModel[Literal[64, 96, 128]])
assert_type(BGE_M3, DenseModel[Literal[1024]])
assert_type(SIGLIP_BASE_PATCH16_224, ImageTextModel[Literal[768]])
assert_type(BLIP_IMAGE_CAPTIONING_BASE, CaptionerModel)
assert_type(JINA_COLBERT_V2.embedding_dim, int)
assert_type(SIGLIP_BASE_PATCH16_224.image_size, tuple[int, int] | None)
assert_type(SIGLIP_BASE_PATCH16_224.image_mean, tuple[float, float, float] | None)
assert_type(COLPALI_V1_3.image_tokens, int | None)
assert_type(COLPALI_V1_3.image_dynamic, bool | None)
assert_type(BLIP_IMAGE_CAPTIONING_BASE.num_beams, int | None)
assert_type(JINA_COLBERT_V2.matryoshka_dims, tuple[Literal[64, 96, 128], ...])

# get_model follows the id, find_model takes any text
assert_type(get_model("jina-colbert-v2"), ColbertModel[Literal[64, 96, 128]])
assert_type(get_model("all-minilm-l6-v2"), DenseModel[Literal[384]])
assert_type(get_model("qwen3-embedding-0.6b"), DenseModel[int])
assert_type(load("qwen3-embedding-0.6b", dim=100), DenseEncoder)
assert_type(get_model("qwen3-embedding-0.6b").matryoshka_range, tuple[int, int] | None)
assert_type(BGE_M3.dims, Sequence[int])
assert_type(select(gated=False), tuple[ModelInfo, ...])
assert_type(find_model("anything"), ModelInfo | None)
assert_type(get_model("siglip-base-patch16-224"), ImageTextModel[Literal[768]])
assert_type(get_model("clip-vit-base-patch32"), ImageTextModel[Literal[512]])
assert_type(get_model("blip-image-captioning-base"), CaptionerModel)
assert_type(
    ModelConfig.from_registry("siglip-base-patch16-224", dim=768), ModelConfig[ImageTextModel[Any]]
)
assert_type(ModelConfig.from_registry("blip-image-captioning-base"), ModelConfig[CaptionerModel])
assert_type(get_model_by_hf_id("BAAI/bge-m3", ModelType.DENSE), DenseModel[Any])
assert_type(get_model_by_hf_id("BAAI/bge-base-en"), ModelInfo)
assert_type(list_model_ids("bge-*"), tuple[ModelId, ...])


def any_model(model_id: ModelId) -> ModelInfo:
    """An id that is only known to be valid gives a record of some kind."""
    return get_model(model_id)


# lists follow the kind
assert_type(models_by_type(ModelType.COLBERT), tuple[ColbertModel[Any], ...])
assert_type(models_by_type(ModelType.CROSS_ENCODER), tuple[CrossEncoderModel, ...])
assert_type(models_by_type(ModelType.IMAGE_TEXT), tuple[ImageTextModel[Any], ...])
assert_type(models_by_type(ModelType.CAPTIONER), tuple[CaptionerModel, ...])
assert_type(select(type=ModelType.IMAGE_TEXT, modality="image"), tuple[ImageTextModel[Any], ...])
assert_type(select(type=ModelType.CAPTIONER, modality="image"), tuple[CaptionerModel, ...])
assert_type(select(modality="image"), tuple[ModelInfo, ...])
assert_type(select(type=ModelType.DENSE, language="de"), tuple[DenseModel[Any], ...])
assert_type(select(type=ModelType.SPARSE, sort_by="parameters"), tuple[SparseModel, ...])
assert_type(select(max_embedding_dim=384), tuple[ModelInfo, ...])
assert_type(
    select(max_parameters="500M", max_memory="2GiB", language="German"), tuple[ModelInfo, ...]
)
assert_type(
    select(type="CROSS_ENCODER", license={"mit", "Apache 2.0"}), tuple[CrossEncoderModel, ...]
)
assert_type(select(type="image-text"), tuple[ImageTextModel[Any], ...])
assert_type(select(type="dense", among=MODEL_REGISTRY), tuple[DenseModel[Any], ...])


def of_any_kind(kind: ModelType, of_a_catalogue: str) -> None:
    """A kind that is only known at run time gives records of some kind."""
    assert_type(select(type=kind), tuple[ModelInfo, ...])
    assert_type(select(type=of_a_catalogue, among=MODEL_REGISTRY), tuple[ModelInfo, ...])


# sizes that the authors name elsewhere, as docs/encoding.md adds them
known: DenseModel[Any] = BGE_M3
assert_type(load(replace(known, matryoshka_dims=(256, 1024)), dim=256), DenseEncoder)

assert_type(BGE_M3.matryoshka, bool | None)
assert_type(BGE_M3.weights_bytes, int | None)

# the encoder follows the record
assert_type(load(BGE_M3), DenseEncoder)
assert_type(load(BGE_M3).encode_query("one text"), NDArray[np.float32])
assert_type(load(BGE_M3).encode_document(["two", "texts"]), NDArray[np.float32])
assert_type(load(BGE_M3).encode(text for text in ("any", "iterable")), NDArray[np.float32])
assert_type(load(BGE_M3).count_tokens("one text"), int)
assert_type(load(BGE_M3).count_tokens(["two", "texts"]), NDArray[np.int64])
assert_type(load(COLBERT_V2), ColbertEncoder)
assert_type(load(COLBERT_V2).encode_query("one text"), NDArray[np.float32])
assert_type(load(COLBERT_V2).encode_document(iter(["texts"])), Ragged[np.float32])

# quantised vectors have the type of their precision
vectors = load(BGE_M3).encode_document(["two", "texts"])
tokens = load(COLBERT_V2).encode_document(["two", "texts"])
ranges = calibrate(load(BGE_M3).encode_stream(["two", "texts"]))
assert_type(quantize(vectors, "float16"), NDArray[np.float16])
assert_type(quantize(vectors, "int8", ranges), NDArray[np.int8])
assert_type(quantize(vectors, "ubinary"), NDArray[np.uint8])
assert_type(tokens.with_values(quantize(tokens.values, "binary")), Ragged[np.int8])
assert_type(tokens[0], NDArray[np.float32])
assert_type(tokens[1:], Ragged[np.float32])
assert_type(tokens[np.argmax(vectors[0])], NDArray[np.float32])
assert_type(tokens[[1, 0]], Ragged[np.float32])
assert_type(tokens[[True, False]], Ragged[np.float32])
assert_type(tokens[list(np.argsort(vectors[0]))], Ragged[np.float32])
assert_type(tokens[vectors[:, 0] > 0], Ragged[np.float32])
weighted = load("splade-v3").encode_document(["two", "texts"])
assert_type(weighted[np.argmax(vectors[0])], SparseVector)
assert_type(weighted[[True, False]], SparseVectors)
assert_type(weighted[list(np.argsort(vectors[0]))], SparseVectors)
assert_type(weighted[vectors[:, 0] > 0], SparseVectors)
assert_type(load(JINA_COLBERT_V2, dim=64), ColbertEncoder)
assert_type(load(BGE_M3, max_length=128, query_prompt="", document_prompt=None), DenseEncoder)
assert_type(load("local:artifacts/model", max_length=128, query_prompt="q: "), AnyEncoder)
assert_type(load(BGE_M3).encode_query("one text", prompt="q: "), NDArray[np.float32])
assert_type(load("splade-v3").encode_document(["a", "b"], prompt="d: ", top_k=9), SparseVectors)
assert_type(load("jina-colbert-v2", dim=64, device="cpu"), ColbertEncoder)
assert_type(load("bge-m3", dim=None, backend="onnx"), DenseEncoder)
assert_type(load("all-minilm-l6-v2"), DenseEncoder)
assert_type(load("splade-v3"), SparseEncoder)
assert_type(load("splade-v3").encode_query("one text"), SparseVector)
assert_type(load("splade-v3").encode_document(["two", "texts"], top_k=9), SparseVectors)
assert_type(load(ALL_MINILM_L6_V2, dim=384), DenseEncoder)
assert_type(load(BGE_M3).fingerprint, str)
assert_type(load(BGE_M3).compatible_with(load(COLBERT_V2)), bool)

# the modes that are loaded have vectors, and the others None
modes = load_modes(dense=BGE_M3, sparse=BGE_M3_SPARSE, colbert="bge-m3-colbert")
assert_type(modes.encode_query("one text").dense, NDArray[np.float32])
assert_type(modes.encode_document(["two", "texts"]).sparse, SparseVectors)
assert_type(next(modes.encode_stream(["two", "texts"])).colbert, Ragged[np.float32])
assert_type(modes.dense, DenseEncoder)
assert_type(modes.colbert.similarity([vectors], [vectors]), NDArray[np.float32])
weights: Weights = {"dense": 0.4, "sparse": 0.2, "colbert": 0.4}
found = modes.encode("a text")
assert_type(modes.similarity(found, found, weights=weights), NDArray[np.float32])
assert_type(modes.similarity(found, found, weights={"dense": 1, "sparse": 0, "colbert": 1}), Scores)
two_modes = load_modes(sparse=BGE_M3_SPARSE, colbert=BGE_M3_COLBERT, device="cpu")
assert_type(two_modes, ModesEncoder[None, SparseVectors, Ragged[np.float32]])
assert_type(two_modes.encode("a"), ModeVectors[None, SparseVectors, Ragged[np.float32]])
assert_type(two_modes.sparse, SparseEncoder)

# what a reference, a path or a record of any kind names is known when it is loaded
assert_type(load("local:artifacts/model"), AnyEncoder)
assert_type(load("local:artifacts@production", verify="full", lock="models.lock"), AnyEncoder)
assert_type(load(Path("artifacts") / "model", dim=64, device="cpu"), AnyEncoder)
assert_type(load(get_model_by_hf_id("BAAI/bge-m3", ModelType.DENSE)), DenseEncoder)
assert_type(load(get_model_by_hf_id("BAAI/bge-base-en"), device="cpu"), AnyEncoder)
assert_type(load(get_model_by_hf_id("BAAI/bge-base-en"), dim=768), AnyEncoder)


def load_any(name: str) -> NDArray[np.float32] | None:
    """A text, or the record that it finds, gives an encoder that tells its kind."""
    record = find_model(name)
    encoder = load(name) if record is None else load(record)
    assert_type(encoder, AnyEncoder)
    assert_type(encoder.fingerprint, str)
    base: LoadedRecord[ModelInfo, Any] = encoder
    assert_type(base.record.id, str)
    if isinstance(encoder, DenseEncoder):
        return encoder.encode_query("a text")
    return None


assert_type(load(ModelRef.parse("local:artifacts@production"), verify="full").fingerprint, str)
assert_type(ModelConfig.from_registry("blip-image-captioning-base").record, CaptionerModel)
assert_type(ModelConfig.from_registry("clip-vit-base-patch32").record, ImageTextModel[Any])
assert_type(load_from_env("MODEL", device="cpu").record.id, str)

assert_type(load("bge-reranker-v2-m3"), CrossEncoder)
assert_type(load("bge-reranker-v2-m3").predict(("a query", "a document")), float)
assert_type(load("bge-reranker-v2-m3").predict([("a", "b"), ("c", "d")]), NDArray[np.float32])
assert_type(load("bge-reranker-v2-m3").rank("a query", ["a", "b"]), list[RankedDocument])
assert_type(load("distilbert-sst-2"), Classifier)
assert_type(load("distilbert-sst-2").classify("one text"), tuple[LabelScore, ...])
assert_type(load("distilbert-sst-2").classify(["a", "b"]), list[tuple[LabelScore, ...]])
assert_type(load("distilbert-sst-2").predict_scores([("a", "b")]), NDArray[np.float32])


def width(
    model: DenseModel[Any]
    | ColbertModel[Any]
    | SparseModel
    | CrossEncoderModel
    | ClassifierModel
    | ImageTextModel[Any]
    | CaptionerModel,
) -> int | None:
    """A match over the record classes is exhaustive."""
    match model:
        case DenseModel() | ColbertModel() | ImageTextModel():
            return model.smallest_dim
        case SparseModel():
            return model.embedding_dim
        case CrossEncoderModel() | ClassifierModel() | CaptionerModel():
            return None
        case _:
            assert_never(model)


def kind(type: ModelType) -> str:
    """A match over the kinds of holotype's catalogue is exhaustive."""
    match type:
        case ModelType.DENSE | ModelType.COLBERT | ModelType.SPARSE | ModelType.IMAGE_TEXT:
            return "vectors"
        case ModelType.CROSS_ENCODER | ModelType.CLASSIFIER:
            return "scores"
        case ModelType.CAPTIONER:
            return "texts"
        case _:
            assert_never(type)


def first_of(models: Sequence[DenseModel]) -> DenseModel | None:
    """A record without its parameter is one of any sizes."""
    return models[0] if models else None


assert_type(first_of([BGE_M3]), DenseModel[Any] | None)
