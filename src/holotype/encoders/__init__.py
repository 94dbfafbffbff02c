"""Run the models of a catalogue exactly as their records say.

Importing this package needs only the standard library; `load` imports torch and transformers when
it is called. Install them with ``pip install 'holotype[encoders]'``.
"""

from typing import TYPE_CHECKING

from holotype.encoders._load import load_from_env
from holotype.encoders.config import ModelConfig
from holotype.encoders.memory import estimate_memory

if TYPE_CHECKING:
    from holotype.encoders._load_modes import load_modes
    from holotype.encoders._load_overloads import load
    from holotype.encoders.captioner import Captioner
    from holotype.encoders.classifier import Classifier
    from holotype.encoders.colbert import ColbertEncoder
    from holotype.encoders.cross_encoder import CrossEncoder, RankedDocument
    from holotype.encoders.dense import DenseEncoder
    from holotype.encoders.encoder import Encoder
    from holotype.encoders.image_text import ImageTextEncoder
    from holotype.encoders.modes import ModesEncoder
    from holotype.encoders.running.scores import LabelScore
    from holotype.encoders.sparse import SparseEncoder
    from holotype.encoders.vectors.ragged import Ragged
    from holotype.encoders.vectors.sparse import SparseVectors
    from holotype.errors import IncompatibleModesError, ModeNotLoadedError
else:
    from holotype.encoders._load import load

__all__ = [
    "Captioner",
    "Classifier",
    "ColbertEncoder",
    "CrossEncoder",
    "DenseEncoder",
    "Encoder",
    "ImageTextEncoder",
    "IncompatibleModesError",
    "LabelScore",
    "ModeNotLoadedError",
    "ModelConfig",
    "ModesEncoder",
    "Ragged",
    "RankedDocument",
    "SparseEncoder",
    "SparseVectors",
    "estimate_memory",
    "load",
    "load_from_env",
    "load_modes",
]

_LATER = {
    "Captioner": "holotype.encoders.captioner",
    "Classifier": "holotype.encoders.classifier",
    "ColbertEncoder": "holotype.encoders.colbert",
    "CrossEncoder": "holotype.encoders.cross_encoder",
    "DenseEncoder": "holotype.encoders.dense",
    "Encoder": "holotype.encoders.encoder",
    "ImageTextEncoder": "holotype.encoders.image_text",
    "IncompatibleModesError": "holotype.errors",
    "LabelScore": "holotype.encoders.running.scores",
    "ModeNotLoadedError": "holotype.errors",
    "ModesEncoder": "holotype.encoders.modes",
    "Ragged": "holotype.encoders.vectors.ragged",
    "RankedDocument": "holotype.encoders.cross_encoder",
    "SparseEncoder": "holotype.encoders.sparse",
    "SparseVectors": "holotype.encoders.vectors.sparse",
    "load_modes": "holotype.encoders._load_modes",
}
"""Names imported on first use: few programs need them, or they need NumPy."""

# With a `__getattr__` in sight, a type checker would accept any name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a name on first use."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value
