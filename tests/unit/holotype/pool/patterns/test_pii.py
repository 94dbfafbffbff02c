"""Personal data in texts: what is found, and what only looks like it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.running.scores import LabelScore
from holotype.errors import MissingExtraError, UnsupportedInputError
from holotype.pool.patterns import pii
from holotype.pool.patterns.pii import LABELS, PiiClassifier
from holotype.pool.patterns.spans import Span, without_overlaps

CLASSIFIER = PiiClassifier()


def found(text: str) -> list[tuple[str, str]]:
    return [(one.label, text[one.start : one.end]) for one in CLASSIFIER.find(text)]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("email", "jane.doe+test@mail.example.org"),
        ("email", "x@example.co.uk"),
        ("phone", "+49 30 901820"),
        ("phone", "+44 20 7946 0958"),
        ("phone", "(212) 555-2368"),
        ("phone", "212-555-2368"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
        ("iban", "NO9386011117947"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5500-0000-0000-0004"),
        ("card", "378282246310005"),
        ("ip_address", "192.168.0.1"),
        ("ip_address", "2001:db8::ff00:42:8329"),
        ("ip_address", "::1"),
        ("social_security_number", "536-90-4399"),
        ("social_security_number", "111.444.777-35"),
        ("social_security_number", "RCCMNL83S18D969H"),
        ("social_security_number", "54362315K"),
        ("social_security_number", "X5253868R"),
        ("social_security_number", "123-456-782"),
        ("url", "https://example.org/a?b=c#d"),
        ("url", "www.example.org"),
        ("secret", "AKIAIOSFODNN7EXAMPLE"),
        ("secret", "ghp_" + "a1B2" * 9),
        ("secret", "hf_" + "aB3d" * 8),
        ("secret", "-----BEGIN RSA PRIVATE KEY-----"),
        ("secret", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"),
    ],
)
def test_it_is_found_alone_and_within_a_sentence(label: str, text: str) -> None:
    assert found(text) == [(label, text)]
    assert found(f"Please note {text}, and nothing else.") == [(label, text)]
    assert found(f"({text})") == [(label, text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing personal in here, of 5 kinds.",
        "4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00",
        "999.168.0.1",
        "version 1.2.3.4.5",
        "000-12-3456",
        "user@localhost",
        "@mention and a@b",
        "12:30:45",
        "std::vector",
        "call 112",
        "12345678901",
        "2024-03-12",
        "54362315Z",
        "ghp_short",
        "sk-short",
        "abcAKIAIOSFODNN7EXAMPLE",
    ],
)
def test_what_only_looks_like_it_is_not_found(text: str) -> None:
    assert found(text) == []


def test_a_full_stop_ends_an_address_of_the_web() -> None:
    assert found("See https://example.org/a.") == [("url", "https://example.org/a")]


def test_the_digits_of_an_account_are_no_telephone_number() -> None:
    text = "DE89 3704 0044 0532 0130 00 and +49 30 901820"
    assert [label for label, _ in found(text)] == ["iban", "phone"]


def test_telephone_numbers_without_a_country_belong_to_the_regions_asked_for() -> None:
    german = PiiClassifier(regions=("DE",))
    text = "030 901820"
    assert [one.label for one in german.find(text)] == ["phone"]
    assert found(text) == []


def test_spans_are_labels_with_scores_best_first() -> None:
    text = "www.example.org, jane@example.org"
    spans = CLASSIFIER.classify(text)
    assert [one.label for one in spans] == ["email", "url"]
    assert isinstance(spans[0], LabelScore)
    assert spans[0].score > spans[1].score
    assert [len(one) for one in CLASSIFIER.classify([text, "nothing"])] == [2, 0]


def test_thresholds_and_the_number_of_spans_can_be_limited() -> None:
    text = "www.example.org, jane@example.org, bob@example.org"
    assert [one.label for one in CLASSIFIER.classify(text, threshold=0.93)] == ["email"] * 2
    assert len(CLASSIFIER.classify(text, top_k=1)) == 1
    assert [one.label for one in CLASSIFIER.classify(text, thresholds={"email": 0.99})] == ["url"]
    with pytest.raises(ValueError, match="thresholds names 'mail'"):
        CLASSIFIER.classify(text, thresholds={"mail": 0.5})


def test_scores_are_those_of_the_surest_span_of_each_label() -> None:
    scores = CLASSIFIER.predict_scores(["jane@example.org", "nothing"])
    assert scores.shape == (2, len(LABELS))
    assert scores[0, LABELS.index("email")] == pytest.approx(0.95)
    assert scores.sum() == pytest.approx(0.95)
    assert CLASSIFIER.predict_scores("nothing").shape == (len(LABELS),)


@given(st.text(max_size=300))
def test_any_text_is_read_and_spans_lie_inside_without_overlaps(text: str) -> None:
    spans = CLASSIFIER.find(text)
    ends = [0]
    for span in spans:
        assert ends[-1] <= span.start < span.end <= len(text)
        assert span.label in LABELS
        assert 0 < span.score < 1
        ends.append(span.end)


@given(st.text(alphabet="a@.-+0123456789: X", max_size=2000))
def test_no_text_takes_long(text: str) -> None:
    """Patterns that go back and forth would take minutes for these."""
    began_s = time.process_time()
    CLASSIFIER.find(text)
    assert time.process_time() - began_s < 2


def test_of_spans_that_overlap_the_surer_stays_and_then_the_longer() -> None:
    def span(score: float, start: int, end: int) -> Span:
        return Span(label="url", score=score, start=start, end=end)

    assert without_overlaps([span(0.5, 0, 9), span(0.9, 3, 5)]) == [span(0.9, 3, 5)]
    assert without_overlaps([span(0.5, 0, 4), span(0.5, 2, 9)]) == [span(0.5, 2, 9)]
    assert without_overlaps([span(0.5, 4, 6), span(0.9, 0, 4)]) == [
        span(0.9, 0, 4),
        span(0.5, 4, 6),
    ]


@pytest.mark.parametrize("package", ["phonenumbers", "stdnum.luhn"])
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, package, missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[pool\]'"):
        PiiClassifier()


def test_no_pattern_is_compiled_per_call() -> None:
    assert "re.compile" not in Path(pii.__file__).read_text().partition("class PiiClassifier")[2]


@pytest.mark.parametrize("method", ["classify", "predict_scores"])
@pytest.mark.parametrize("pair", [("a", "b"), ["a", "b"]])
def test_a_pair_is_refused_with_its_place(method: str, pair: Any) -> None:
    with pytest.raises(UnsupportedInputError, match="the item at index 1 is a pair"):
        getattr(CLASSIFIER, method)(["a", pair])
    with pytest.raises(TypeError, match="the text at index 0 is of type int"):
        getattr(CLASSIFIER, method)([3])
