"""What type checkers must infer of an id that a comparison has narrowed."""

from typing import Any, Literal, assert_type

from holotype import ColbertModel, DenseModel, ModelId, ModelInfo, get_model, load
from holotype.encoders import ColbertEncoder, DenseEncoder


def by_equality(model_id: ModelId) -> int:
    """An id that equals a text is that text."""
    if model_id == "bge-m3":
        assert_type(get_model(model_id), DenseModel[Literal[1024]])
        assert_type(load(model_id), DenseEncoder)
        return get_model(model_id).embedding_dim
    return 0


def by_match(model_id: ModelId) -> ModelInfo | None:
    """A case that names an id is that id."""
    match model_id:
        case "jina-colbert-v2":
            assert_type(get_model(model_id), ColbertModel[Literal[64, 96, 128]])
            assert_type(load(model_id, dim=64), ColbertEncoder)
            return get_model(model_id)
        case _:
            return None


def before_it_is_narrowed(model_id: ModelId) -> ModelInfo:
    """An id that is any of them gives a record of some kind."""
    record = get_model(model_id)
    assert_type(record, ModelInfo)
    return record


def by_kind(record: DenseModel[Any] | ColbertModel[Any]) -> DenseEncoder | ColbertEncoder:
    """Records of two kinds give encoders of two kinds."""
    return load(record)
