"""An Acme program: queries its own models and holotype's together, with checked types."""

from typing import Any, Literal

from acme_models.models import ACME_SEARCH, MODEL_REGISTRY, ModelType, get_model

from holotype import MODEL_REGISTRY as HOLOTYPE_REGISTRY
from holotype import DenseModel, ModelInfo, select

search: DenseModel[Literal[96, 192, 384]] = get_model("acme-search")
assert search is ACME_SEARCH

clicks: ModelInfo = get_model("acme-clicks")
assert clicks.type == ModelType.TWO_TOWER

everything = (*MODEL_REGISTRY, *HOLOTYPE_REGISTRY)
small: tuple[ModelInfo, ...] = select(among=everything, language="de", max_truncated_dim=128)
print("German, 128 dimensions or fewer:", ", ".join(model.id for model in small))


def sizes(model: DenseModel[Any]) -> str:
    """List the dimensions that a dense model offers."""
    return " ".join(str(dim) for dim in model.matryoshka_dims or (model.embedding_dim,))


print("Sizes of", search.name, "are", sizes(search))
