"""MODELS.md: one page about all models of a catalogue, with a table per kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from holotype.catalogue import natural_key
from holotype.cli import markdown
from holotype.cli.catalogues import OpenCatalogue
from holotype.cli.family_pages import COLUMNS, families, generated_by, row
from holotype.cli.output import counted_models
from holotype.cli.wording import UNKNOWN
from holotype.records import ModelInfo

FOLDER = "docs/catalogue/families"
"""The folder of the family pages, relative to MODELS.md."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The heading of a kind of model, and a sentence on what its models return."""

    heading: str
    about: str


KINDS: Mapping[str, Kind] = {
    "dense": Kind("Dense models", "One vector per text, compared by cosine or dot product."),
    "colbert": Kind(
        "ColBERT models",
        "One vector per token (late interaction), compared by MaxSim.",
    ),
    "sparse": Kind("Sparse models", "One weight per word of the vocabulary."),
    "cross-encoder": Kind(
        "Cross-encoders",
        "One score per pair of query and document, which they read together: rerankers.",
    ),
    "classifier": Kind("Classifiers", "One score per label."),
    "image-text": Kind(
        "Image-text models",
        "One vector per image or text, each from a network of its own, in one space.",
    ),
    "captioner": Kind("Captioners", "One text per image."),
}


def models_page(opened: OpenCatalogue, folder: str = FOLDER) -> str:
    """Return the page about a catalogue; it depends on nothing but the catalogue.

    Args:
        opened: the catalogue; nothing else affects the page.
        folder: the folder of the family pages, relative to this page.
    """
    places = {
        record.id: f"{folder}/{family.file}#{anchor}"
        for family in families(opened)
        for record, anchor in family.anchors()
    }
    anchors = markdown.Anchors()
    anchors.add("Models")
    deprecated = [record for record in opened.catalogue.records if record.deprecated]
    chapters: list[str] = []
    contents: list[tuple[str, str, str]] = []
    for kind, records in _by_kind(opened.catalogue.listed).items():
        wording = KINDS.get(kind) or Kind(f"Models of the kind {kind}", "")
        anchor = anchors.add(wording.heading)
        chapters.append(_chapter(wording.heading, wording.about, records, places))
        contents.append((f"[{wording.heading}](#{anchor})", str(len(records)), wording.about))
    if deprecated:
        heading, about = "Deprecated models", "You can still get them by name, with a warning."
        anchor = anchors.add(heading)
        chapters.append(_chapter(heading, about, deprecated, places))
        contents.append((f"[{heading}](#{anchor})", str(len(deprecated)), about))
    for heading, about in (
        ("Families", "One page per organization, with every field of its models."),
        ("Sources", "The sources of the values."),
    ):
        contents.append((f"[{heading}](#{anchors.add(heading)})", "", about))
    last = (_families(opened, folder), _sources(opened))
    return "\n\n".join((*_opening(opened, contents), *chapters, *last)) + "\n"


def _by_kind(records: Iterable[ModelInfo]) -> dict[str, list[ModelInfo]]:
    """Return the records of each kind: known kinds in their usual order, then the others."""
    found: dict[str, list[ModelInfo]] = {}
    for record in records:
        found.setdefault(str(record.type), []).append(record)
    order = [kind for kind in KINDS if kind in found] + [
        kind for kind in found if kind not in KINDS
    ]
    return {kind: found[kind] for kind in order}


def _opening(opened: OpenCatalogue, contents: list[tuple[str, str, str]]) -> Iterator[str]:
    yield generated_by(opened)
    yield "# Models"
    yield (
        f"The catalogue `{opened.name}`, version {markdown.escape(opened.version)}, has "
        f"{counted_models(len(opened.catalogue.records))}. Each value has a source; `{UNKNOWN}` "
        "means that no source says. A model's name leads to all that is known of it."
    )
    yield markdown.table(("kind", "models", "what they return"), contents, right=[1])
    yield "\n".join(
        (
            "In the tables:",
            "",
            "- **dims** is the vector size; `64–768` marks a Matryoshka model, whose vectors you can truncate. "
            "A single size says nothing of smaller ones.",
            "- **context** is the longest input in tokens.",
            "- **BEIR** is the mean nDCG@10 over BEIR's 15 sets, and **MRR@10** is measured on the "
            "development set of MS MARCO. Both are fractions from 0 to 1.",
        )
    )


def _chapter(heading: str, about: str, records: list[ModelInfo], places: Mapping[str, str]) -> str:
    """Return the table of a kind, sorted by name."""
    ordered = sorted(records, key=lambda record: natural_key(record.id))
    rows = [(f"[{record.id}]({places[record.id]})", *row(record)) for record in ordered]
    table = markdown.table(("model", *COLUMNS), rows, right=range(1, 6))
    return "\n\n".join(filter(None, (f"## {heading}", about, table)))


def _families(opened: OpenCatalogue, folder: str) -> str:
    links = [
        f"[{markdown.escape(family.name)}]({folder}/{family.file}) ({len(family.records)})"
        for family in families(opened)
    ]
    return "## Families\n\n" + " · ".join(links)


def _sources(opened: OpenCatalogue) -> str:
    rows = [
        (
            f"`{key}`",
            f"[{markdown.escape(source.title)}]({source.url})"
            if source.url
            else markdown.escape(source.title),
            markdown.escape(source.license or UNKNOWN),
            markdown.escape(source.note or ""),
        )
        for key, source in opened.sources.items()
    ]
    return "## Sources\n\n" + markdown.table(("key", "source", "license", "note"), rows, right=())
