"""Run the models of a catalogue as their records say.

Importing this package needs the standard library only; `load` imports torch and transformers when
it is called. Install them with ``pip install 'holotype[encoders]'``.
"""

from typing import TYPE_CHECKING

from holotype.encoders._load import load, load_from_env
from holotype.encoders.config import ModelConfig
from holotype.encoders.memory import estimate_memory

if TYPE_CHECKING:
    from holotype.encoders._load_modes import load_modes
    from holotype.errors import IncompatibleModesError, ModeNotLoadedError

__all__ = [
    "IncompatibleModesError",
    "ModeNotLoadedError",
    "ModelConfig",
    "estimate_memory",
    "load",
    "load_from_env",
    "load_modes",
]

_LATER = {
    "IncompatibleModesError": "holotype.errors",
    "ModeNotLoadedError": "holotype.errors",
    "load_modes": "holotype.encoders._load_modes",
}
"""What few programs use; `import holotype` does not pay for it."""

# A type checker that saw this would take any name for one that is there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what is imported when it is first asked for."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value
