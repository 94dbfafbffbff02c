"""Make `models.json` from fact files, the selection, and what was set by hand.

    python tools/build_catalogue.py --encoding-facts F --mteb-models F --mteb-scores F

docs/catalogue-pipeline.md describes the formats. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue.entry import build, choose, used_sources
from catalogue.facts import (
    Candidates,
    Fact,
    from_encoding_facts,
    from_mteb,
    from_scores,
    read_lines,
)
from catalogue.reconcile import reconcile
from catalogue.shapes import from_counts
from catalogue.text import dump, write

_ROOT = Path(__file__).resolve().parent.parent
_SUPERSEDED = "/lineage/superseded_by"

Rows = Mapping[str, Mapping[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the catalogue and write it; return the exit code."""
    options = _parser().parse_args(arguments)
    selection = json.loads(options.models.read_text("utf-8"))
    curated = json.loads(options.curated.read_text("utf-8"))
    catalogue = make(
        selection,
        curated,
        read_lines(options.encoding_facts),
        read_lines(options.mteb_models),
        read_lines(options.mteb_scores),
    )
    write(options.output, dump(catalogue) + "\n")
    sys.stdout.write(f"{options.output}: {len(catalogue['models'])} models\n")
    return 0


def make(
    selection: Mapping[str, Any],
    curated: Mapping[str, Any],
    encoding: Rows,
    mteb: Rows,
    scores: Rows,
) -> dict[str, Any]:
    """Return the catalogue: the selected models in the order of the selection.

    Raises:
        ValueError: a fact was set by hand for a model that is not selected, or names a source
            that is not described.
    """
    models = selection["models"]
    unknown = sorted(set(curated["facts"]) - {model["id"] for model in models})
    if unknown:
        raise ValueError(f"curated facts for models that are not selected: {', '.join(unknown)}")
    ids = {model["huggingface_id"]: model["id"] for model in reversed(models)}
    entries = []
    for model in models:
        candidates = gather(model, encoding, mteb, scores)
        by_hand = curated["facts"].get(model["id"], {})
        facts = choose(
            candidates, {p: Fact(value, source) for p, (value, source) in by_hand.items()}
        )
        _name_the_successor(facts, ids)
        entries.append(build(model, facts, selection["organizations"]))
    used = used_sources(entries)
    missing = [key for key in used if key not in curated["sources"]]
    if missing:
        raise ValueError(f"sources that nothing describes: {', '.join(missing)}")
    return {
        "$schema": "./schema/models.schema.json",
        "version": curated["version"],
        "sources": {key: text for key, text in curated["sources"].items() if key in used},
        "models": entries,
    }


def gather(model: Mapping[str, Any], encoding: Rows, mteb: Rows, scores: Rows) -> Candidates:
    """Return what all fact files say of a model, without what they refute of one another."""
    repository, kind = model["huggingface_id"], model["type"]
    found: Candidates = {}
    parts = []
    if repository in encoding:
        parts.append(from_encoding_facts(encoding[repository], kind))
    if repository in mteb:
        parts += [from_counts(mteb[repository]), from_mteb(mteb[repository], kind)]
    if repository in scores and not model.get("secondary_mode"):
        parts.append(from_scores(scores[repository], kind))
    for part in parts:
        for pointer, facts in part.items():
            found.setdefault(pointer, []).extend(facts)
    reconcile(found, kind)
    return found


def _name_the_successor(facts: dict[str, Fact], ids: Mapping[str, str]) -> None:
    """Turn the successor's repository into its id; drop it where it is not in the catalogue."""
    fact = facts.pop(_SUPERSEDED, None)
    if fact is not None and (fact.value in ids or fact.value in ids.values()):
        facts[_SUPERSEDED] = Fact(ids.get(fact.value, fact.value), fact.source)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("--encoding-facts", "--mteb-models", "--mteb-scores"):
        parser.add_argument(name, type=Path, required=True, help="JSON Lines")
    parser.add_argument("--models", type=Path, default=_ROOT / "tools" / "selection.json")
    parser.add_argument("--curated", type=Path, default=_ROOT / "tools" / "curated.json")
    parser.add_argument("--output", type=Path, default=_ROOT / "models.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
