"""What the builtin classifier of personal data finds, compared with what presidio finds.

Presidio lives in an environment of its own, which `make .venv-presidio/.installed` makes. It runs
once, for all texts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from holotype.pool.patterns.pii import PiiClassifier

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-presidio" / "bin" / "python"

VALUES = {
    "email": (
        *("jane.doe@example.org", "x@example.co.uk", "o'brien@example.com"),
        *("first.last+tag@mail.example.net", "user_1@sub.domain.example.com"),
    ),
    "card": (
        *("4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "6011111111111117"),
        *("4111111111111111", "3530111333300000", "30569309025904", "4242 4242 4242 4242"),
    ),
    "iban": (
        *("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NO9386011117947"),
        *("FR1420041010050500013M02606", "ES9121000418450200051332", "NL91ABNA0417164300"),
        *("CH9300762011623852957", "BE68 5390 0754 7034", "IT60X0542811101000000123456"),
        "PL61109010140000071219812874",
    ),
    "ip_address": (
        *("192.168.0.1", "8.8.8.8", "255.255.255.255"),
        *("2001:db8::ff00:42:8329", "::1", "fe80::1ff:fe23:4567:890a"),
    ),
    "phone": (
        *("+49 30 901820", "+44 20 7946 0958", "+1 650 253 0000", "+33 1 42 68 53 00"),
        *("+81 3-3580-3311", "(212) 555-2368", "212-555-2368"),
    ),
    "url": (
        *("https://example.org/a?b=c#d", "www.example.org", "http://sub.example.com:8080/x"),
        "https://example.org",
    ),
    "social_security_number": ("536-90-4399", "219-09-9998", "078-05-1121"),
}
SENTENCES = (
    *("{}", "Please note {}, and nothing else.", "({})", "It is: {}."),
    *("a {} b", "first\n{}\nlast"),
)
LOOK_ALIKE = (
    *("Nothing personal in here, of 5 kinds.", "4111 1111 1111 1112", "FR14 2004", "call 112"),
    *("DE88 3704 0044 0532 0130 00", "GB82WEST12345698765433", "order 5500-0000-0000-0005"),
    *("999.168.0.1", "256.1.1.1", "000-12-3456", "666-12-1234", "1234567890123456"),
    *("user@localhost", "@mention and a@b", "12:30:45", "std::vector", "ISO 9001:2015"),
    *("2026-11-27T18:24:21Z", "3.14159265358979", "$1,234.56"),
)
TEXTS = (
    *(
        sentence.format(value)
        for group in VALUES.values()
        for value in group
        for sentence in SENTENCES
    ),
    *LOOK_ALIKE,
)
Found: TypeAlias = set[tuple[str, str]]
"""Kinds with the texts that were found."""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """What presidio finds in each text."""
    folder = tmp_path_factory.mktemp("presidio")
    (folder / "texts.json").write_text(json.dumps(TEXTS), encoding="utf-8")
    subprocess.run(
        [PYTHON, "-I", Path(__file__).parent / "reference.py", "texts.json", "found.json"],
        cwd=folder,
        check=True,
        timeout=600,
        # The list of domains that it brings is cached beside its code otherwise.
        env={**os.environ, "TLDEXTRACT_CACHE": str(folder)},
    )
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return [
        {(label, text[start:end]) for label, start, end in spans}
        for text, spans in zip(TEXTS, found, strict=True)
    ]


@pytest.fixture(scope="module")
def ours() -> list[Found]:
    classifier = PiiClassifier()
    return [
        {
            (span.label, text[span.start : span.end])
            for span in classifier.find(text)
            if span.label in VALUES
        }
        for text in TEXTS
    ]


def of(found: Found, label: str, tidy: Callable[[str], str] = str) -> set[str]:
    return {tidy(text) for kind, text in found if kind == label}


@pytest.mark.parametrize("label", ["email", "card", "iban", "ip_address", "social_security_number"])
def test_what_presidio_finds_is_found_and_nothing_else(
    label: str, ours: list[Found], theirs: list[Found]
) -> None:
    both = zip(TEXTS, ours, theirs, strict=True)
    assert [text for text, one, other in both if of(one, label) != of(other, label)] == []
    assert sum(len(of(found, label)) for found in ours) >= 3 * len(SENTENCES)


def test_telephone_numbers_are_the_same_but_for_a_bracket_around_them(
    ours: list[Found], theirs: list[Found]
) -> None:
    def tidy(text: str) -> str:
        return text.removeprefix("(") if text.count("(") > text.count(")") else text

    both = zip(TEXTS, ours, theirs, strict=True)
    differ = [text for text, one, other in both if of(one, "phone") != of(other, "phone", tidy)]
    assert differ == []


def test_addresses_of_the_web_are_the_same_but_for_ports_and_the_end_of_a_sentence(
    ours: list[Found], theirs: list[Found]
) -> None:
    """Presidio also takes each domain for an address, such as `jane.do` in front of an @."""
    for text, one, other in zip(TEXTS, ours, theirs, strict=True):
        known = {url.rstrip(".,") for url in of(other, "url") if "://" in url or "www." in url}
        mine = of(one, "url")
        assert len(known) == len(mine), text
        for url in mine:
            assert any(url == each or url.startswith(f"{each}:") for each in known), text
