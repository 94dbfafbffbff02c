"""Which model answers a request that names none: the only one that fits it.

Clients of Text Embeddings Inference never name a model, since a server of theirs has one only.
"""

from __future__ import annotations

from collections.abc import Collection

from holotype.pool import Pool
from holotype.server.errors import FieldProblem, UnprocessableError
from holotype.server.inference.stated import stated_kind
from holotype.server.state import ServerState

_DEFAULT = "default"
_MOST_SHOWN = 20


def choose_default(names: Collection[str], kinds: Collection[str] = ()) -> str:
    """Return the name ``default``, or the only one that there is.

    Args:
        names: the names to choose from.
        kinds: the kinds of models that were looked for, for the message; empty for any.

    Raises:
        UnprocessableError: there are several names, or none; the error lists them.
    """
    if _DEFAULT in names:
        return _DEFAULT
    if len(names) == 1:
        return next(iter(names))
    of_kind = f" of the kind {' or '.join(map(repr, kinds))}" if kinds else ""
    listed = ", ".join(sorted(names)[:_MOST_SHOWN])
    found = f"there are several{of_kind}: {listed}" if names else f"there is none{of_kind}"
    raise UnprocessableError(
        f"no model is named, and {found}; name one in model, or in the header "
        "x-holotype-model-name, or call one 'default' in the deployment",
        errors=[FieldProblem(field="model", message="is missing")],
    )


def names_that_fit(state: ServerState, kinds: Collection[str]) -> tuple[str, ...]:
    """Return the names whose models are of some kinds; if there are none, those that may be.

    It blocks: the files of a model that has not been loaded say its kind.
    """
    found = {name: _kind_of(state, name) for name in state.pool.names}
    fit = tuple(name for name, kind in found.items() if kind in kinds)
    return fit or tuple(name for name, kind in found.items() if kind is None)


def _kind_of(state: ServerState, name: str) -> str | None:
    """Return the kind of the models behind a name; None if only a load would tell."""
    pool = state.pool
    spec = pool.deployment.find(name)
    if spec is None:
        return None
    if spec.ensemble is not None:
        return _kind_of(state, spec.ensemble.members[0].name)
    return _loaded_kind(pool, name) or stated_kind(state, spec.variants[0])


def _loaded_kind(pool: Pool, name: str) -> str | None:
    versions = (one.version for one in pool.status().of(name))
    return next((version.kind for version in versions if version is not None), None)
