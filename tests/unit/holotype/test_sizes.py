"""Counts and sizes as people write them."""

from __future__ import annotations

import pytest

from holotype.sizes import parse_bytes, parse_count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500M", 500_000_000),
        ("1.5b", 1_500_000_000),
        ("22k", 22_000),
        ("8K", 8_000),
        ("0.5 M", 500_000),
        ("110_000_000", 110_000_000),
        ("110,000,000", 110_000_000),
        (" 42 ", 42),
    ],
)
def test_a_count_may_be_written_short(text: str, number: int) -> None:
    assert parse_count(text) == number


@pytest.mark.parametrize(
    "text", ["", "M", "-5", "1e6", "500 MB", "8Ki", "nan", "1.5.2", "1,5B", "٥"]
)
def test_what_is_no_count_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 8k, 500M, 1\.5B or 110000000"):
        parse_count(text)


@pytest.mark.parametrize("text", ["0", "0.0001k"])
def test_a_count_below_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is below 1"):
        parse_count(text)


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        *(("500MB", 500_000_000), ("500 mb", 500_000_000), ("500M", 500_000_000)),
        *(("0.5GiB", 2**29), ("2 kib", 2048), ("1Mi", 2**20), ("1,024", 1024)),
        *(("1.5GB", 1_500_000_000), ("2TB", 2_000_000_000_000), ("8k", 8_000), ("7B", 7)),
    ],
)
def test_a_size_may_be_written_short(text: str, n_bytes: int) -> None:
    assert parse_bytes(text) == n_bytes


@pytest.mark.parametrize("text", ["", "MB", "iB", "5MiBs", "lots"])
def test_what_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 500MB, 1\.5GB, 0\.5GiB or 110000000"):
        parse_bytes(text)
