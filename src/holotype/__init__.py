"""holotype: a typed catalogue of embedding and retrieval models, and the runtime that obeys it.

The models' constants are in `holotype.models`. Importing this package needs only the standard
library; `load` imports what else it needs.
"""

import typing as _typing

from holotype.encoders import ModelConfig, load
from holotype.errors import (
    AmbiguousModelError,
    AmbiguousNameError,
    CatalogueMismatchError,
    CheckpointError,
    CheckpointNotFoundError,
    DeprecatedModelWarning,
    HolotypeError,
    InstructionError,
    InvalidArgumentError,
    InvalidDimensionError,
    LostPromptWarning,
    MissingExtraError,
    ModelNotFoundError,
    TensorError,
    TextOverflowError,
    TextOverflowWarning,
    TokenizationError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
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
    "AmbiguousNameError",
    "CatalogueMismatchError",
    "CheckpointError",
    "CheckpointNotFoundError",
    "ClassifierModel",
    "ColbertModel",
    "CrossEncoderModel",
    "DenseModel",
    "DeprecatedModelWarning",
    "HolotypeError",
    "InstructionError",
    "InvalidArgumentError",
    "InvalidDimensionError",
    "LostPromptWarning",
    "MissingExtraError",
    "ModelConfig",
    "ModelId",
    "ModelInfo",
    "ModelNotFoundError",
    "ModelType",
    "Source",
    "SparseModel",
    "TensorError",
    "TextOverflowError",
    "TextOverflowWarning",
    "TokenizationError",
    "UnsafeCheckpointError",
    "UnsupportedCheckpointError",
    "UnsupportedModelError",
    "Variant",
    "WrongKindError",
    "find_model",
    "get_model",
    "get_model_by_hf_id",
    "list_model_ids",
    "load",
    "models_by_language",
    "models_by_max_embedding_dim",
    "models_by_organization",
    "models_by_type",
    "models_with_matryoshka",
    "select",
]

if _typing.TYPE_CHECKING:
    __version__: str
    """The version that is installed; ``0+unknown`` where the sources are imported as they lie."""
else:

    def __getattr__(name: str) -> str:
        """Read the version when it is asked for: the metadata take longer than all the rest."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("holotype")
        except PackageNotFoundError:
            return "0+unknown"
