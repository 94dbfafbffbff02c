"""Models by configuration, loaded, swapped and evicted in a running process.

    from holotype.pool import Pool

    with Pool.from_file("deployment.yaml") as pool:
        search = pool.encoder("search")
        vectors = search.encode_query(["what is a holotype?"])

Install what it needs with ``pip install 'holotype[pool]'``.
"""

from holotype.pool.applying import Applied
from holotype.pool.builder import PoolBuilder
from holotype.pool.calling import Answer
from holotype.pool.custom import CustomEncoder
from holotype.pool.errors import (
    BreakerOpenError,
    ContradictionError,
    DeadlineError,
    EnsembleError,
    LoadingTimeoutError,
    ModelLoadError,
    ModelTooLargeError,
    NoMemoryError,
    PoolClosedError,
    PoolError,
    QueueFullError,
    SickModelError,
    SupersededError,
    UnknownNameError,
    WrongKindOfModelError,
)
from holotype.pool.events import Event, Subscription
from holotype.pool.generation import Lease, Version
from holotype.pool.handles import (
    CaptionerHandle,
    ColbertHandle,
    DenseHandle,
    Handle,
    ImageTextHandle,
    SparseHandle,
)
from holotype.pool.patterns.spans import Span
from holotype.pool.planning import LoadPlan, MemoryPlan
from holotype.pool.pool import Pool
from holotype.pool.preparing import PreparedSwap, Replacement
from holotype.pool.queued import Limits
from holotype.pool.registered import RegisteredModel
from holotype.pool.scoring_handles import ClassifierHandle, CrossEncoderHandle
from holotype.pool.sizes import Sizes
from holotype.pool.status import DeviceStatus, PoolStatus, VariantStatus

__all__ = [
    "Answer",
    "Applied",
    "BreakerOpenError",
    "CaptionerHandle",
    "ClassifierHandle",
    "ColbertHandle",
    "ContradictionError",
    "CrossEncoderHandle",
    "CustomEncoder",
    "DeadlineError",
    "DenseHandle",
    "DeviceStatus",
    "EnsembleError",
    "Event",
    "Handle",
    "ImageTextHandle",
    "Lease",
    "Limits",
    "LoadPlan",
    "LoadingTimeoutError",
    "MemoryPlan",
    "ModelLoadError",
    "ModelTooLargeError",
    "NoMemoryError",
    "Pool",
    "PoolBuilder",
    "PoolClosedError",
    "PoolError",
    "PoolStatus",
    "PreparedSwap",
    "QueueFullError",
    "RegisteredModel",
    "Replacement",
    "SickModelError",
    "Sizes",
    "Span",
    "SparseHandle",
    "Subscription",
    "SupersededError",
    "UnknownNameError",
    "VariantStatus",
    "Version",
    "WrongKindOfModelError",
]
