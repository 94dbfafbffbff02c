"""What people see: the same commands where stdout is a terminal of some width."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import run

from holotype.cli import listing, showing
from holotype.cli.columns import COLUMNS, fitting, table

RECORDS = small.CATALOGUE.listed


def drawn(width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(table(RECORDS, fitting(RECORDS, width)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.fixture(params=[40, 60, 80, 120])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Make the command believe that stdout is a terminal, and return its width."""
    width: int = request.param
    monkeypatch.setattr(listing, "is_terminal", lambda: True)
    monkeypatch.setattr(showing, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    return width


@pytest.mark.parametrize("width", range(24, 140, 7))
def test_a_table_is_never_wider_than_the_terminal_and_cuts_nothing(width: int) -> None:
    lines = drawn(width)
    columns = fitting(RECORDS, width)
    assert max(cell_len(line) for line in lines) <= width
    assert len(lines) == 1 + len(RECORDS)
    for line, record in zip(lines[1:], RECORDS, strict=True):
        assert all(column.text(record) in line for column in columns)


def test_a_wide_terminal_shows_every_column_and_a_tiny_one_the_ids() -> None:
    assert fitting(RECORDS, 200) == COLUMNS
    assert [column.heading for column in fitting(RECORDS, 5)] == ["model"]


def test_columns_keep_their_order_when_some_have_no_room() -> None:
    shown = fitting(RECORDS, 70)
    assert [column for column in COLUMNS if column in shown] == list(shown)


def test_ids_that_are_wider_than_the_terminal_are_folded_and_not_cut() -> None:
    lines = drawn(10)
    assert "".join(line.strip() for line in lines[1:3]) == "tiny-colbert-v1"


def test_list_counts_the_models_and_names_the_columns_without_room(terminal: int) -> None:
    text = " ".join(run("list").stdout.split())
    assert f"{len(RECORDS)} models" in text
    assert ("a wider terminal also shows" in text) == (fitting(RECORDS, terminal) != COLUMNS)


def test_one_model_is_not_called_models(terminal: int) -> None:
    assert "1 model" in run("list", "tiny-clip").stdout
    assert "1 models" not in run("list", "tiny-clip").stdout


def test_list_draws_no_table_where_nothing_matches(terminal: int) -> None:
    assert run("list", "zzz").stdout == ""


def test_show_fits_the_terminal_and_shows_values_sources_and_what_is_unknown(
    terminal: int,
) -> None:
    lines = run("show", "tiny-dense").stdout.splitlines()
    assert max(cell_len(line) for line in lines) <= terminal
    text = "".join("".join(line.split()) for line in lines)
    assert "tiny-dense-v1.5" in text
    assert "tests.golden.small_models.TINY_DENSE_V1_5" in text
    assert "poolingcls" in text
    assert "ms_marco_mrr10unknown" in text
    assert "document_promptnone" in text


def test_show_explains_the_sources_that_it_names(terminal: int) -> None:
    text = " ".join(run("show", "tiny-dense").stdout.split())
    assert "Values made up for the tests" in text
    assert "https://huggingface.co" in text


def test_markers_in_brackets_are_shown_as_they_are(terminal: int) -> None:
    assert '"[Q] "' in run("show", "tiny-colbert-v1").stdout
