"""What people mean by the value of a criterion; what no model can have is refused.

Each function returns the value as records write it. Spellings that are surely meant are understood:
``"CROSS_ENCODER"``, ``"Apache 2.0"``, ``"BAAI"``, ``"8k"``. Others raise an error with a
suggestion.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from holotype.errors import CriterionError, CriterionTypeError
from holotype.languages import known_licences
from holotype.naming import nearest, one_of
from holotype.sizes import parse_bytes, parse_count

KINDS = (
    *("dense", "colbert", "sparse", "cross-encoder", "classifier"),
    *("image-text", "captioner"),
)
"""The kinds that every catalogue knows, also one that has no such model."""

MODALITIES = ("text", "image", "audio", "video")

_OTHER_WORDS = {
    "reranker": "cross-encoder",
    "rerankers": "cross-encoder",
    "reranking": "cross-encoder",
    "bi-encoder": "dense",
    "embedding": "dense",
    "embeddings": "dense",
    "splade": "sparse",
    "lexical": "sparse",
    "late-interaction": "colbert",
    "multi-vector": "colbert",
    "classification": "classifier",
    "clip": "image-text",
    "siglip": "image-text",
    "two-tower": "image-text",
    "captioning": "captioner",
    "image-captioning": "captioner",
    "image-to-text": "captioner",
}
_LICENCE_WORDS = re.compile(r"\b(?:the|licen[cs]ed?|version)\b|\bv(?=\d)")


def text_of(criterion: str, wanted: object) -> str:
    """Return a criterion that must be one text.

    Raises:
        CriterionTypeError: it is not a text; the error says how one is written.
    """
    if isinstance(wanted, str):
        return wanted
    several = sorted(map(str, wanted)) if isinstance(wanted, Collection) else []
    match several:
        case [only]:
            hint = f"; write {criterion}={only!r}"
        case [first, *_]:
            hint = f"; ask for one at a time: {criterion}={first!r}"
        case _:
            hint = ""
    raise CriterionTypeError(criterion, wanted, f"is not text{hint}")


def meant_kind(wanted: object, further: Iterable[str] = ()) -> str:
    """Return a kind of model: the member of `ModelType`, its name or its value.

    Args:
        wanted: the kind as somebody wrote it.
        further: the kinds of the records that are asked, besides `KINDS`.

    Raises:
        CriterionError: there is no such kind.
    """
    word = text_of("type", wanted)
    return _meant("type", str(word), dict.fromkeys((*KINDS, *further)), _OTHER_WORDS)


def meant_modality(wanted: object, further: Iterable[str] = ()) -> str:
    """Return a modality: text, image, audio or video, or one of `further`.

    Raises:
        CriterionError: there is no such modality.
    """
    word = text_of("modality", wanted)
    other = {f"{each}s": each for each in MODALITIES} | {"picture": "image", "speech": "audio"}
    return _meant("modality", word, dict.fromkeys((*MODALITIES, *further)), other)


def meant_organization(wanted: object, owners: Mapping[str, str]) -> str:
    """Return the name of an organization in lower case.

    Args:
        wanted: the name, in any letter case, with any spaces and hyphens.
        owners: each organization that is known, and an account on the Hub with its models.

    Raises:
        CriterionError: no model is by that organization.
    """
    word = text_of("organization", wanted)
    by_spelling = {_bare(name): name for name in owners}
    if _bare(word) in by_spelling:
        return by_spelling[_bare(word)].lower()
    on_the_hub = {_bare(account): name for name, account in owners.items()}
    found = on_the_hub.get(_bare(word))
    near = [found] if found else nearest(word, owners)
    hint = f"did you mean {near[0]!r}?" if near else "MODELS.md lists them all"
    raise CriterionError("organization", word, f"has no model in the catalogue; {hint}")


def meant_licenses(wanted: object, further: Iterable[str]) -> frozenset[str]:
    """Return the lower-case ids of one licence, or of several acceptable ones.

    Args:
        wanted: an id such as ``"apache-2.0"``, a spelling of it such as ``"Apache 2.0"``, or
            several of them.
        further: the licences of the records that are asked.

    Raises:
        CriterionError: neither SPDX nor the Hub nor a record knows the licence.
        CriterionTypeError: the value is neither text nor several texts.
    """
    names = (wanted,) if isinstance(wanted, str) else wanted
    if not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise CriterionTypeError("license", wanted, "is not a licence id, or several of them")
    used = {name.lower() for name in further}
    return frozenset(_meant_license(name, used) for name in names)


def _meant_license(wanted: str, used: Collection[str]) -> str:
    for known in (used, known_licences()):
        if wanted.lower() in known:
            return wanted.lower()
        by_spelling = {_bare(each, but=".+"): each for each in known}
        found = by_spelling.get(_bare(_LICENCE_WORDS.sub("", wanted.lower()), but=".+"))
        if found is not None:
            return found
    several = split_licenses(wanted)
    if len(several) > 1:
        raise CriterionError("license", wanted, f"is several licences; write license={several}")
    near = nearest(wanted, used) or nearest(wanted, known_licences())
    hint = f"did you mean {near[0]!r}?" if near else f"the models have {', '.join(sorted(used))}"
    raise CriterionError("license", wanted, f"is not a licence that is known; {hint}")


def split_licenses(text: str) -> list[str]:
    """Return the licences of a text that names several to choose from, with commas or OR."""
    parts = (part.strip(" ()") for part in re.split(r",|\sor\s", text, flags=re.IGNORECASE))
    return [part for part in parts if part]


def number_of(criterion: str, wanted: object) -> float:
    """Return a count as a number: of parameters, tokens or dimensions, or of bytes.

    Args:
        criterion: its name; that of `max_memory` takes bytes.
        wanted: a number, or a text such as ``"8k"``, ``"1.5B"`` or ``"500MB"``.

    Raises:
        CriterionError: the number is negative, or the text is no number.
        CriterionTypeError: the value is of another type.
    """
    if isinstance(wanted, str):
        try:
            return (parse_bytes if criterion == "max_memory" else parse_count)(wanted)
        except ValueError as error:
            problem = str(error).removeprefix(repr(wanted)).strip()
            raise CriterionError(criterion, wanted, problem) from None
    number = _number(criterion, wanted, "a number, or a text such as '500M'")
    if not number >= 0:
        raise CriterionError(criterion, wanted, "is not a number from 0 upwards")
    if number > sys.maxsize:
        raise CriterionError(criterion, wanted, f"is above {sys.maxsize}")
    return number


def score_of(criterion: str, wanted: object) -> float:
    """Return a score, which is a fraction.

    Raises:
        CriterionError: it is not from 0 to 1.
        CriterionTypeError: it is not a number.
    """
    score = _number(criterion, wanted, "a number from 0 to 1")
    if 0 <= score <= 1:
        return score
    hint = f"; write {score / 100:g} for {score:g} points" if 1 < score <= 100 else ""
    raise CriterionError(criterion, wanted, f"is not a fraction from 0 to 1{hint}")


def flag_of(criterion: str, wanted: object) -> bool:
    """Return a criterion that is true or false.

    Raises:
        CriterionTypeError: it is neither.
    """
    if isinstance(wanted, bool):
        return wanted
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    meant = words.get(str(wanted).lower())
    hint = "" if meant is None else f"; write {criterion}={meant}"
    raise CriterionTypeError(criterion, wanted, f"is not True or False{hint}")


def _number(criterion: str, wanted: Any, expected: str) -> float:
    # NumPy's numbers are no `int`, but say their value as these methods do.
    is_number = hasattr(wanted, "__index__") or hasattr(wanted, "__float__")
    if isinstance(wanted, bool | str) or not is_number:
        raise CriterionTypeError(criterion, wanted, f"is not {expected}")
    try:
        return int(wanted) if hasattr(wanted, "__index__") else float(wanted)
    except (OverflowError, ValueError):
        raise CriterionError(criterion, wanted, f"is not {expected}") from None


def _meant(
    criterion: str, wanted: str, known: Iterable[str], other_words: Mapping[str, str]
) -> str:
    by_spelling = {_bare(name): name for name in known}
    found = by_spelling.get(_bare(wanted))
    if found is not None:
        return found
    others = {_bare(word): name for word, name in other_words.items()}
    meant = others.get(_bare(wanted))
    raise CriterionError(
        criterion, wanted, f"is unknown; {one_of(meant or wanted, sorted(by_spelling.values()))}"
    )


def _bare(name: str, but: str = "") -> str:
    """Return the letters and digits of a name in lower case, and the characters in `but`."""
    return "".join(each for each in name.lower() if each.isalnum() or each in but)
