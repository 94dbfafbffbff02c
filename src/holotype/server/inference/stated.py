"""What is known of a model that has not been loaded, from the source that the deployment names."""

from __future__ import annotations

from holotype.deployment.document import (
    BuiltinSource,
    ReferenceSource,
    RegistrySource,
    VariantSpec,
)
from holotype.encoders.opening import open_reference
from holotype.errors import HolotypeError
from holotype.records import ModelInfo
from holotype.server.state import ServerState


def stated_kind(state: ServerState, variant: VariantSpec) -> str | None:
    """Return the kind of a variant's model; None if only a load would tell.

    It blocks; see `stated_record`. The kind of a reference is looked up once.
    """
    source = variant.source
    if isinstance(source, BuiltinSource):
        return "classifier"
    if isinstance(source, RegistrySource):
        activation = None if state.config is None else state.config.active(source.kind)
        return None if activation is None else activation.version.type
    if not isinstance(source, ReferenceSource):
        return None
    known = state.kinds
    reference = str(source.ref)
    if reference not in known:
        record = stated_record(variant)
        if record is None:
            return None
        known[reference] = str(record.type)
    return known[reference]


def stated_record(variant: VariantSpec) -> ModelInfo | None:
    """Return the record of a variant's model; None if only a load or the network would tell.

    It blocks: a model on this machine is read, as it is now.
    """
    source = variant.source
    if not isinstance(source, ReferenceSource) or source.ref.scheme not in ("local", "catalogue"):
        return None
    try:
        return open_reference(source.ref, verify="sizes").record
    except HolotypeError:
        # The call says what is wrong with it.
        return None
