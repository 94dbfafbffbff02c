"""Personal data in texts: a builtin classifier of patterns and checksums, without a model.

A cheap look at the characters of a text decides which patterns are tried at all. What a pattern
finds counts only if its checksum, or its numbering plan, agrees. The score says how much that is
worth: 0.99 for a checksum of two digits or more, less for what only looks like it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from string import ascii_uppercase
from typing import Unpack, overload

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.items import each_single_text
from holotype.encoders.options import EncodeOptions, settings_of
from holotype.encoders.running.scores import label_rule
from holotype.pool.patterns.phones import PhoneNumbers, import_package
from holotype.pool.patterns.spans import Span, without_overlaps

LABELS = (
    "email",
    "phone",
    "iban",
    "card",
    "ip_address",
    "social_security_number",
    "url",
    "secret",
)

_LOCAL_PART = re.compile(r"[A-Za-z0-9](?:[\w.+%'-]{0,62}[\w+%-])?\Z")
_LONGEST_LOCAL_PART = 64
_BEFORE_LOCAL_PART = frozenset("+-.")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
# Patterns begin with the characters that what they look for begins with, and look back from there:
# for such a set, `re` passes over all other characters at once.
_URL = re.compile(r"[hfw](?<!\w.)(?:(?<=h)ttps?://|(?<=f)tp://|(?<=w)ww\.)[^\s<>\"'`]{3,2000}")
_URL_END = ".,;:!?)]}'"
_SECRET = re.compile(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|hf_[A-Za-z0-9]{30,64}|sk-[A-Za-z0-9_-]{20,255}|sk_(?:live|test)_[A-Za-z0-9]{16,255}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,255}|AIza[A-Za-z0-9_-]{35}|glpat-[A-Za-z0-9_-]{20,64}"
    r"|eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096})(?![\w-])"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)
# What no secret is without: a cheap look before the pattern.
_OF_SECRETS = ("_", "sk-", "eyJ", "AKIA", "ASIA", "xox", "AIza", "glpat-", "-----BEGIN")
# Account numbers, and social security numbers of Italy and Spain.
_LETTERS_AND_DIGITS = re.compile(
    r"[A-Z\d](?<!\w.)(?:"
    r"(?P<iban>(?<=[A-Z])[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)"
    r"|(?P<italian>(?<=[A-Z])[A-Z]{5}[\dLMNP-V]{2}[A-EHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z])"
    r"|(?P<spanish>(?<=[\dXYZ])\d{7}-?[A-Z]))\b"
)
# Likewise: letters beside digits, or the six letters of an Italian number.
_OF_LETTERS_AND_DIGITS = re.compile(r"[A-Z](?:\d|[A-Z]{5})|\d-?[A-Z]")
_IP_4 = re.compile(r"\d(?<![\w.].)\d{0,2}\.(?:\d{1,3}\.){2}\d{1,3}(?![\w.]*\d)")
_IP_6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])"
)
_OF_IP_6 = re.compile(r":[0-9A-Fa-f]{0,4}:")
_DIGITS = re.compile(
    r"[+(\d](?<![\w.+-].)(?:(?<=\+)(?:\((?=\d{1,5}\)))?\d|(?<=\()(?=\d{1,5}\))\d|(?<=\d))"
    r"(?:[ ().\-/]{0,2}\d){6,18}(?![\w-])"
)
_ANY_DIGIT = re.compile(r"\d")
_ANY_DIGITS = re.compile(r"\d\D{0,3}\d\D{0,3}\d")
_DOTTED_DIGITS = re.compile(r"\d\.\d{1,3}\.\d")
_SEVEN_DIGITS = re.compile(r"\d(?:[ ().\-/]{0,2}\d){6}")
_NUMBERS_OF_LETTERS = {ord(letter): str(ord(letter) - ord("A") + 10) for letter in ascii_uppercase}
_CARD_LENGTHS = range(13, 20)
_REGIONS = ("US",)

# The number of digits, their usual groups, and the module that knows the checksum.
_BY_SHAPE: tuple[tuple[re.Pattern[str], str, float], ...] = (
    (re.compile(r"\d{3}-\d{2}-\d{4}"), "stdnum.us.ssn", 0.8),
    (re.compile(r"[1-478] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}"), "stdnum.fr.nir", 0.99),
    (re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), "stdnum.br.cpf", 0.99),
    (re.compile(r"\d{3}[ -]\d{3}[ -]\d{3}"), "stdnum.ca.sin", 0.85),
)

_NO_THRESHOLDS: Mapping[str, float] = dict.fromkeys(LABELS, 0.0)


class PiiClassifier:
    """Finds e-mail addresses, telephone numbers, bank accounts, cards, addresses and secrets.

    It has the methods of a classifier with several labels. Safe to share between threads.

    Attributes:
        labels: what it finds.
        multi_label: True.
        memory_bytes: 0.
    """

    labels = LABELS
    multi_label = True
    memory_bytes = 0
    device = "cpu"
    fingerprint = None

    def __init__(self, regions: Iterable[str] = _REGIONS) -> None:
        """Prepare to find the telephone numbers of some regions.

        Args:
            regions: where numbers without a country code may belong, as ISO 3166 codes. Numbers
                with ``+`` are found wherever they belong.

        Raises:
            MissingExtraError: phonenumbers or python-stdnum is not installed.
        """
        self._regions = tuple(regions)
        self._phones = PhoneNumbers(self._regions)
        self._is_luhn: Callable[[str], bool] = import_package(
            "stdnum.luhn", "python-stdnum"
        ).is_valid
        self._shapes = [
            (shape, import_package(module, "python-stdnum").is_valid, score)
            for shape, module, score in _BY_SHAPE
        ]
        is_dni = import_package("stdnum.es.dni", "python-stdnum").is_valid
        is_nie = import_package("stdnum.es.nie", "python-stdnum").is_valid
        self._checks: Mapping[str, Callable[[str], bool]] = {
            "iban": _is_iban,
            "italian": import_package("stdnum.it.codicefiscale", "python-stdnum").is_valid,
            "spanish": lambda text: is_dni(text) or is_nie(text),
        }

    def find(self, text: str) -> list[Span]:
        """Return what a text holds, in its order; nothing overlaps."""
        found = list(self._each(text))
        return found if len(found) < 2 else without_overlaps(found)

    # A string is also an iterable of strings; the first overload that matches is the right one.
    @overload
    def classify(  # type: ignore[overload-overlap]
        self,
        texts: str,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> tuple[Span, ...]: ...
    @overload
    def classify(
        self,
        texts: Iterable[str],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> list[tuple[Span, ...]]: ...
    def classify(
        self,
        texts: str | Iterable[str],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> tuple[Span, ...] | list[tuple[Span, ...]]:
        """Return what texts hold, best first; of equal scores, in the order of the text.

        Args:
            texts: one text or several.
            top_k: the maximum number of spans for a text, from 1 on.
            threshold: the lowest score that counts; None counts all.
            thresholds: the lowest scores for some labels, by name.
            options: have no effect; they are those of classifiers that run models.

        Returns:
            Spans for one text, a list of these for several.

        Raises:
            UnsupportedInputError: one is a pair of texts.
            ValueError: `thresholds` names a label that does not exist, or an option is invalid.
        """
        if options:
            settings_of(**options)
        lowest = _NO_THRESHOLDS
        if top_k is not None or threshold is not None or thresholds is not None:
            rule = label_rule(
                LABELS,
                multi_label=True,
                top_k=top_k,
                threshold=0.0 if threshold is None else threshold,
                thresholds=thresholds,
            )
            lowest = {
                name: least or 0.0 for name, least in zip(LABELS, rule.thresholds, strict=True)
            }
        found = [
            tuple(
                sorted(
                    (span for span in self.find(text) if span.score >= lowest[span.label]),
                    key=_minus_score,
                )[:top_k]
            )
            for text in each_single_text("pii", texts)
        ]
        return found[0] if isinstance(texts, str) else found

    def predict_scores(
        self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]
    ) -> NDArray[np.float32]:
        """Return the score of the surest span of each label, 0 where there is none.

        Returns:
            float32 ``[n_labels]`` for one text, ``[n_texts, n_labels]`` for several.

        Raises:
            UnsupportedInputError: one is a pair of texts.
        """
        settings_of(**options)
        given = list(each_single_text("pii", texts))
        scores = np.zeros((len(given), len(LABELS)), dtype=np.float32)
        for row, text in zip(scores, given, strict=True):
            for span in self.find(text):
                at = LABELS.index(span.label)
                row[at] = max(row[at], span.score)
        return scores[0] if isinstance(texts, str) else scores

    def _each(self, text: str) -> Iterator[Span]:
        if "@" in text:
            yield from _addresses_of_mail(text)
        if "://" in text or "www." in text:
            for found in _URL.finditer(text):
                url = found[0].rstrip(_URL_END)
                start = found.start()
                yield Span(label="url", score=0.9, start=start, end=start + len(url))
        if any(part in text for part in _OF_SECRETS):
            for found in _SECRET.finditer(text):
                yield _span("secret", 0.97, found)
        if _OF_IP_6.search(text) is not None:
            yield from self._addresses(_IP_6, text)
        if _ANY_DIGITS.search(text) is not None:
            yield from self._numbers(text)

    def _numbers(self, text: str) -> Iterator[Span]:
        known: list[Span] = []
        if text.count(".") >= 3 and _DOTTED_DIGITS.search(text) is not None:
            known += self._addresses(_IP_4, text)
        if _OF_LETTERS_AND_DIGITS.search(text) is not None:
            known += [
                _span("iban" if kind == "iban" else "social_security_number", 0.99, found)
                for found in _LETTERS_AND_DIGITS.finditer(text)
                if (kind := found.lastgroup) is not None and self._checks[kind](found[0])
            ]
        yield from known
        if _SEVEN_DIGITS.search(text) is None:
            return
        for found in _DIGITS.finditer(text):
            # The digits of an account, or of an address, are no telephone number.
            start, end = found.span()
            if known and any(one.start < end and start < one.end for one in known):
                continue
            span = self._number(found)
            if span is not None:
                yield span

    def _number(self, found: re.Match[str]) -> Span | None:
        """Say what a row of digits is: a card, a social security number, or a telephone number."""
        text = found[0]
        for shape, is_valid, score in self._shapes:
            if shape.fullmatch(text) and is_valid(text):
                return _span("social_security_number", score, found)
        digits = "".join(_ANY_DIGIT.findall(text))
        # Cards begin with 2 to 6; other rows of digits pass the checksum one time in ten.
        is_card = len(digits) in _CARD_LENGTHS and digits[0] in "23456" and text[0] not in "+("
        if is_card and self._is_luhn(digits):
            return _span("card", 0.95, found)
        certainty = self._phones.score(text, digits)
        return None if certainty is None else _span("phone", certainty, found)

    @staticmethod
    def _addresses(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
        for found in pattern.finditer(text):
            try:
                ipaddress.ip_address(found[0])
            except ValueError:
                continue
            yield _span("ip_address", 0.9, found)

    def __repr__(self) -> str:
        """Show the regions."""
        return f"PiiClassifier(regions={self._regions!r})"


def _minus_score(span: Span) -> float:
    return -span.score


def _span(label: str, score: float, found: re.Match[str]) -> Span:
    return Span(label=label, score=score, start=found.start(), end=found.end())


def _addresses_of_mail(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        first = max(0, at - _LONGEST_LOCAL_PART)
        local = None if domain is None else _LOCAL_PART.search(text[first:at])
        if domain is not None and local is not None:
            start = first + local.start()
            before = text[start - 1] if start else " "
            if not before.isalnum() and before not in _BEFORE_LOCAL_PART:
                yield Span(label="email", score=0.95, start=start, end=domain.end())
        at = text.find("@", at + 1)


def _is_iban(text: str) -> bool:
    """Whether a text is an account number by ISO 13616: its two check digits agree."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    moved = compact[4:] + compact[:4]
    return int(moved.translate(_NUMBERS_OF_LETTERS)) % 97 == 1
