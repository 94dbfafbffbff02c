"""Checks dates, languages and licences against their standards."""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, timedelta

import langcodes
from langcodes.tag_parser import LanguageTagError
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from holotype_codegen.licences import HUB_LICENCES

_RELEASED = date(2026, 11, 27)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def is_date(text: str) -> bool:
    """Return whether a text is an existing ISO 8601 year, month or day."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    try:
        date(*(int(part or 1) for part in match.groups()))
    except ValueError:
        return False
    return True


def is_to_come(text: str) -> bool:
    """Return whether a date that `is_date` accepts is in the future."""
    # A clock may be wrong, or set back for a reproducible build; dates before this release are
    # never in the future.
    latest = max(datetime.now(UTC).date() + timedelta(days=1), _RELEASED)
    return text > latest.isoformat()[: len(text)]


@functools.cache
def better_language(tag: str) -> str | None:
    """Return the shortest BCP 47 tag for a language, or None if there is no such language.

    `und`, an undetermined language, gives None, because a catalogue writes null for it.
    """
    try:
        if not langcodes.tag_is_valid(tag):
            return None
        better = langcodes.standardize_tag(tag)
    except LanguageTagError:
        return None
    return None if better == "und" else better


@functools.cache
def is_license(text: str) -> bool:
    """Return whether a text is an SPDX expression, in any letter case, or a Hub licence id."""
    if text.lower() in HUB_LICENCES:
        return True
    try:
        canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return False
    return True
