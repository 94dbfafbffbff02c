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

    It blocks; see `stated_record`.
    """
    source = variant.source
    if isinstance(source, BuiltinSource):
        return "classifier"
    if isinstance(source, RegistrySource):
        activation = None if state.config is None else state.config.active(source.kind)
        return None if activation is None else activation.version.type
    record = stated_record(state, variant)
    return None if record is None else str(record.type)


def stated_record(state: ServerState, variant: VariantSpec) -> ModelInfo | None:
    """Return the record of a variant's model; None if only a load or the network would tell.

    It blocks: the files of a model on this machine are looked at once.
    """
    source = variant.source
    if not isinstance(source, ReferenceSource):
        return None
    known = state.records
    reference = str(source.ref)
    if reference not in known and source.ref.scheme in ("local", "catalogue"):
        try:
            known[reference] = open_reference(source.ref, verify="sizes").record
        except HolotypeError:
            # The call says what is wrong with it.
            return None
    return known.get(reference)
