"""Telephone numbers: whether a row of digits is one, by the numbering plans of phonenumbers."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from holotype.errors import MissingExtraError

_LONGEST_COUNTRY_CODE = 3


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which rows of digits may be numbers of a region, before anything is looked up.

    Attributes:
        country_code: the code of its country.
        lengths: the numbers of digits that its numbers have.
        prefix: what is dialled before them within the country; may be empty.
        abroad: matches what is dialled before the codes of other countries.
    """

    country_code: int
    lengths: frozenset[int]
    prefix: str
    abroad: re.Pattern[str]

    def may_have(self, digits: str) -> bool:
        """Whether a row of digits can be a number that is dialled in this region."""
        prefix = self.prefix
        if len(digits) in self.lengths or self.abroad.match(digits):
            return True
        code = str(self.country_code)
        return any(
            before and digits.startswith(before) and len(digits) - len(before) in self.lengths
            for before in (prefix, code, code + prefix)
        )


class PhoneNumbers:
    """Finds telephone numbers of all countries, and of some regions without a country code."""

    def __init__(self, regions: Iterable[str]) -> None:
        """Look the regions up.

        Args:
            regions: where numbers without a country code may belong, as ISO 3166 codes.

        Raises:
            MissingExtraError: phonenumbers is not installed.
            ValueError: a region has no numbering plan.
        """
        self._phones = import_package("phonenumbers", "phonenumbers")
        self._codes = self._phones.COUNTRY_CODE_TO_REGION_CODE
        self._plans = {region: self._plan(region) for region in regions}

    def _plan(self, region: str) -> _Plan:
        found = self._phones.PhoneMetadata.metadata_for_region(region, None)
        if found is None:
            raise ValueError(
                f"{region!r} is no region with telephone numbers; expected a code such as 'US'"
            )
        return _Plan(
            country_code=found.country_code,
            lengths=frozenset(found.general_desc.possible_length),
            prefix=found.national_prefix or "",
            abroad=re.compile(found.international_prefix or r"(?!)"),
        )

    def score(self, text: str, digits: str) -> float | None:
        """Return how sure a telephone number is; None if no numbering plan has it.

        Args:
            text: how it is written.
            digits: its digits.
        """
        if text.startswith("+"):
            return 0.95 if self._is_international(text, digits) else None
        # A bare row of digits is anything.
        if len(text) == len(digits):
            return None
        for region, plan in self._plans.items():
            if plan.may_have(digits) and self._is_valid(text, region):
                return 0.75
        return None

    def _is_international(self, text: str, digits: str) -> bool:
        phones = self._phones
        for length in range(1, _LONGEST_COUNTRY_CODE + 1):
            code, national = digits[:length], digits[length:]
            if code[0] == "0" or int(code) not in self._codes:
                continue
            # What is written in the usual way needs no parser, which takes three times as long. A
            # zero at the beginning does: it belongs to the number in Italy, and not elsewhere.
            if national and national[0] != "0":
                number = phones.PhoneNumber(country_code=int(code), national_number=int(national))
                if phones.is_valid_number(number):
                    return True
            break
        return self._is_valid(text, None)

    def _is_valid(self, text: str, region: str | None) -> bool:
        phones = self._phones
        try:
            return bool(phones.is_valid_number(phones.parse(text, region)))
        except phones.NumberParseException:
            return False


def import_package(module: str, package: str) -> Any:
    """Import a part of the extra ``pool``.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise MissingExtraError("pool", package, "the classifier 'pii'") from None
