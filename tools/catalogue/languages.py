"""Language tags as mteb writes them (`zho-Hans`) → the shortest BCP 47 tags (`zh-Hans`)."""

from __future__ import annotations

from collections.abc import Iterable

import langcodes

_PROGRAMMING = "-Code"

_WRITTEN_IN_SEVERAL = ("zh",)
"""Languages whose tag keeps its script, since readers expect to see which one it is."""

_USUAL_SCRIPT = {"ko": "Hang"}
"""Where the registry's usual script (`Kore`) is a mixture and the tag names its main part."""

_ALSO_IN_LATIN = ("crh", "mww", "sr")
"""Languages that are written in Latin as often as in the script that the registry calls usual."""

_IN_LATIN = "-Latn"


def shortest_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags in their shortest form, in the order given, each once.

    Programming languages, which mteb lists as `python-Code`, are left out. mteb's lists for XLM-R
    and Granite say that Amharic, Arabic or Japanese are written in Latin. Models that do read
    transliterations list the language in its own script, too; so one that stands in Latin alone
    loses the script.
    """
    short = [_shortest(tag) for tag in tags if not tag.endswith(_PROGRAMMING)]
    written = {tag.partition("-")[0] for tag in short if not tag.endswith(_IN_LATIN)}
    return list(dict.fromkeys(_in_its_script(tag, written) for tag in short))


def _in_its_script(tag: str, written: set[str]) -> str:
    language = tag.partition("-")[0]
    if not tag.endswith(_IN_LATIN) or language in _ALSO_IN_LATIN or language in written:
        return tag
    return language


def _shortest(tag: str) -> str:
    standard = langcodes.standardize_tag(tag, macro=True)
    parsed = langcodes.Language.get(standard)
    language, script = parsed.language, parsed.script
    if language is None or script is None or language in _WRITTEN_IN_SEVERAL:
        return standard
    usual = _USUAL_SCRIPT.get(language) or langcodes.Language.get(language).maximize().script
    return standard.replace(f"-{script}", "") if script == usual else standard
