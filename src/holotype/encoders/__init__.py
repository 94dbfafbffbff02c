"""Run the models of a catalogue as their records say.

Importing this package needs the standard library only; `load` imports torch and transformers when
it is called. Install them with ``pip install 'holotype[encoders]'``.
"""

from holotype.encoders._load import load
from holotype.encoders.config import ModelConfig
from holotype.encoders.memory import estimate_memory

__all__ = ["ModelConfig", "estimate_memory", "load"]
