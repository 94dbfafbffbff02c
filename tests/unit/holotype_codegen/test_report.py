"""Problems are written as one line each for people, and as JSON for machines."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace

from holotype_codegen.report import CatalogueError, Problem, format_json, format_text, quote_json

PROBLEM = Problem(
    file="models.json",
    line=3,
    column=7,
    id="tiny",
    pointer="/models/0/name",
    found="found",
    expected="expected",
    action="action",
    rule="type",
)


def test_a_line_has_place_id_pointer_and_three_parts() -> None:
    assert (
        format_text([PROBLEM, PROBLEM]).splitlines()
        == ["models.json:3:7: tiny: /models/0/name: found; expected; action"] * 2
    )


def test_what_has_no_id_or_no_pointer_keeps_the_columns_of_the_line() -> None:
    line = format_text([replace(PROBLEM, id=None, pointer="")])
    assert line == "models.json:3:7: -: /: found; expected; action"


def test_ids_and_pointers_cannot_break_the_line() -> None:
    line = format_text([replace(PROBLEM, id="a\nb", pointer="/\x1b[1m\u202e")])
    assert line == r"models.json:3:7: a\u000ab: /\u001b[1m\u202e: found; expected; action"


def test_json_holds_every_field_of_every_problem() -> None:
    (written,) = json.loads(format_json([PROBLEM]))["problems"]
    assert Problem(**written) == PROBLEM
    assert json.loads(format_json([])) == {"problems": []}


def test_json_is_ascii_so_that_any_terminal_can_carry_it() -> None:
    assert format_json([replace(PROBLEM, found="é\ud800")]).isascii()


def test_an_error_lists_its_problems_and_counts_them() -> None:
    error = CatalogueError([PROBLEM, replace(PROBLEM, file="other.json")])
    assert str(error).splitlines()[-1] == "2 problems in models.json, other.json"
    assert str(CatalogueError([PROBLEM])).endswith("\n1 problem in models.json")


def test_an_error_can_be_pickled_and_copied() -> None:
    error = CatalogueError([PROBLEM])
    assert pickle.loads(pickle.dumps(error)).problems == (PROBLEM,)
    assert copy.copy(error).problems == (PROBLEM,)


def test_long_and_unprintable_values_are_quoted_on_one_short_line() -> None:
    assert quote_json("a\n\x9bé") == r'"a\n\u009bé"'
    assert quote_json({"a": [None, True]}) == '{"a": [null, true]}'
    assert len(quote_json("x" * 500)) == 60
    assert quote_json("x" * 500).endswith("…")
