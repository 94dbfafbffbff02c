"""Long lists of languages that mteb repeats, and that a better source refutes for one model.

Who adds a model to the registry copies the list of another one: 30 lines have the languages of one
multilingual encoder, without Swedish, and five have a table most of which is commented out. Where a
card or a maker's page names a language that such a list leaves out, nothing vouches for the list
anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from catalogue.facts import MTEB, Fact
from catalogue.languages import shortest_tags
from catalogue.provenance import key_of
from catalogue.refuted import with_refuted_values

LANGUAGES = "/capabilities/languages"

_LONG = 20
"""A list of so many languages that two people who write it down anew do not write the same one."""

_ONE_AND_THE_SAME = {"nb": "no", "nn": "no"}
"""Norwegian, which is written in two ways, and which most lists name as one language."""


def with_copied_languages(
    facts: Mapping[str, Mapping[str, Fact]], mteb: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """Return the repositories whose languages are mteb's alone, in a list that lacks some elsewhere.

    Args:
        facts: what was chosen for each model, by repository.
        mteb: mteb's registry, by repository.
    """
    return with_refuted_values(
        facts,
        mteb,
        pointer=LANGUAGES,
        key="languages",
        group=lambda _: "",
        refutes=_refutes,
        form=lambda tags: tuple(shortest_tags(tags)),
    )


def _refutes(fact: Fact, stated: tuple[str, ...]) -> bool:
    if key_of(fact.source) == MTEB or len(stated) < _LONG:
        return False
    return not _languages(fact.value) <= _languages(stated)


def _languages(tags: Collection[str]) -> set[str]:
    primary = (tag.partition("-")[0] for tag in tags)
    return {_ONE_AND_THE_SAME.get(language, language) for language in primary}
