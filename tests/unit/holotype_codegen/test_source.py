"""Files are read as strict JSON; every fault has its line and column."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.holotype_codegen.catalogues import sentence, text_of, valid_catalogue

from holotype_codegen import source as source_module
from holotype_codegen.report import CatalogueError, Problem
from holotype_codegen.source import parse_source, read_source
from holotype_codegen.syntax import find_syntax_problems


def problems_in(data: bytes | str) -> tuple[Problem, ...]:
    with pytest.raises(CatalogueError) as caught:
        parse_source(data.encode() if isinstance(data, str) else data)
    return caught.value.problems


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


FAULTS = [
    # (what, text, line:column, pointer, words in the message)
    ("empty", "", "1:1", "", "the file is empty"),
    ("only blanks", " \n\n ", "1:1", "", "the file is empty"),
    ("cut off after the opening", "{\n", "2:1", "", "ends inside the object that begins at line 1"),
    ("cut off after a key", '{"a"', "1:5", "", "ends inside the object"),
    ("cut off after a colon", '{"a":', "1:6", "", "ends inside the object"),
    ("cut off after a comma", '{"a": 1,', "1:9", "", "ends inside the object"),
    ("cut off in a list", '{"a": [1,\n 2', "2:3", "/a", "ends inside the list that begins at line"),
    ("cut off in a string", '{"a": "b', "1:7", "", "a string is not closed"),
    ("a line break in a string", '{"a": "b\nc"}', "1:7", "", "a string is not closed on its line"),
    ("a duplicate key", '{"a": 1,\n "a": 2}', "2:2", "/a", 'the key "a" occurs twice'),
    ("a duplicate key, escaped", '{"a": 1, "\\u0061": 2}', "1:10", "/a", "occurs twice"),
    ("a duplicate key within", '{"a": [{"b/": 1, "b/": 1}]}', "1:18", "/a/0/b~1", "occurs twice"),
    ("NaN", '{"a": NaN}', "1:7", "/a", "NaN is not a JSON number"),
    ("Infinity", '{"a": [1, Infinity]}', "1:11", "/a/1", "Infinity is not a JSON number"),
    ("minus Infinity", '{"a": -Infinity}', "1:7", "/a", "-Infinity is not a JSON number"),
    ("a byte order mark", '\ufeff{"a": 1}', "1:1", "", "begins with a byte order mark"),
    ("an integer beyond 2^53", '{"a": 9007199254740993}', "1:7", "/a", "is beyond 2^53"),
    ("a negative one", '{"a": -9007199254740993}', "1:7", "/a", "is beyond 2^53"),
    ("an endless integer", '{"a": ' + "9" * 5000 + "}", "1:7", "/a", "is beyond 2^53"),
    ("a fraction beyond 2^53", '{"a": 1e17}', "1:7", "/a", "is beyond 2^53"),
    ("an overflowing number", '{"a": -1e999}', "1:7", "/a", "is beyond 2^53"),
    ("a null character", '{"a": "b\x00"}', "1:9", "/a", "the control character U+0000"),
    ("a tab as it is", '{"a": "b\t"}', "1:9", "/a", "contains a raw tab"),
    ("an escape sequence", '{"a": "\x1b[1m"}', "1:8", "/a", "the control character U+001B"),
    ("a delete character", '{"a": "\x7f"}', "1:8", "/a", "the control character U+007F"),
    ("a C1 control", '{"a": "\x85"}', "1:8", "/a", "the control character U+0085"),
    ("an escaped control", '{"a": "b\\u0007"}', "1:9", "/a", "the control character \\u0007"),
    ("an escaped carriage return", '{"a": "b\\r\\n"}', "1:9", "/a", "the control character \\r"),
    ("an escaped backspace", '{"a": "\\b"}', "1:8", "/a", "the control character \\b"),
    ("a control in a key", '{"a\\u0000": 1}', "1:4", "", "the control character \\u0000"),
    ("a line separator", '{"a": "b\u2028c"}', "1:9", "/a", "the line separator U+2028"),
    ("a text direction", '{"a": "b\u202ec"}', "1:9", "/a", "the mark of text direction U+202E"),
    ("a lone surrogate", '{"a": "\\ud83d"}', "1:8", "/a", "the lone surrogate \\ud83d"),
    ("a lone low surrogate", '{"a": "x\\uDE00"}', "1:9", "/a", "the lone surrogate \\uDE00"),
    ("surrogates in disorder", '{"a": "\\ude00\\ud83d"}', "1:8", "/a", "the lone surrogate"),
    (
        "an unknown escape",
        '{"a": "\\x"}',
        "1:8",
        "/a",
        "\\x, which is not an escape sequence of JSON",
    ),
    ("a short escape", '{"a": "\\u12"}', "1:8", "/a", "which is not an escape sequence of JSON"),
    ("a nesting bomb", nested(100_000), "1:33", "/0" * 31, "nested more than 32 deep"),
    ("a small nesting bomb", '{"a": ' + nested(32) + "}", "1:38", "/a" + "/0" * 30, "nested more"),
    ("a bomb of objects", '{"a":' * 3000, "1:161", "/a" * 31, "nested more than 32 deep"),
    ("something after the end", '{"a": 1}\n}', "2:1", "", "something follows the end"),
    ("a second catalogue", '{"a": 1}{"a": 1}', "1:9", "", "something follows the end"),
    ("a comma before the brace", '{"a": 1,\n}', "1:8", "", "there is a comma before the closing }"),
    (
        "a comma before the bracket",
        '{"a": [1, ]}',
        "1:9",
        "",
        "there is a comma before the closing ]",
    ),
    ("a missing comma", '{"a": 1\n "b": 2}', "2:2", "", "expected a comma or the closing }"),
    ("a missing colon", '{"a" 1}', "1:6", "", "expected a colon"),
    ("a missing value", '{"a": , "b": 1}', "1:7", "", '"," instead of a value'),
    ("a missing key", "{: 1}", "1:2", "", '":" instead of a key'),
    ("a key without quotes", "{a: 1}", "1:2", "", "write the key in double quotes"),
    ("single quotes", "{\"a\": 'b'}", "1:7", "", "write text in double quotes"),
    ("a comment", '{"a": // one\n 1}', "1:7", "", "delete the comment"),
    ("Python's True", '{"a": True}', "1:7", "/a", "write true"),
    ("a word", '{"a": yes}', "1:7", "/a", "yes is not a JSON value"),
    ("a leading zero", '{"a": 012}', "1:7", "/a", "012 is not a JSON number"),
    ("a plus sign", '{"a": +1}', "1:7", "/a", "+1 is not a JSON number"),
    ("a unit", '{"a": 110M}', "1:7", "/a", "110M is not a JSON number"),
    ("a fraction without digits", '{"a": 1.}', "1:7", "/a", "1. is not a JSON number"),
    ("a number of digits elsewhere", '{"a": ٣}', "1:7", "", "instead of a value"),
    ("a blank that JSON has not", '{"a":\u00a01}', "1:6", "", "instead of a value"),
]


@pytest.mark.parametrize(
    ("text", "place", "pointer", "words"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_fault_of_the_text_is_reported_at_its_place(
    text: str, place: str, pointer: str, words: str
) -> None:
    (problem, *_) = problems_in(text)
    assert f"{problem.line}:{problem.column}" == place
    assert problem.pointer == pointer
    assert words in sentence(problem)
    assert problem.rule == "syntax"


def test_all_faults_that_leave_the_rest_readable_are_reported_at_once() -> None:
    text = '{"a": NaN,\n "a": "\\u0000",\n "b": 1e400,\n "b": [1,],\n "c": True}'
    places = [(problem.line, problem.column) for problem in problems_in(text)]
    assert places == [(1, 7), (2, 2), (2, 8), (3, 7), (4, 2), (4, 9), (5, 7)]


def test_a_flood_of_faults_ends_after_a_thousand() -> None:
    assert len(problems_in("[" + "NaN," * 5000 + "1]")) == 1000


def test_a_fault_within_an_entry_names_the_entry_also_where_the_id_follows_it() -> None:
    (problem,) = problems_in('{"models": [{}, {"name": NaN, "id": "tiny"}]}')
    assert (problem.id, problem.pointer) == ("tiny", "/models/1/name")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"a": "\xff"}', (1, 8)),
        (b'{\n "a": "\xc3\xa9\xe9"}', (2, 9)),
        (b'{"a": "\xed\xa0\x80"}', (1, 8)),
        (b'{"a": "\xc0\x80"}', (1, 8)),
        ('{"a": 1}'.encode("utf-16"), (1, 1)),
    ],
    ids=["a byte", "after a letter", "a surrogate", "an overlong form", "UTF-16"],
)
def test_invalid_utf_8_is_reported_at_its_character(data: bytes, place: tuple[int, int]) -> None:
    (problem,) = problems_in(data)
    assert (problem.line, problem.column) == place
    assert "is not UTF-8" in problem.found


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "tab \\t, line \\n, slash \\/, quote \\", backslash \\\\u0000"}',
        '{"a": "\\u00e9 \\u2019 \\t"}',
        '{"a": "\\ud83d\\ude00 😀"}',
        '{"a": 9007199254740992, "b": -9007199254740992, "c": 1e-400, "d": 0.1}',
        '{"a": "bébé\u200d"}\r\n',
        '{"a": ' + nested(31) + "}",
        '{"a": {"b": 1}, "b": {"a": 1}}',
    ],
)
def test_what_is_strict_json_is_read_as_python_reads_it(text: str) -> None:
    assert parse_source(text.encode()).value == json.loads(text)


def test_a_source_keeps_bytes_text_and_digest() -> None:
    data = text_of(valid_catalogue()).encode()
    source = parse_source(data, "catalogue.json")
    assert (source.file, source.data, source.text) == ("catalogue.json", data, data.decode())
    assert source.sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_is_read_under_the_path_that_a_terminal_can_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models.json").write_text('{"a": 1}')
    monkeypatch.chdir(tmp_path)
    assert read_source(tmp_path / "data" / "models.json").file == "data/models.json"
    monkeypatch.chdir(tmp_path / "data")
    elsewhere = tmp_path / "data" / ".." / "data" / "models.json"
    assert read_source(elsewhere).file == "models.json"


def test_a_file_that_cannot_be_read_is_a_catalogue_error(tmp_path: Path) -> None:
    for path, words in [
        (tmp_path / "none.json", "there is no such file"),
        (tmp_path, "cannot be read"),
        (tmp_path / "models.json\0", "cannot be read"),
        (tmp_path / ("x" * 5000), "cannot be read"),
    ]:
        with pytest.raises(CatalogueError) as caught:
            read_source(path)
        (problem,) = caught.value.problems
        assert (problem.line, problem.column, problem.rule) == (1, 1, "file")
        assert words in problem.found


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "MAX_BYTES", 10)
    path = tmp_path / "models.json"
    path.write_text('{"a": "bcdefg"}')
    with pytest.raises(CatalogueError, match="the file has 15 bytes"):
        read_source(path)


TEXT = """{
  "a": {"b": [10, {"c/d": "e", "~": null}]},
  "f": "g"
}"""


@pytest.mark.parametrize(
    ("pointer", "value", "key"),
    [
        ("", "1:1", "1:1"),
        ("/a", "2:8", "2:3"),
        ("/a/b", "2:14", "2:9"),
        ("/a/b/0", "2:15", "2:15"),
        ("/a/b/1", "2:19", "2:19"),
        ("/a/b/1/c~1d", "2:27", "2:20"),
        ("/a/b/1/~0", "2:37", "2:32"),
        ("/f", "3:8", "3:3"),
        ("/a/none", "2:8", "2:8"),
        ("/a/b/2/none", "2:14", "2:14"),
        ("/f/none", "3:8", "3:8"),
    ],
)
def test_pointers_are_located_or_else_what_they_would_stand_in(
    pointer: str, value: str, key: str
) -> None:
    source = parse_source(TEXT.encode())
    assert "{}:{}".format(*source.locate(pointer)) == value
    assert "{}:{}".format(*source.locate_key(pointer)) == key


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-(2.0**53), 2.0**53)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cf"))),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b/", "~", "", "é"]), children, max_size=4)
    ),
    max_leaves=12,
)


@given(value=JSON_VALUES, indent=st.none() | st.integers(0, 3), ascii_only=st.booleans())
def test_every_value_that_json_writes_strictly_is_read_back(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert find_syntax_problems(text, "models.json") == ()
    assert parse_source(text.encode()).value == value


@given(st.text(st.sampled_from('{}[]:,"\\ \n\tau0e1.-+d8trunlfs\x00\u2028😀'), max_size=24))
@example("[1e5, 1E+5, -0, 0.5e-3]")
@example('["\\')
@example("-")
def test_what_the_strict_reader_lets_pass_python_reads_and_the_other_way_round(text: str) -> None:
    problems = find_syntax_problems(text, "models.json")
    try:
        json.loads(text)
    except ValueError:
        assert problems
    if not problems:
        assert parse_source(text.encode()).value == json.loads(text)
    else:
        assert problems_in(text) == problems


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_is_no_regular_file_is_refused_and_never_read(tmp_path: Path, what: str) -> None:
    path = Path("/dev/zero") if what == "device" else tmp_path / "pipe"
    if what == "pipe":
        os.mkfifo(path)
    with pytest.raises(CatalogueError, match="this is a pipe or a device; expected a regular file"):
        read_source(path)
