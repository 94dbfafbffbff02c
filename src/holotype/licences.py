"""What a licence, an SPDX expression of ids, permits: commercial use, or what its licences permit."""

from __future__ import annotations

import re
from collections.abc import Callable

_FREE = frozenset(
    (
        *("0bsd", "afl-3.0", "apache-1.1", "apache-2.0", "artistic-2.0", "bsl-1.0", "cc0-1.0"),
        *("bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "ecl-2.0", "etalab-2.0"),
        *("cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "isc", "lppl-1.3c"),
        *("epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "gfdl", "mit", "mit-0", "mpl-2.0"),
        *("ms-pl", "ncsa", "odbl", "odbl-1.0", "odc-by", "odc-by-1.0", "ofl-1.1", "openmdw-1.0"),
        *("openmdw-1.1", "osl-3.0", "pddl", "pddl-1.0", "postgresql", "unlicense", "wtfpl", "zlib"),
    )
)
"""Licences that allow every use; some have conditions, such as naming the authors."""

_FREE_FAMILIES = re.compile(
    r"cc-by(-sa|-nd)?-[1-4]\.[05]|(a|l)?gpl(-[1-3]\.[01](-only|-or-later)?)?"
)
_NON_COMMERCIAL = re.compile(
    r"cc-by-nc(-sa|-nd)?-.+|polyform-noncommercial-.+|fair-noncommercial-research-license|apple-amlr"
)


def allows_commercial_use(licence: str | None) -> bool | None:
    """Return whether a licence lets you use what is under it commercially.

    False is certain of licences that say so in their text, such as `cc-by-nc-4.0`. True is said of
    free licences, whose other conditions still hold. None is for the rest, which must be read:
    those with rules of their own for some uses or users (`gemma`, `llama3.1`, `openrail`), `other`,
    and an unknown licence.

    Args:
        licence: an SPDX expression or a licence id of the Hub, in any letter case.
    """
    return None if licence is None else permits(licence, _allows)


def permits(licence: str, permits_one: Callable[[str], bool | None]) -> bool | None:
    """Return whether an SPDX expression permits what each of its licences does, or does not.

    Of several to choose from, with `OR`, one that permits it is enough; of several that hold
    together, with `AND`, all have to. `AND` binds more than `OR`. An exception, after `WITH`, takes
    no permission away. A later version, as `+` allows it, may be left aside.

    Args:
        licence: the expression, in any letter case.
        permits_one: returns the answer of one licence id in lower case; None if it is unknown.

    Returns:
        The answer; None if it is unknown, or the text is no expression.
    """
    words = re.findall(r"[()]|[^\s()]+", licence.lower())[::-1]
    try:
        answer = _any(words, permits_one)
    except (IndexError, RecursionError):
        return None
    return None if words else answer


def _any(words: list[str], permits_one: Callable[[str], bool | None]) -> bool | None:
    answers = [_all(words, permits_one)]
    while words and words[-1] == "or":
        words.pop()
        answers.append(_all(words, permits_one))
    return True if True in answers else None if None in answers else False


def _all(words: list[str], permits_one: Callable[[str], bool | None]) -> bool | None:
    answers = [_term(words, permits_one)]
    while words and words[-1] == "and":
        words.pop()
        answers.append(_term(words, permits_one))
    return False if False in answers else None if None in answers else True


def _term(words: list[str], permits_one: Callable[[str], bool | None]) -> bool | None:
    """Take a licence with its exception, or an expression in parentheses, from the last words."""
    word = words.pop()
    if word == "(":
        answer = _any(words, permits_one)
        return answer if words.pop() == ")" else None
    answer = permits_one(word) or permits_one(word.removesuffix("+"))
    if words and words[-1] == "with":
        words.pop()
        # What is added under another name may be a restriction, such as the Commons Clause.
        return answer if "exception" in words.pop() else None
    return answer


def _allows(licence: str) -> bool | None:
    if _NON_COMMERCIAL.fullmatch(licence):
        return False
    if licence in _FREE or _FREE_FAMILIES.fullmatch(licence):
        return True
    return None
