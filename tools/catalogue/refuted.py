"""Values of mteb's that nothing vouches for, since the same one is wrong for a model beside.

Whoever fills in the registry's lines for a maker, or for the versions of a model, writes the same
value into several of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from catalogue.facts import MTEB, Fact
from catalogue.provenance import key_of


def _as_it_is(value: Any) -> Hashable:
    found: Hashable = value
    return found


def with_refuted_values(
    facts: Mapping[str, Mapping[str, Fact]],
    mteb: Mapping[str, Mapping[str, Any]],
    *,
    pointer: str,
    key: str,
    group: Callable[[str], str],
    refutes: Callable[[Fact, Any], bool],
    form: Callable[[Any], Hashable] = _as_it_is,
) -> set[str]:
    """Return the repositories whose value is mteb's alone, and wrong for another of their group.

    Args:
        facts: what was chosen for each model, by repository.
        mteb: mteb's registry, by repository.
        pointer: the field.
        key: what the registry calls it.
        group: returns what a repository shares with those whose lines were filled in with its own.
        refutes: whether what was chosen shows that the registry's value is wrong.
        form: returns that value as entries have it, and a value of an entry as it is.
    """
    wrong = {
        (group(repository), form(stated))
        for repository, known in facts.items()
        if (stated := mteb.get(repository, {}).get(key)) is not None
        and (fact := known.get(pointer)) is not None
        and refutes(fact, form(stated))
    }
    return {
        repository
        for repository, known in facts.items()
        if (fact := known.get(pointer)) is not None
        and key_of(fact.source) == MTEB
        and (group(repository), form(fact.value)) in wrong
    }
