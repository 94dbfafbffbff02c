"""The values of a YAML or JSON text, each with its place.

A tree is built from the parser's events, one by one, so that nesting, aliases and size are bounded
while the text is read. Scalars are those of YAML 1.2: ``no`` is text, and so is a date.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from holotype.deployment.problems import Report, quote, refuse_credentials
from holotype.errors import MissingExtraError, one_line

MAX_BYTES = 1_048_576
"""The longest text."""
MAX_DEPTH = 16
"""The deepest nesting of mappings and lists; a deployment needs 7."""
MAX_ALIASES = 1_000
"""The most aliases in one text."""
MAX_VALUES = 200_000
"""The most values, where those that an alias repeats count each time."""

Scalar: TypeAlias = str | int | float | bool | None

PLAIN_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
"""A whole number that all readers read alike: without padding, underscores or another base."""

_ODD_INTEGER = re.compile(r"[-+]?0[0-9_]+|[-+]?[0-9]+(?:_[0-9]+)+|0[xob][0-9a-fA-F_]+")
_LONGEST_INTEGER = 60
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CREDENTIAL = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|://[^/\s]+@|[?&][\w-]*(?i:signature|token)="
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{32,}"
    r"|\bAIza[\w-]{35}\b"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True, eq=False)
class Node:
    """A value and its place.

    Attributes:
        file: the name of the file.
        line: the line, from 1.
        column: the column in characters, from 1.
        pointer: the JSON pointer in the file.
        value: text, a number, a boolean, None, a list of nodes, or a mapping of members.
        written: a scalar as it is written, without quotes; empty for others.
        model: the name of the model that it belongs to; None outside of the models.
        n_values: how many values it holds, with itself.
        is_credential: whether it was one; its value is not kept.
        has_lost_keys: whether it is a mapping with keys that were refused.
    """

    file: str
    line: int
    column: int
    pointer: str = ""
    value: Scalar | list[Node] | dict[str, Member] = None
    written: str = ""
    model: str | None = None
    n_values: int = 1
    is_credential: bool = False
    has_lost_keys: bool = False

    def get(self, name: str) -> Node | None:
        """Return the value of a key; None if this is no mapping, or has no such key."""
        member = self.value.get(name) if isinstance(self.value, dict) else None
        return None if member is None else member.node

    @property
    def label(self) -> str:
        """The name of the value: its key in quotes, with its place in a list: `"labels"[2]`."""
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in self.pointer.split("/")]
        places = ""
        while len(tokens) > 2 and tokens[-1].isdecimal():
            places = f"[{tokens.pop()}]{places}"
        return f"{quote(tokens[-1])}{places}" if tokens[-1] else "the file"

    def moved(self, value: Scalar | list[Node] | dict[str, Member], written: str = "") -> Node:
        """Return another value at the same place."""
        return Node(self.file, self.line, self.column, self.pointer, value, written, self.model)

    def walk(self) -> Iterator[Node]:
        """Yield this node and every one below it, keys included, each once."""
        waiting, seen = [self], set[int]()
        while waiting:
            node = waiting.pop()
            if id(node) not in seen:
                seen.add(id(node))
                yield node
                if isinstance(node.value, dict):
                    for member in node.value.values():
                        waiting += [member.key, member.node]
                elif isinstance(node.value, list):
                    waiting += node.value


@dataclass(slots=True, eq=False)
class Member:
    """A member of a mapping: the place of its key, and its value."""

    key: Node
    node: Node


@dataclass(slots=True)
class _Open:
    """A mapping or a list whose reading is in progress."""

    node: Node
    anchor: str | None
    key: Node | None = None
    n_skipped: int = field(default=0)


class _StopReading(Exception):  # noqa: N818 - not an error of the caller's, but the end of a text
    """The rest of the text is not worth reading."""


def parse_tree(text: str, file: str, report: Report) -> Node | None:
    """Return the values of a YAML or JSON text; None if it cannot be read to its end.

    Keys that stand twice, tags and credentials are reported, and reading goes on.

    Raises:
        MissingExtraError: ruamel.yaml is not installed.
    """
    try:
        yaml: Any = importlib.import_module("ruamel.yaml")
    except ModuleNotFoundError:
        raise MissingExtraError("pool", "ruamel.yaml", "reading a deployment") from None
    whole = Node(file, 1, 1)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        report.add(
            whole,
            f"the file has more than {MAX_BYTES:,} bytes",
            "expected a deployment, which has a few thousand",
            "look for what does not belong there, or split it into several files in a folder",
            rule="file",
        )
        return None
    builder = _Builder(file, report)
    try:
        for event in yaml.YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except _StopReading:
        return None
    except yaml.error.YAMLError as error:
        report.add(*_syntax(error, text, file), rule="syntax")
        return None
    if builder.root is None:
        report.add(
            whole,
            "the file is empty",
            "expected a deployment",
            'begin with version: "1.0" and models:',
            rule="file",
        )
    return builder.root


def _syntax(error: Any, text: str, file: str) -> tuple[Node, str, str, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    else:
        before = text[: getattr(error, "position", 0) or 0]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is unreadable"
    found = one_line(str(what))
    action = "correct what stands here or just before it"
    if "\\t" in found:
        action = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in found:
        action = "put a text with a colon in quotes, or correct the indentation"
    return Node(file, line, column), f"this is not YAML: {found}", "expected YAML or JSON", action


class _Builder:
    """Builds one tree from events."""

    def __init__(self, file: str, report: Report) -> None:
        self.root: Node | None = None
        self.report = report
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._n_aliases = 0
        self._n_values = 0
        self._n_documents = 0

    def take(self, event: Any) -> None:
        """Take the next event."""
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "MappingStartEvent":
                self._start(event, {})
            case "SequenceStartEvent":
                self._start(event, [])
            case "MappingEndEvent" | "SequenceEndEvent":
                self._end()
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self._document(event)

    def _document(self, event: Any) -> None:
        self._n_documents += 1
        if self._n_documents > 1:
            self._stop(
                self._node(event),
                "a second document begins here",
                "expected one document in a file",
                "delete the line ---, or make a file of each in a folder",
            )

    def _scalar(self, event: Any) -> None:
        node = self._node(event)
        node.written = event.value
        self._refuse_tag(event, node)
        if _CREDENTIAL.search(event.value):
            node.is_credential = True
            node.value = node.written = "***"
            refuse_credentials(node, "the value looks like a credential", self.report)
        elif not event.implicit[0]:
            node.value = self._text(event.value, node)
        elif event.value in _WORDS:
            node.value = _WORDS[event.value]
        elif PLAIN_INTEGER.fullmatch(event.value) and len(event.value) < _LONGEST_INTEGER:
            node.value = int(event.value)
        elif _ODD_INTEGER.fullmatch(event.value):
            # Readers of YAML disagree on its value; no field takes it.
            node.value = 0
        elif _FLOAT.fullmatch(event.value) or _NOT_FINITE.fullmatch(event.value):
            node.value = float(event.value.replace(".inf", "inf").replace(".nan", "nan").lower())
        else:
            node.value = self._text(event.value, node)
        self._remember(event.anchor, node)
        self._put(node)

    def _text(self, text: str, node: Node) -> str:
        """Return a text whose characters beyond the first plane JSON has written in halves."""
        if not any("\ud800" <= character <= "\udfff" for character in text):
            return text
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.report.add(
                node,
                "the text holds half a character",
                "expected whole characters",
                r"write both halves, such as \ud83d\ude00, or the character itself",
                rule="syntax",
            )
            return text.encode("utf-8", "replace").decode()

    def _refuse_tag(self, event: Any, node: Node) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in ("tag:yaml.org,2002:str", "!"):
            self.report.add(
                node,
                f"the value has the tag {quote(str(tag))}",
                "expected values without tags",
                "delete the tag",
                rule="syntax",
            )

    def _start(self, event: Any, value: list[Node] | dict[str, Member]) -> None:
        node = self._node(event)
        self._refuse_tag(event, node)
        node.value = value
        if len(self._stack) == MAX_DEPTH:
            self._stop(
                node,
                f"mappings and lists are nested more than {MAX_DEPTH} deep",
                "expected a deployment, which is 7 deep at most",
                "look for brackets that never close",
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self._stack.pop()
        children = done.node.value
        if isinstance(children, dict):
            done.node.n_values += sum(member.node.n_values for member in children.values())
        elif isinstance(children, list):
            done.node.n_values += sum(child.n_values for child in children)
        self._remember(done.anchor, done.node)
        self._put(done.node)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _alias(self, event: Any) -> None:
        here = self._node(event)
        self._n_aliases += 1
        if self._n_aliases > MAX_ALIASES:
            self._stop(
                here,
                f"there are more than {MAX_ALIASES:,} aliases",
                "expected a few",
                "write the values out, or put them under defaults",
            )
        node = self._anchors.get(event.anchor)
        if node is None:
            is_open = event.anchor in self._anchors
            self._stop(
                here,
                f"the alias *{one_line(event.anchor)} stands "
                + ("within what it names" if is_open else "for nothing"),
                f"expected an earlier value with the anchor &{one_line(event.anchor)}",
                "correct the name, or write the value out",
            )
        assert node is not None
        self._count(node.n_values, here)
        self._put(node)

    def _put(self, node: Node) -> None:
        """Give a finished node to what is open around it."""
        if not self._stack:
            self.root = node
            return
        around = self._stack[-1]
        if isinstance(around.node.value, list):
            around.node.value.append(node)
        elif around.key is None:
            around.key = node
        else:
            self._put_member(around, around.key, node)
            around.key = None

    def _put_member(self, around: _Open, key: Node, node: Node) -> None:
        members = around.node.value
        assert isinstance(members, dict)
        key.pointer = child_pointer(around.node.pointer, key.written)
        if not isinstance(key.value, str):
            around.node.has_lost_keys = True
            self._refuse_key(key)
        elif key.value == "<<" and key.written == "<<":
            self.report.add(
                key,
                "the key << merges mappings",
                "expected keys of a deployment",
                "write the keys out, or put what models share under defaults",
                rule="syntax",
            )
        elif key.value in members:
            line = members[key.value].key.line
            self.report.add(
                key,
                f"the key {quote(key.value)} stands twice in one mapping, first in line {line}",
                "expected each key once: most readers of YAML keep one of the two and tell nobody",
                "delete one of them",
                rule="syntax",
            )
        else:
            members[key.value] = Member(key, node)

    def _refuse_key(self, key: Node) -> None:
        if isinstance(key.value, list | dict):
            found, action = "a key is a list or a mapping", "write a name"
        else:
            found = f"the key {one_line(key.written)} is read as {describe(key)}"
            action = f'put it in quotes: "{one_line(key.written)}"'
        self.report.add(key, found, "expected a text for a key", action, rule="syntax")

    def _node(self, event: Any) -> Node:
        mark = event.start_mark
        node = Node(self._file, mark.line + 1, mark.column + 1, self._next_pointer())
        self._count(1, node)
        return node

    def _next_pointer(self) -> str:
        if not self._stack:
            return ""
        around = self._stack[-1]
        if isinstance(around.node.value, list):
            return f"{around.node.pointer}/{len(around.node.value)}"
        if around.key is None:
            return around.node.pointer
        return child_pointer(around.node.pointer, around.key.written)

    def _count(self, number: int, node: Node) -> None:
        self._n_values += number
        if self._n_values > MAX_VALUES:
            self._stop(
                node,
                f"there are more than {MAX_VALUES:,} values, counting each use of an alias",
                "expected a deployment, which has a few hundred",
                "write out what the aliases stand for, or split the file",
            )

    def _stop(self, node: Node, found: str, expected: str, action: str) -> None:
        self.report.add(node, found, expected, action, rule="syntax")
        raise _StopReading


def child_pointer(pointer: str, key: str) -> str:
    """Return the pointer of a member of the mapping at `pointer` (RFC 6901)."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def describe(node: Node) -> str:
    """Say what a value is: `the text "110M"`, `a list`."""
    match node.value:
        case None:
            return "empty"
        case bool():
            return "true" if node.value else "false"
        case str():
            return f"the text {quote(node.value)}"
        case int() | float():
            return f"the number {one_line(node.written)[:60]}"
        case list():
            return "a list" if node.value else "an empty list"
        case _:
            return "a mapping" if node.value or node.has_lost_keys else "an empty mapping"
