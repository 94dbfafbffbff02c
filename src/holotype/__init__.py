"""holotype: a typed catalogue of embedding and retrieval models, and the runtime that obeys it.

The models' constants are in `holotype.models`. Importing this package needs only the standard
library; `load` imports what else it needs. The catalogue itself is imported when something of it is
asked for, so that the time of `import holotype` does not depend on how many models there are.
"""

import typing as _typing
from importlib import import_module as _import_module

from holotype.encoders import ModelConfig, load
from holotype.errors import (
    AliasNotFoundError,
    AmbiguousModelError,
    AmbiguousNameError,
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    CatalogueFileError,
    CatalogueMismatchError,
    CheckpointError,
    CheckpointNotFoundError,
    ClosedEncoderError,
    CredentialsInReferenceError,
    CriterionError,
    CriterionTypeError,
    DeprecatedModelWarning,
    DeviceMemoryError,
    DifferentVectorsError,
    ExportError,
    ForkedEncoderError,
    HolotypeError,
    HubUnreachableError,
    ImageError,
    IncompatibleModesError,
    InstructionError,
    InvalidArgumentError,
    InvalidDimensionError,
    InvalidLengthError,
    InvalidReferenceError,
    LocatedError,
    LockFileError,
    LockMismatchError,
    LostPromptWarning,
    ManifestError,
    MissingExtraError,
    ModelNotFoundError,
    ModeNotLoadedError,
    NotFiniteError,
    NotLockedError,
    ObjectStoreError,
    RevisionGoneError,
    StoreBusyError,
    TensorError,
    TextOverflowError,
    TextOverflowWarning,
    TokenizationError,
    UnsafeCheckpointError,
    UnsafePathError,
    UnsupportedCheckpointError,
    UnsupportedInputError,
    UnsupportedModelError,
    WrongKindError,
)
from holotype.records import (
    CaptionerModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ImageTextModel,
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
    "AliasNotFoundError",
    "AmbiguousModelError",
    "AmbiguousNameError",
    "ArtifactDamagedError",
    "ArtifactError",
    "ArtifactExistsError",
    "ArtifactNotFoundError",
    "CaptionerModel",
    "CatalogueFileError",
    "CatalogueMismatchError",
    "CheckpointError",
    "CheckpointNotFoundError",
    "ClassifierModel",
    "ClosedEncoderError",
    "ColbertModel",
    "CredentialsInReferenceError",
    "CriterionError",
    "CriterionTypeError",
    "CrossEncoderModel",
    "DenseModel",
    "DeprecatedModelWarning",
    "DeviceMemoryError",
    "DifferentVectorsError",
    "ExportError",
    "ForkedEncoderError",
    "HolotypeError",
    "HubUnreachableError",
    "ImageError",
    "ImageTextModel",
    "IncompatibleModesError",
    "InstructionError",
    "InvalidArgumentError",
    "InvalidDimensionError",
    "InvalidLengthError",
    "InvalidReferenceError",
    "LocatedError",
    "LockFileError",
    "LockMismatchError",
    "LostPromptWarning",
    "ManifestError",
    "MissingExtraError",
    "ModeNotLoadedError",
    "ModelConfig",
    "ModelId",
    "ModelInfo",
    "ModelNotFoundError",
    "ModelType",
    "NotFiniteError",
    "NotLockedError",
    "ObjectStoreError",
    "RevisionGoneError",
    "Source",
    "SparseModel",
    "StoreBusyError",
    "TensorError",
    "TextOverflowError",
    "TextOverflowWarning",
    "TokenizationError",
    "UnsafeCheckpointError",
    "UnsafePathError",
    "UnsupportedCheckpointError",
    "UnsupportedInputError",
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

    __version__: str
    """The version that is installed; ``0+unknown`` where the sources are imported as they lie."""
else:

    def __getattr__(name: str) -> object:
        """Read the version, or import the catalogue, when it is asked for."""
        if name == "__version__":
            return _version()
        if name in ("models", "query"):
            return _import_module(f"holotype.{name}")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = __getattr__("query" if name == "select" else "models")
        globals()[name] = value = getattr(module, name)
        return value

    def __dir__() -> list[str]:
        return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})

    def _version() -> str:
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("holotype")
        except PackageNotFoundError:
            return "0+unknown"
