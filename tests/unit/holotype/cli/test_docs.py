"""`holotype docs` on the fixture catalogue."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import FIXTURE, run

from holotype.catalogue import natural_key
from holotype.cli.catalogues import open_catalogue
from holotype.cli.family_pages import families, family_pages
from holotype.cli.markdown import Anchors
from holotype.cli.models_page import FOLDER, models_page


@pytest.fixture(scope="module")
def text() -> str:
    return models_page(open_catalogue(FIXTURE))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return family_pages(open_catalogue(FIXTURE))


@pytest.fixture(scope="module")
def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def headings(tokens: list[Token], tag: str) -> list[str]:
    return [
        after.content
        for token, after in pairwise(tokens)
        if token.type == "heading_open" and token.tag == tag
    ]


def section(pages: dict[str, str], model_id: str) -> str:
    text = "\n".join(pages.values())
    found = re.search(rf"^## {re.escape(model_id)}$(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert found
    return found[1]


def test_every_model_has_a_line_in_a_table_that_leads_to_its_section(
    text: str, pages: dict[str, str]
) -> None:
    for record in small.MODEL_REGISTRY:
        line = re.search(rf"^\| \[{re.escape(record.id)}\]\(([^#]*)#([^)]*)\)", text, re.M)
        assert line
        about = pages[line[1].removeprefix(f"{FOLDER}/")]
        anchors = Anchors()
        targets = {
            anchors.add(heading): heading for heading in re.findall(r"^#+ (.*)$", about, re.M)
        }
        assert targets[line[2]] == record.id


def test_every_model_stands_in_one_family(pages: dict[str, str]) -> None:
    found = [record.id for family in families(open_catalogue(FIXTURE)) for record in family.records]
    assert sorted(found) == sorted(record.id for record in small.MODEL_REGISTRY)
    assert len(pages) == len(families(open_catalogue(FIXTURE)))


def test_the_rows_of_a_table_are_sorted_by_name(text: str) -> None:
    for chapter in text.split("\n## ")[1:]:
        ids = re.findall(r"^\| \[([^\]]*)\]\(docs", chapter, re.M)
        assert ids == sorted(ids, key=natural_key)


def test_numbers_in_names_are_sorted_by_size() -> None:
    assert sorted(["ruri-130m", "ruri-30m"], key=natural_key) == ["ruri-30m", "ruri-130m"]


def test_models_are_grouped_by_kind_with_known_kinds_first(tokens: list[Token]) -> None:
    assert headings(tokens, "h2") == [
        "Dense models",
        "ColBERT models",
        "Sparse models",
        "Cross-encoders",
        "Classifiers",
        "Image-text models",
        "Captioners",
        "Models of the kind text-to-speech",
        "Deprecated models",
        "Families",
        "Sources",
    ]


def test_a_deprecated_model_stands_apart(text: str) -> None:
    assert text.index("## Deprecated models") < text.index("[2d-dense]")


def test_every_link_within_the_page_leads_to_a_heading(text: str, tokens: list[Token]) -> None:
    anchors = Anchors()
    targets = {anchors.add(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)}
    links = re.findall(r"\]\(#([^)]*)\)", text)
    assert links
    assert set(links) <= targets


def test_a_section_tells_how_to_import_the_model_and_where_each_value_comes_from(
    pages: dict[str, str],
) -> None:
    about = section(pages, "tiny-dense-v1.5")
    assert "`from tests.golden.small_models import TINY_DENSE_V1_5`" in about
    assert "[acme/tiny-dense-v1.5](https://huggingface.co/acme/tiny-dense-v1.5)" in about
    assert "| `pooling` | cls | hub: 1_Pooling/config.json |" in about
    assert '| `query_prompt` | `"Instruct: {instruction}\\nQuery: "` | fixture |' in about
    assert "| `document_prompt` | none | fixture |" in about
    assert "| `license` | apache-2.0 | fixture |" in about


def test_a_section_says_what_is_not_known(pages: dict[str, str]) -> None:
    assert "Unknown: `requires_remote_code`, `ms_marco_mrr10`." in section(pages, "tiny-dense-v1.5")
    assert "Unknown: `context_length`, `parameters`, " in section(pages, "2d-dense")
    assert "licence unknown" in section(pages, "2d-dense")


def test_a_static_model_does_not_lack_what_only_a_network_has() -> None:
    pages = family_pages(open_catalogue("holotype.models"))
    (told,) = re.findall("Unknown: .*", section(pages, "potion-base-8m"))
    assert "dtype" in told
    assert "layers" not in told
    assert "hidden_dim" not in told


def test_every_table_has_as_many_cells_in_each_row_as_columns(
    tokens: list[Token], pages: dict[str, str]
) -> None:
    tables: list[list[int]] = []
    parser = MarkdownIt("commonmark").enable("table")
    for token in [*tokens, *(token for about in pages.values() for token in parser.parse(about))]:
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append(0)
        elif token.type in ("th_open", "td_open"):
            tables[-1][-1] += 1
    assert len(tables) > len(small.MODEL_REGISTRY)
    assert all(len(set(rows)) == 1 for rows in tables)


def test_the_sources_are_listed(text: str) -> None:
    sources = text[text.index("## Sources") :]
    assert "| `fixture` | Values made up for the tests | - |  |" in sources
    assert "| `hub` | [The model's repository on the Hub](https://huggingface.co) |" in sources


def test_the_page_names_the_command_that_makes_it_again_and_has_no_date(text: str) -> None:
    assert text.startswith(f"<!-- Generated by `holotype --catalogue {FIXTURE} docs`;")
    assert "1.2.3" in text.splitlines()[4]


def test_docs_writes_the_pages_and_leaves_nothing_else(
    tmp_path: Path, text: str, pages: dict[str, str]
) -> None:
    file = tmp_path / "MODELS.md"
    answer = run("docs", "--output", str(file))
    n = len(pages)
    folder = tmp_path / FOLDER
    written = f"{file}: written\n{folder}: {n} pages, {n} written, 0 removed\n"
    assert (answer.exit_code, answer.stdout) == (0, written)
    assert file.read_text(encoding="utf-8") == text
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == pages
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {file, *folder.iterdir()}


def test_a_page_that_is_up_to_date_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "MODELS.md"
    run("docs", "--output", str(file))
    before = file.stat().st_mtime_ns
    answer = run("docs", "--output", str(file))
    assert answer.stdout.startswith(f"{file}: already up to date\n")
    assert ", 0 written, 0 removed\n" in answer.stdout
    assert file.stat().st_mtime_ns == before


def test_check_says_whether_a_page_is_stale_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "MODELS.md"
    missing = run("docs", "--check", "--output", str(file))
    assert (missing.exit_code, file.exists()) == (1, False)
    run("docs", "--output", str(file))
    assert run("docs", "--check", "--output", str(file)).exit_code == 0
    file.write_text("old", encoding="utf-8")
    stale = run("docs", "--check", "--output", str(file))
    assert stale.exit_code == 1
    assert "run the same command without --check" in stale.stderr
    assert file.read_text(encoding="utf-8") == "old"


def test_check_finds_a_stale_page_of_a_family(tmp_path: Path, pages: dict[str, str]) -> None:
    file = tmp_path / "MODELS.md"
    run("docs", "--output", str(file))
    (tmp_path / FOLDER / next(iter(pages))).unlink()
    assert run("docs", "--check", "--output", str(file)).exit_code == 1


def test_a_page_of_a_family_that_is_gone_is_removed_and_other_files_stay(tmp_path: Path) -> None:
    file, folder = tmp_path / "MODELS.md", tmp_path / "families"
    folder.mkdir()
    (folder / "gone.md").write_text("<!-- Generated by `holotype docs`; do not edit. -->", "utf-8")
    (folder / "ours.md").write_text("# Written by hand", "utf-8")
    answer = run("docs", "--output", str(file), "--families", str(folder))
    assert answer.stdout.endswith(", 1 removed\n")
    assert not (folder / "gone.md").exists()
    assert (folder / "ours.md").exists()
    assert "](families/" in file.read_text(encoding="utf-8")


def test_stdout_prints_the_page(text: str) -> None:
    assert run("docs", "--stdout").stdout == text


def test_a_file_that_cannot_be_written_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    for file in (tmp_path / "missing" / "MODELS.md", tmp_path):
        answer = run("docs", "--output", str(file))
        assert answer.exit_code == 1
        assert answer.stderr.startswith("error: ")
        assert str(file) in answer.stderr


def test_check_and_stdout_exclude_each_other() -> None:
    assert run("docs", "--check", "--stdout").exit_code == 2


def test_a_page_that_somebody_wrote_is_never_overwritten(tmp_path: Path) -> None:
    page = tmp_path / "MODELS.md"
    page.write_text("# By hand\n")
    answer = run("docs", "--output", str(page))
    assert answer.exit_code == 1
    assert f"did not write what is there: {page}. Our pages begin with" in answer.stderr
    assert page.read_text() == "# By hand\n"
    assert list(tmp_path.rglob("*.md")) == [page]


def test_a_page_of_a_family_that_somebody_wrote_holds_up_all_of_them(tmp_path: Path) -> None:
    page = tmp_path / FOLDER / next(iter(family_pages(open_catalogue(FIXTURE))))
    page.parent.mkdir(parents=True)
    page.write_text("# By hand\n")
    assert run("docs", "--output", str(tmp_path / "MODELS.md")).exit_code == 1
    assert list(tmp_path.rglob("*.md")) == [page]


def test_one_error_names_the_files_that_somebody_wrote(tmp_path: Path) -> None:
    families = tmp_path / "families"
    families.mkdir()
    names = list(family_pages(open_catalogue(FIXTURE)))
    taken = [tmp_path / "MODELS.md", *(families / name for name in names)]
    for path in taken[:-1]:
        path.write_text("# By hand\n")
    taken[-1].mkdir()
    answer = run("docs", "--output", str(taken[0]), "--families", str(families))
    assert answer.exit_code == 1
    assert all(str(path) in answer.stderr for path in taken)
    assert answer.stderr.count("error:") == 1
    assert sorted(tmp_path.rglob("*.md")) == sorted(taken)


@pytest.mark.parametrize("header", ["docs", "--catalogue acme.models docs"])
def test_a_page_that_an_older_release_wrote_is_replaced(tmp_path: Path, header: str) -> None:
    page = tmp_path / "MODELS.md"
    page.write_text(f"<!-- Generated by `holotype {header}`; do not edit. -->\n\n# Old\n")
    assert run("docs", "--output", str(page)).exit_code == 0
    assert "# Old" not in page.read_text("utf-8")


def test_an_empty_file_gives_way_to_a_page(tmp_path: Path) -> None:
    (tmp_path / "MODELS.md").touch()
    assert run("docs", "--output", str(tmp_path / "MODELS.md")).exit_code == 0
