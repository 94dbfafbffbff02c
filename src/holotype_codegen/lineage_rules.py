"""Rules about a model and the one that it was adapted from, where the catalogue has both."""

from __future__ import annotations

from collections.abc import Iterator

from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.report import quote_json

_BASE = "/lineage/adapted_from"
_DATE = "/release_date"
_NETWORK = "/architecture/type"


def models_are_not_older_than_their_base(catalogue: Entries) -> Iterator[Breach]:
    """A model was not released before the one that it was adapted from."""
    for entry, base in _adapted(catalogue):
        date, before = entry.text(_DATE), base.text(_DATE)
        if not date or not before:
            continue
        told = min(len(date), len(before))
        if date[:told] < before[:told]:
            yield entry.breach(
                _DATE,
                f"release_date is {quote_json(date)}, and the base, {_named(base)}, is of "
                f"{quote_json(before)}",
                "expected a model to be no older than its base",
                "correct the wrong date, or adapted_from",
            )


def models_are_not_larger_than_their_base(catalogue: Entries) -> Iterator[Breach]:
    """A network that was trained further does not become deeper or wider."""
    for entry, base in _adapted(catalogue):
        if entry.text(_NETWORK) is None or entry.text(_NETWORK) != base.text(_NETWORK):
            continue
        for name, larger in (("layers", "deeper"), ("hidden_dim", "wider")):
            size, other = entry.count(f"/specs/{name}"), base.count(f"/specs/{name}")
            if size and other and size > other:
                yield entry.breach(
                    _BASE,
                    f"the model has {name} {size}, and the base, {_named(base)}, has {other}",
                    f"expected a base that the model is not {larger} than",
                    "name the model that it was trained from, or write null",
                )


def _adapted(catalogue: Entries) -> Iterator[tuple[Entry, Entry]]:
    """Yield each entry whose base is in the catalogue, and the entry of the base."""
    repositories: dict[str, Entry] = {}
    for entry in catalogue.entries:
        repository = entry.text("/huggingface_id")
        if repository:
            repositories.setdefault(repository.lower(), entry)
    for entry in catalogue.entries:
        base = repositories.get((entry.text(_BASE) or "").lower())
        if base is not None and base is not entry:
            yield entry, base


def _named(base: Entry) -> str:
    return quote_json(base.id) if base.id else base.pointer


LINEAGE_RULES = (
    models_are_not_older_than_their_base,
    models_are_not_larger_than_their_base,
)
"""The rules about a model and its base."""
