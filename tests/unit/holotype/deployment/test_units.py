"""Sizes and times."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.deployment.units import (
    DURATION,
    SHARE,
    SIZE,
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("0.9GiB", 966_367_641),
        ("6 GiB", 6 * 2**30),
        ("512MiB", 2**29),
        ("2GB", 2 * 10**9),
        ("1.5kB", 1_500),
        ("7B", 7),
    ],
)
def test_a_size_has_a_unit_of_1000_or_1024(text: str, n_bytes: int) -> None:
    assert parse_size(text) == n_bytes
    assert re.fullmatch(SIZE, text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("0.9", "0.9GiB"), ("6gib", "6GiB"), ("6G", "6GiB"), ("512 m", "512MiB"), ("6 gigs", "6GiB")],
)
def test_a_wrong_unit_is_corrected(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^write {meant}$"):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "1e3GiB", "nan GiB", "9" * 400 + "GiB"])
def test_what_is_no_number_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 0\.9GiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800.0),
        ("60s", 60.0),
        ("500ms", 0.5),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1.5 h", 5400.0),
    ],
)
def test_a_time_has_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert re.fullmatch(DURATION, text)


@pytest.mark.parametrize(
    ("text", "meant"), [("30 minutes", "30m"), ("60", "60s"), ("2H", "2h"), ("3 weeks", "3s")]
)
def test_a_wrong_unit_of_time_is_corrected(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^write {meant}$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0%", "101%", "80", "-5%", "%"])
def test_a_share_is_above_nothing_and_at_most_all(text: str) -> None:
    with pytest.raises(ValueError, match="such as 80%"):
        parse_share(text)


@given(st.integers(1, 2**50))
def test_a_written_size_is_read_back(n_bytes: int) -> None:
    text = format_size(n_bytes)
    assert parse_size(text) == n_bytes
    assert re.fullmatch(SIZE, text)


@given(st.integers(0, 10**12).map(lambda number: number / 1000))
def test_a_written_time_is_read_back(seconds: float) -> None:
    text = format_duration(seconds)
    assert parse_duration(text) == seconds
    assert re.fullmatch(DURATION, text)


@given(st.integers(1, 10_000).map(lambda number: number / 10_000))
def test_a_written_share_is_read_back(share: float) -> None:
    text = format_share(share)
    assert parse_share(text) == share
    assert re.fullmatch(SHARE, text)


def test_sizes_and_times_are_written_as_people_do() -> None:
    assert (format_size(966_367_641), format_size(2**30), format_size(5)) == (
        "0.9GiB",
        "1GiB",
        "5B",
    )
    assert (format_duration(1800), format_duration(90), format_duration(0.25)) == (
        "30m",
        "90s",
        "0.25s",
    )
    assert format_share(0.8) == "80%"
