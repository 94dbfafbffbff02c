"""What type checkers must infer of an id that a comparison has narrowed."""

from typing import Any, Literal, assert_type

from holotype import (
    ColbertModel,
    DenseModel,
    ImageTextModel,
    ModelId,
    ModelInfo,
    find_model,
    get_model,
    load,
)
from holotype.encoders import ColbertEncoder, DenseEncoder, ImageTextEncoder


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


def by_class(name: str) -> tuple[int, ...]:
    """A record of some kind whose class is checked has sizes that are known to be numbers."""
    record = find_model(name)
    if isinstance(record, DenseModel):
        assert_type(load(record), DenseEncoder)
        assert_type(load(record, dim=64), DenseEncoder)
        return record.matryoshka_dims
    if isinstance(record, ColbertModel | ImageTextModel):
        assert_type(load(record, dim=64), ColbertEncoder | ImageTextEncoder)
        return record.matryoshka_dims
    return ()


def by_pattern(record: ModelInfo) -> tuple[int, ...]:
    """The same in a `match`."""
    match record:
        case DenseModel():
            assert_type(load(record, dim=64), DenseEncoder)
            return record.matryoshka_dims
        case ColbertModel() | ImageTextModel():
            assert_type(load(record, dim=64), ColbertEncoder | ImageTextEncoder)
            return record.matryoshka_dims
        case _:
            return ()


def by_refusal(record: ModelInfo) -> DenseModel:
    """A record that is no longer of another class goes where its class is expected."""
    if not isinstance(record, DenseModel):
        raise TypeError(record.id)
    return record
