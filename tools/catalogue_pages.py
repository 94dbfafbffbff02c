"""Write the pages of docs/catalogue, generated from `models.json` and tools/conflicts.json.

python tools/catalogue_pages.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalogue.plots import Point, scatter
from catalogue.reports import choose, conflicts_page, coverage
from catalogue.text import write
from holotype.cli.catalogues import OWN, open_catalogue
from holotype.cli.family_pages import families

_ROOT = Path(__file__).resolve().parent.parent
_POINTS = 100
_TICKS = (
    (1_000_000, "1M"),
    (10_000_000, "10M"),
    (100_000_000, "100M"),
    (1_000_000_000, "1B"),
    (20_000_000_000, "20B"),
)
_DIMS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages or list the stale ones; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=_ROOT / "docs" / "catalogue")
    parser.add_argument("--check", action="store_true", help="only say which pages are stale")
    options = parser.parse_args(arguments)
    models = json.loads((_ROOT / "models.json").read_text("utf-8"))["models"]
    conflicts = json.loads((_ROOT / "tools" / "conflicts.json").read_text("utf-8"))
    stale = [
        (options.folder / name, text)
        for name, text in pages(models, conflicts).items()
        if not _is_current(options.folder / name, text)
    ]
    for path, text in stale:
        if options.check:
            sys.stdout.write(f"{path} is stale; run: python tools/catalogue_pages.py\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, text)
            sys.stdout.write(f"{path}: written\n")
    return 1 if options.check and stale else 0


def pages(models: list[dict[str, Any]], conflicts: list[dict[str, Any]]) -> dict[str, str]:
    """Return the text of every page, by file name."""
    places = _places()
    return {
        "coverage.md": coverage(models, conflicts),
        "conflicts.md": conflicts_page(conflicts, places),
        "choose.md": choose(models, places),
        "beir-by-parameters.svg": scatter(
            _measured(models, "parameters"),
            title="Retrieval quality against size",
            across="parameters",
            up="BEIR, mean nDCG@10 of 15 sets",
            ticks=_TICKS,
        ),
        "beir-by-dimension.svg": scatter(
            [point for point in _measured(models, "embedding_dim") if point.kind == "dense"],
            title="Retrieval quality of dense models against the width of the vectors",
            across="embedding dimension",
            up="BEIR, mean nDCG@10 of 15 sets",
            ticks=[(dim, str(dim)) for dim in _DIMS],
        ),
    }


def _places() -> dict[str, str]:
    """Return the link to each model's section in the family pages, by id."""
    return {
        record.id: f"families/{family.file}#{anchor}"
        for family in families(open_catalogue(OWN))
        for record, anchor in family.anchors()
    }


def _measured(models: list[dict[str, Any]], field: str) -> list[Point]:
    return [
        Point(
            model["id"],
            model["type"],
            model["specs"][field],
            model["performance"]["beir_avg"] * _POINTS,
        )
        for model in models
        if model["performance"]["beir_avg"] is not None and model["specs"][field] is not None
    ]


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
