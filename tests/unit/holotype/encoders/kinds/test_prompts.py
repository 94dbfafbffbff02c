"""Prompts and the instructions within them."""

from __future__ import annotations

import pytest

from holotype.encoders.kinds.prompts import Prompt, is_filled
from holotype.errors import InstructionError


def test_a_plain_prompt_is_put_before_every_text() -> None:
    assert Prompt("query: ").fill("tiny", None) == "query: "


def test_an_instruction_fills_a_template() -> None:
    prompt = Prompt("Instruct: {instruction}\nQuery: ")
    assert prompt.fill("tiny", "sort {these}") == "Instruct: sort {these}\nQuery: "


def test_the_authors_own_instruction_stands_in_for_a_missing_one() -> None:
    prompt = Prompt("Instruct: {instruction}\n", filled="Instruct: find\n")
    assert prompt.fill("tiny", None) == "Instruct: find\n"
    assert prompt.fill("tiny", "") == "Instruct: \n"


def test_a_missing_instruction_is_an_error_that_shows_the_prompt() -> None:
    with pytest.raises(InstructionError, match=r"'Instruct: \{instruction\}'.*pass instruction="):
        Prompt("Instruct: {instruction}").fill("tiny", None)


def test_an_instruction_without_a_place_is_an_error() -> None:
    with pytest.raises(InstructionError, match="leave instruction= out"):
        Prompt("query: ").fill("tiny", "sort")


@pytest.mark.parametrize(
    ("template", "prompt", "expected"),
    [
        ("Instruct: {instruction}\nQuery: ", "Instruct: a\nb\nQuery: ", True),
        ("Instruct: {instruction}\nQuery: ", "Instruct: \nQuery: ", True),
        ("Instruct: {instruction}\nQuery: ", "Instruct: a\nQuery:", False),
        ("Instruct: {instruction}", "Task: a", False),
        ("(.*){instruction}", "anything", False),
        ("query: ", "query: ", False),
    ],
)
def test_a_prompt_is_recognised_as_a_filled_template(
    template: str, prompt: str, expected: bool
) -> None:
    assert is_filled(template, prompt) is expected
