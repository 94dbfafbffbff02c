"""Text as Markdown, against a renderer of the kind that GitHub uses."""

from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from holotype.cli import markdown

RENDERER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
LINES = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1)


def text_of(rendered: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", rendered)).split())


def cells(rendered: str) -> list[str]:
    return [text_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", rendered, re.DOTALL)]


@given(LINES)
@example("a | b")
@example("<script>alert(1)</script>")
@example("snake_case and _emphasis_ and **bold** and ~~struck~~")
@example("[link](https://example.com) &amp; ![image](x)")
@example("ends in a backslash \\")
def test_any_text_stays_itself_within_a_cell(text: str) -> None:
    source = markdown.table(["a", "b"], [[markdown.escape(text), "end"]], right=[1])
    rendered = RENDERER.render(source)
    assert cells(rendered) == [" ".join(text.split()), "end"]
    assert "<script" not in rendered


@given(LINES)
@example("# no heading")
@example("1. no list")
@example("- no list")
@example("---")
@example("===")
@example("+ no list")
@example("> no quote")
@example("    no code")
@example("2) no list")
def test_any_text_stays_itself_as_a_paragraph(text: str) -> None:
    rendered = RENDERER.render(markdown.paragraph(text))
    plain = " ".join(text.split())
    assert text_of(rendered) == plain
    assert rendered.count("<p>") == (1 if plain else 0)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
@example("<|im_start|>")
@example("`ticks` ``more``")
@example("a\\|b")
def test_code_stays_itself_within_a_cell(text: str) -> None:
    source = markdown.table(["a", "b"], [[markdown.code(text), "end"]], right=[])
    assert cells(RENDERER.render(source)) == [text, "end"]


def test_an_anchor_is_what_github_makes_of_a_heading() -> None:
    anchors = markdown.Anchors()
    assert anchors.add("ColBERT models") == "colbert-models"
    assert anchors.add("bge-base-en-v1.5") == "bge-base-en-v15"
    assert anchors.add("bge-base-en-v15") == "bge-base-en-v15-1"
    assert anchors.add("Models of the kind image-text") == "models-of-the-kind-image-text"
