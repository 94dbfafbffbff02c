"""What a server's process keeps to its end, so that nobody looks through it for garbage again.

A full collection holds the interpreter while it looks at every object: 0.2 s for those that the
libraries make when they are imported, in which no request is answered. Each unload of a model, so
each switch, needs two. What is imported stays anyway, and is set aside.
"""

from __future__ import annotations

import gc
from importlib.util import find_spec

from holotype.deployment.document import Deployment, ReferenceSource, RegistrySource
from holotype.encoders._load import import_part


def set_aside(deployment: Deployment) -> None:
    """Import what the models that are preloaded need, and set aside all objects that there are.

    Call it before the first model is loaded, in a process that does nothing but serve: what has
    been set aside is never collected, unless nothing refers to it.
    """
    if _preloads_torch(deployment):
        import_part("holotype.encoders.torch_backend.build", "encoders", "a server")
    gc.collect()
    gc.freeze()


def _preloads_torch(deployment: Deployment) -> bool:
    """Return whether torch will be imported at once anyway."""
    return find_spec("torch") is not None and any(
        isinstance(variant.source, ReferenceSource | RegistrySource)
        and variant.inference.backend == "torch"
        for spec in deployment.models
        if spec.preload
        for variant in spec.variants
    )
