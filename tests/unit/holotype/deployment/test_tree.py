"""What YAML and JSON texts say, where it stands, and which texts are refused."""

from __future__ import annotations

import importlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.deployment.problems import Problem, Report
from holotype.deployment.tree import (
    MAX_ALIASES,
    MAX_BYTES,
    MAX_DEPTH,
    Node,
    parse_tree,
)
from holotype.errors import MissingExtraError

# Without @, no text looks like an address with a password.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="@")


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: plain(member.node) for name, member in node.value.items()}
    return [plain(each) for each in node.value] if isinstance(node.value, list) else node.value


def parsed(text: str) -> Any:
    report = Report()
    root = parse_tree(text, "d.yaml", report)
    assert root is not None, report.problems
    assert report.problems == ()
    return plain(root)


def refused(text: str) -> Problem:
    report = Report()
    parse_tree(text, "d.yaml", report)
    (problem,) = report.problems
    return problem


def test_words_and_dates_and_times_are_text() -> None:
    text = "[no, yes, on, off, y, 12:30:45, 2026-11-27, =, 1.2.3, '5', \"true\", .]"
    assert parsed(text) == [
        *("no", "yes", "on", "off", "y", "12:30:45", "2026-11-27", "=", "1.2.3", "5", "true", "."),
    ]


def test_numbers_booleans_and_nothing_are_those_of_json() -> None:
    assert parsed("[0, -7, 1.5, 1E5, .5, true, False, null, ~]\n") == [
        *(0, -7, 1.5, 1e5, 0.5, True, False, None, None),
    ]
    assert parsed("a:\nb: ''\n") == {"a": None, "b": ""}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(CHARACTERS, max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3)
        ),
        max_leaves=10,
    ),
    st.sampled_from([None, 2, "\t"]),
    st.booleans(),
)
def test_json_is_read_as_json_reads_it(value: Any, indent: Any, ascii_only: bool) -> None:
    # Written in full, some characters are not allowed in YAML.
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if not ascii_only and not all(each.isprintable() or each in "\n\t" for each in text):
        text = json.dumps(value, indent=indent)
    assert parsed(text) == value


def test_a_value_and_a_key_know_their_place() -> None:
    report = Report()
    root = parse_tree('models:\n  "a/b":\n    - {x~y:   5}\n', "d.yaml", report)
    assert root is not None
    (node,) = [each for each in root.walk() if each.value == 5]
    assert (node.file, node.line, node.column) == ("d.yaml", 3, 15)
    assert node.pointer == "/models/a~1b/0/x~0y"
    (key,) = [each for each in root.walk() if each.value == "x~y"]
    assert (key.line, key.column, key.pointer) == (3, 8, node.pointer)


def test_a_key_that_stands_twice_is_found_with_its_first_line() -> None:
    problem = refused("a: 1\nb: 2\na: 3\n")
    assert (problem.line, problem.column, problem.pointer) == (3, 1, "/a")
    assert "first in line 1" in problem.found


def test_every_key_that_stands_twice_is_found() -> None:
    report = Report()
    parse_tree("a: 1\na: 2\nb: {c: 1, c: 2}\n", "d.yaml", report)
    assert [each.pointer for each in report.problems] == ["/a", "/b/c"]


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("012", 'put it in quotes: "012"'),
        ("1", 'put it in quotes: "1"'),
        ("true", 'put it in quotes: "true"'),
        ("? [a]", "write a name"),
    ],
)
def test_a_key_that_is_no_text_is_refused(key: str, action: str) -> None:
    assert refused(f"{key}: 1\n" if "?" not in key else f"{key}\n: 1\n").action == action


def test_merge_keys_are_refused_with_what_to_write() -> None:
    assert "under defaults" in refused("a: &a {b: 1}\nc: {<<: *a}\n").action


def test_tags_are_refused() -> None:
    assert refused("a: !!python/object:os.system x\n").action == "delete the tag"
    assert parsed("a: !!str 5\n") == {"a": "5"}


