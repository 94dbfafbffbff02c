"""What type checkers must refuse; each error is named on its line, for mypy and for pyright.

`load("no-such-model")` alone is accepted, as `load("local:folder")` must be: no type tells the two
texts apart. Its result is an encoder of any kind, so that a method of one kind is refused. The field
of `source_of` is any text, too, since names of fields come from `dataclasses.fields`.
"""

from typing import Any, assert_never

from holotype import (
    ColbertModel,
    DenseModel,
    ModelId,
    ModelType,
    SparseModel,
    TextOverflowError,
    find_model,
    get_model,
    load,
    select,
)
from holotype.encoders import ModelConfig, load_modes
from holotype.encoders.vectors.quantization import quantize
from holotype.models import (
    BGE_M3,
    BGE_M3_COLBERT,
    BGE_M3_SPARSE,
    BLIP_IMAGE_CAPTIONING_BASE,
    DISTILBERT_SST_2,
    JINA_COLBERT_V2,
    SPLADE_V3,
)
from holotype.pool import Pool

get_model("jina-colbert-v3")  # E: call-overload, reportCallIssue
get_model("siglip-base-patch16-225")  # E: call-overload, reportCallIssue
get_model("JINA-COLBERT-V2")  # E: call-overload, reportCallIssue
JINA_COLBERT_V2.embeding_dim  # E: attr-defined, reportAttributeAccessIssue
SPLADE_V3.pooling = "sum"  # E: misc, reportAttributeAccessIssue
BGE_M3.embedding_dim = 768  # E: misc, reportAttributeAccessIssue
BGE_M3.query_length  # E: attr-defined, reportAttributeAccessIssue
BGE_M3.not_a_slot = 1  # E: attr-defined, reportAttributeAccessIssue
wrong_id: ModelId = "no-such-model"  # E: assignment, reportAssignmentType
load(JINA_COLBERT_V2, dim=100)  # E: call-overload, reportCallIssue
load(BGE_M3, dim=512)  # E: call-overload, reportCallIssue
load("jina-colbert-v2", dim=100)  # E: call-overload, reportCallIssue
load("qwen3-embedding-0.6b", dim="100")  # E: call-overload, reportCallIssue
load("bge-m3", dim=512)  # E: call-overload, reportCallIssue
load("splade-v3", dim=1)  # E: call-overload, reportCallIssue
load(BGE_M3, max_length="64")  # E: call-overload, reportArgumentType
load(BGE_M3, devise="cpu")  # E: call-overload, reportCallIssue
load("bge-m3", devise="cpu")  # E: call-overload, reportCallIssue
load(find_model("bge-m3"))  # E: arg-type, reportArgumentType
load(SPLADE_V3, dim=1)  # E: call-overload, reportCallIssue
load(BGE_M3, dtype="float8")  # E: call-overload, reportArgumentType
load("bge-m3", dtype="float8")  # E: call-overload, reportArgumentType
load("no-such-model", dim=64)  # E: call-overload, reportCallIssue
load("no-such-model").encode_query("a text")  # E: union-attr, reportAttributeAccessIssue
load("hf:org/model").rank("a query", ["a text"])  # E: union-attr, reportAttributeAccessIssue
select(type=ModelType.DENSE, max_dim=768)  # E: call-overload, reportCallIssue
select(type="dens")  # E: call-overload, reportCallIssue
select(matryoshka="yes")  # E: call-overload, reportArgumentType
select(language=["de"])  # E: call-overload, reportArgumentType
select(max_parameters=[1])  # E: call-overload, reportArgumentType
select(sort_by="speed")  # E: call-overload, reportArgumentType
load(BGE_M3).encode("a text", batchsize=3)  # E: call-overload, reportCallIssue
load(BGE_M3).encode_query("a text", prompt=3)  # E: call-overload, reportArgumentType
load(BGE_M3).encode("a text", on_overflow="cut")  # E: call-overload, reportArgumentType
quantize(load(BGE_M3).encode("a text"), "int8")  # E: call-overload, reportCallIssue
two_modes = load_modes(dense=BGE_M3, sparse=BGE_M3_SPARSE)
two_modes.encode("a text").colbert.lengths  # E: attr-defined, reportAttributeAccessIssue
two_modes.colbert  # E: misc, reportAttributeAccessIssue
two = two_modes.encode("a text")
two_modes.similarity(two, two, weights={"lexical": 1})  # E: dict-item, reportArgumentType
load_modes(dense=BGE_M3)  # E: call-overload, reportCallIssue
load_modes(dense=BGE_M3_COLBERT, sparse=BGE_M3_SPARSE)  # E: call-overload, reportArgumentType
load_modes(dense=BGE_M3, sparse=BGE_M3_SPARSE, backend="onnx")  # E: call-overload, reportCallIssue
ModelType.RERANKER  # E: attr-defined, reportAttributeAccessIssue

load(BGE_M3).encode_image("a.png")  # E: attr-defined, reportAttributeAccessIssue
load(DISTILBERT_SST_2, query_prompt="q: ")  # E: call-overload, reportCallIssue
load("distilbert-sst-2", query_prompt="").classify("a")  # E: union-attr, reportAttributeAccessIssue
load(BLIP_IMAGE_CAPTIONING_BASE, query_prompt="q: ")  # E: call-overload, reportCallIssue
ModelConfig.from_registry("distilbert-sst-2", query_prompt="")  # E: call-overload, reportCallIssue
load(BGE_M3, backend="tensorrt")  # E: call-overload, reportArgumentType
load("distilbert-sst-2").classify("a")[0].lable  # E: attr-defined, reportAttributeAccessIssue


def of_a_pool(pool: Pool) -> None:
    """Names and arguments of a pool."""
    pool.encoder("search", "denze")  # E: call-overload, reportCallIssue
    pool.load("search", timeout=3)  # E: call-arg, reportCallIssue
    pool.status().modells  # E: attr-defined, reportAttributeAccessIssue


def of_an_error(error: TextOverflowError) -> int:
    """Values of errors."""
    return error.first_idx  # E: attr-defined, reportAttributeAccessIssue


def not_exhaustive(model: DenseModel[Any] | ColbertModel[Any] | SparseModel) -> int:
    """A kind is forgotten."""
    match model:
        case DenseModel() | ColbertModel():
            return model.embedding_dim
        case _:
            assert_never(model)  # E: arg-type, reportArgumentType
