"""What a fact file says of a value's source → the provenance that `models.json` keeps.

A provenance is the key of a source, with a detail after a colon: ``hub: 1_Pooling/config.json``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

UNDATED = " @ main"
"""What ends the provenance of a page of the Hub whose commit was not noted."""

MEMORY = "memory"
"""The source of values that nobody checked; they are never taken."""

_OLD_TABLE = "docs/_static/html/models_en_sentence_embeddings.html"
"""A table of Sentence Transformers that its readers know to have errors; better than mteb only."""

_OF_ANOTHER_MODEL = r" of (its base |codesage/codesage-base )"
"""A file that was read in the repository of the model that this one was made from."""

_PREFIXES: tuple[tuple[str, str], ...] = (
    ("hf card", "card"),
    ("hf blog", "web: the Hub's blog"),
    ("hf tree", "hub: file list"),
    ("hf page", "hub: README.md"),
    ("hf tag", "hub: tags"),
    ("hf commit", "hub: commit"),
    ("hf discussion", "web: the discussions of the model's repository"),
    ("parameter count check", "parameter-count"),
    ("third-party", "hub-copy"),
    ("base model family", "model-family"),
    ("transformers default config", "model-family"),
    ("mteb registry", "mteb"),
    ("hidden size", "derived: hidden size"),
    ("vocabulary size", "derived: vocabulary size"),
)

_DETAILED = ("hub-copy", "model-family", "mteb", "card")
"""Sources of which the detail is kept: a repository and a file."""

_RANKS: tuple[str, ...] = (
    "package",
    "hub",
    "card",
    "github",
    "hub-copy",
    "transformers",
    "parameter-count",
    "model-family",
    "web",
    "derived",
    _OLD_TABLE,
    "mteb",
)

_OF_SINGLE_VALUES = ("hub-copy", "transformers", "parameter-count", "model-family", "derived")
"""Sources that prove some values and know nothing of the model itself, such as its repository."""


def provenance(source: str) -> str | None:
    """Return the provenance for the source text of a fact file; None for what is never taken."""
    if MEMORY in source:
        return None
    if source.startswith("hf:"):
        key = "model-family" if re.search(_OF_ANOTHER_MODEL, source) else "hub"
        return _on_a_branch(f"{key}: {_plain(source.removeprefix('hf:'))}")
    if source.startswith("github:"):
        return f"github: {_plain(source.removeprefix('github:'))}"
    for prefix, key in _PREFIXES:
        if source.startswith(prefix):
            return _on_a_branch(_with_detail(key, source.removeprefix(prefix)))
    return f"web: {_plain(source)}"


def _on_a_branch(text: str) -> str:
    """Say where a file on the Hub is followed whose commit was not noted."""
    dated = re.search(r" @ [0-9a-f]{7,40}$", text)
    return text + UNDATED if key_of(text) == "hub" and not dated else text


def key_of(text: str) -> str:
    """Return the source's key of a provenance."""
    return text.partition(":")[0]


def rank(text: str) -> tuple[int, bool]:
    """Return how well founded a provenance is; the smaller, the better."""
    key = _OLD_TABLE if _OLD_TABLE in text else key_of(text)
    place = _RANKS.index(key) if key in _RANKS else len(_RANKS)
    return place, text.endswith(UNDATED)


def is_followed(text: str) -> bool:
    """Whether a provenance names a file of a repository at a commit, or of a released package."""
    key, _, detail = text.partition(": ")
    return bool(
        (key in ("hub", "github", "hub-copy") and re.search(r" @ [0-9a-f]{7,40}$", detail))
        or (key in ("mteb", "transformers") and detail.endswith(".py"))
    )


def compact(sources: Mapping[str, str]) -> dict[str, str]:
    """Return the shortest provenance that says the same.

    Args:
        sources: the provenance of every known value, by JSON pointer within the entry.

    Returns:
        ``*`` for the source of most values outside the encoding that can speak for a whole entry,
        a group's pointer (``/specs``) where most of a group differs from that, and a pointer for
        each value that differs still.
    """
    outside = [text for pointer, text in sources.items() if not pointer.startswith("/encoding/")]
    of_entry = [text for text in outside if key_of(text) not in _OF_SINGLE_VALUES]
    common = _most(of_entry or outside or list(sources.values()))
    result = {"*": common}
    for group in dict.fromkeys(pointer.split("/")[1] for pointer in sources):
        members = {p: s for p, s in sources.items() if p.split("/")[1] == group}
        usual = _most(list(members.values()))
        differ = {p: s for p, s in members.items() if s != common}
        by_group = {p: s for p, s in members.items() if s != usual}
        if usual != common and len(by_group) + 1 < len(differ):
            result[f"/{group}"] = usual
            differ = by_group
        result |= differ
    return result


def _most(sources: list[str]) -> str:
    """Return the most frequent source.

    Of those that are equally frequent, one from outside that does not rest on a branch, then the
    first.
    """
    counts = Counter(sources)
    last = {text for text in counts if text == "maintainers" or text.endswith(" @ main")}
    return max(counts, key=lambda text: (counts[text], text not in last))


def _with_detail(key: str, rest: str) -> str:
    if ":" in key:
        return key
    rest = rest.strip(" :,")
    if rest.startswith("("):
        rest = rest[1:].partition(")")[0]
    detail = _plain(rest) if key in _DETAILED else ""
    return f"{key}: {detail}" if detail else key


def _plain(text: str) -> str:
    """Drop remarks in brackets and what follows a semicolon."""
    while (shorter := re.sub(r"\s*\([^()]*\)", "", text)) != text:
        text = shorter
    text = text.partition(";")[0].partition(" +")[0]
    text = re.sub(r"^(hub )?(copy|copies|fine-tune|duplicate|card)\b:?\s*", "", text.strip())
    return text.strip(" ,:")