def test_an_alias_repeats_a_value_at_the_place_where_it_is_written() -> None:
    report = Report()
    root = parse_tree("a: &x {b: 5}\nc: *x\n", "d.yaml", report)
    assert root is not None
    assert plain(root) == {"a": {"b": 5}, "c": {"b": 5}}
    repeated = root.get("c")
    assert repeated is not None
    assert repeated.pointer == "/a"


@pytest.mark.parametrize("text", ["a: *x\n", "a: &x [*x]\n", "a: &x {b: *x}\n"])
def test_an_alias_of_nothing_or_of_what_is_around_it_is_refused(text: str) -> None:
    assert "*x stands" in refused(text).found


def test_aliases_that_multiply_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    start = time.process_time()
    problem = refused("\n".join(lines))
    assert "values, counting each use of an alias" in problem.found
    assert time.process_time() - start < 2


def test_too_many_aliases_are_refused() -> None:
    problem = refused("a: &a x\nb: [" + "*a, " * (MAX_ALIASES + 1) + "]")
    assert "aliases" in problem.found


@pytest.mark.parametrize(("opener", "n"), [("[", 100_000), ("{a: ", 50_000), ("- ", 50_000)])
def test_deep_nesting_is_refused_at_once(opener: str, n: int) -> None:
    start = time.process_time()
    assert f"more than {MAX_DEPTH} deep" in refused(opener * n).found
    assert time.process_time() - start < 2


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    assert f"{MAX_BYTES:,} bytes" in refused("#" + "é" * (MAX_BYTES // 2) + "\n[").found


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a: [1\nb: 2", 2, 2, "quotes|correct"),
        ("a: 1\n\tb: 2", 2, 1, "spaces"),
        ("a: b: c", 1, 5, "colon"),
        ("a: 'x", 1, 6, "correct"),
        ("a: \x00", 1, 4, "correct"),
        ("ab: 1\nc: \x07", 2, 4, "correct"),
        ("a: @b", 1, 4, "correct"),
        ("a: %b", 1, 4, "correct"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_place(
    text: str, line: int, column: int, word: str
) -> None:
    problem = refused(text)
    assert (problem.line, problem.column) == (line, column)
    assert any(each in problem.action for each in word.split("|"))
    assert problem.rule == "syntax"


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "\ufeff"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert refused(text).found == "the file is empty"


def test_a_second_document_is_refused_with_its_line() -> None:
    problem = refused("a: 1\n---\nb: 2\n")
    assert (problem.line, problem.found) == (2, "a second document begins here")


@pytest.mark.parametrize(
    "secret",
    [
        "hf_" + "a1" * 17,
        "AKIAIOSFODNN7EXAMPLE",
        "https://me:pass@example.org/x",
        "s3://b/p?X-Amz-Signature=abc",
        "ghp_" + "a" * 36,
        "'-----BEGIN RSA PRIVATE KEY-----'",
    ],
)
def test_a_credential_is_refused_and_never_shown(secret: str) -> None:
    for text in (f"a: {{b: {secret}}}\n", f"a: {{{secret}: b}}\n"):
        problem = refused(text)
        assert problem.rule == "credentials"
        assert secret.strip("'") not in str(problem)


@given(
    st.text(max_size=60)
    | st.text(st.sampled_from("ab:-[]{}*&!|>'\"#%@`\n \t,?~<0.5e\\"), max_size=40)
)
def test_any_text_is_read_or_refused_in_order(text: str) -> None:
    report = Report()
    root = parse_tree(text, "d.yaml", report)
    assert root is not None or report.problems


def test_without_ruamel_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[pool\]'"):
        parse_tree("a: 1", "d.yaml", Report())


def test_addresses_and_words_are_no_credentials() -> None:
    assert (
        len(parsed("[https://example.org/a@b, 's3://b/p', me@example.org, token, 'password: x']"))
        == 5
    )
