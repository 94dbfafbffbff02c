"""Every value becomes a Python expression that gives the value back."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype_codegen.literals import Call, Name, assignment, docstring, literal, opening, subscript

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(SCALARS | TEXT, lambda inner: st.lists(inner, max_size=5), max_leaves=20)


def as_tuples(value: object) -> object:
    """Lists are written as tuples."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


@given(VALUES, st.integers(20, 120))
def test_a_literal_evaluates_to_its_value(value: object, width: int) -> None:
    assert ast.literal_eval(literal(value, width=width)) == as_tuples(value)


@given(TEXT)
def test_a_docstring_evaluates_to_its_text(text: str) -> None:
    rendered = docstring(text)
    assert "\n" not in rendered
    assert ast.literal_eval(rendered) == text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ('it\'s "both"', "'it\\'s \"both\"'"),
        ("a\\b\n", '"a\\\\b\\n"'),
        ("\x00\x1b\u200b", '"\\x00\\x1b\\u200b"'),
        ("クエリ", '"クエリ"'),
    ],
)
def test_strings_are_quoted_as_a_formatter_would(text: str, quoted: str) -> None:
    assert literal(text) == quoted


def test_large_integers_are_grouped() -> None:
    assert literal(9999) == "9999"
    assert literal(109482240) == "109_482_240"


def test_names_and_calls_are_written_as_they_are() -> None:
    call = Call("Variant", {"id": "int8", "kind": Name("Kind.A")})
    assert literal(call) == 'Variant(id="int8", kind=Kind.A)'
    assert literal(call, width=20) == 'Variant(\n    id="int8",\n    kind=Kind.A,\n)'


def test_a_value_without_a_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="there is no Python literal for set"):
        literal({1})


def test_the_formatter_leaves_what_is_laid_out_alone(tmp_path: Path) -> None:
    """The examples are files of their own, which one process reads."""

    @given(st.lists(st.lists(TEXT, min_size=1, max_size=5), min_size=5), st.sampled_from([88, 100]))
    def write(rows: list[list[str]], width: int) -> None:
        folder = tmp_path / str(width)
        folder.mkdir(exist_ok=True)
        (folder / f"{len(list(folder.iterdir()))}.py").write_text(laid_out(rows, width), "utf-8")

    write()
    for folder in sorted(tmp_path.iterdir()):
        ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--diff"]
        command = [*ruff, "--line-length", folder.name, str(folder)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def laid_out(rows: list[list[str]], width: int) -> str:
    """Return a module of constants with these texts."""
    lines = []
    for number, texts in enumerate(rows):
        name = f"CONSTANT_{number}" + "_X" * (number % 20)
        quoted = [literal(text) for text in texts]
        lines += [
            assignment(f"{name}: Final", texts[0], width=width),
            f"{name}: T = {subscript('Literal', quoted, before=len(name) + 6, width=width)}",
            opening(name, "_Dense256To1024", "DenseModel", width=width),
            f"    value={literal(texts, indent=4, before=7, width=width)},",
            ")",
            docstring(texts[0]),
        ]
    return "\n".join(lines) + "\n"
