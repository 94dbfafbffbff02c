"""holotype: a typed catalogue of embedding and retrieval models, and the runtime that obeys it.

The constants of the models are in `holotype.models`. Importing this package needs the standard
library only; what more is needed is imported when `load` is called.
"""

from holotype.errors import (
    AmbiguousModelError,
    DeprecatedModelWarning,
    HolotypeError,
    MissingExtraError,
    ModelNotFoundError,
)
from holotype.models import (
    CATALOGUE_DIGEST,
    CATALOGUE_VERSION,
    MODEL_REGISTRY,
    SOURCES,
    ModelId,
    ModelType,
    find_model,
    get_model,
    get_model_by_hf_id,
    list_model_ids,
    models_by_language,
    models_by_max_embedding_dim,
    models_by_organization,
    models_by_type,
    models_with_matryoshka,
)
from holotype.query import select
from holotype.records import (
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ModelInfo,
    Source,
    SparseModel,
    Variant,
)

__all__ = [
    "CATALOGUE_DIGEST",
    "CATALOGUE_VERSION",
    "MODEL_REGISTRY",
    "SOURCES",
    "AmbiguousModelError",
    "ClassifierModel",
    "ColbertModel",
    "CrossEncoderModel",
    "DenseModel",
    "DeprecatedModelWarning",
    "HolotypeError",
    "MissingExtraError",
    "ModelId",
    "ModelInfo",
    "ModelNotFoundError",
    "ModelType",
    "Source",
    "SparseModel",
    "Variant",
    "find_model",
    "get_model",
    "get_model_by_hf_id",
    "list_model_ids",
    "models_by_language",
    "models_by_max_embedding_dim",
    "models_by_organization",
    "models_by_type",
    "models_with_matryoshka",
    "select",
]
