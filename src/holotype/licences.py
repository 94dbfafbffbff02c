"""What a licence, by its id, says of commercial use."""

from __future__ import annotations

import re

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
    if licence is None:
        return None
    terms = re.split(r"\s+(and|or)\s+", licence.strip().lower())
    answers, operators = {_of_one(term) for term in terms[::2]}, set(terms[1::2])
    if len(answers) == 1:
        return answers.pop()
    # Of several to choose from, one that allows it is enough; of several that hold together, one
    # that does not.
    if operators == {"or"} and True in answers:
        return True
    if operators == {"and"} and False in answers:
        return False
    return None


def _of_one(term: str) -> bool | None:
    """Return the answer of one licence id, with its exception if it has one."""
    licence = term.partition(" with ")[0].strip()
    if _NON_COMMERCIAL.fullmatch(licence):
        return False
    if licence in _FREE or _FREE_FAMILIES.fullmatch(licence):
        return True
    return None
