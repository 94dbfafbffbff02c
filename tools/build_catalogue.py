"""Make `models.json` from fact files, the selection, and what was set by hand.

    python tools/build_catalogue.py

docs/catalogue-pipeline.md describes the formats. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue.claims import Claims, read_claims
from catalogue.conflicts import conflicts
from catalogue.copied_languages import LANGUAGES, with_copied_languages
from catalogue.entry import build, choose, used_sources
from catalogue.facts import Fact, read_lines
from catalogue.gather import Gatherer
from catalogue.heads import PARAMETERS, with_whole_counts
from catalogue.licences import LICENSE, Families
from catalogue.reconcile import reconcile
from catalogue.releases import RELEASED, settle_the_date, with_refuted_dates
from catalogue.selecting import complete, ids_of, place
from catalogue.text import dump, write
from catalogue.versions import LENGTH, with_refuted_lengths

_ROOT = Path(__file__).resolve().parent.parent
_FACTS = {
    "--encoding-facts": "encoding.jsonl",
    "--mteb-models": "mteb.jsonl",
    "--mteb-scores": "scores.jsonl",
    "--mentions": "mentions.jsonl",
    "--papers": "papers.jsonl",
}
_CLAIMS = ("claims.jsonl", "checkpoints.jsonl", "registries.jsonl", "images.jsonl")
_SUPERSEDED = "/lineage/superseded_by"

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Made:
    """A catalogue, and where the sources of its values disagree."""

    catalogue: dict[str, Any]
    conflicts: list[dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the catalogue and write it; return the exit code."""
    options = _parser().parse_args(arguments)
    previous = json.loads(options.output.read_text("utf-8")) if options.output.is_file() else {}
    made = make(
        json.loads(options.models.read_text("utf-8")),
        json.loads(options.curated.read_text("utf-8")),
        read_lines(options.encoding_facts),
        read_lines(options.mteb_models),
        read_lines(options.mteb_scores),
        previous.get("models", ()),
        read_claims(*options.claims),
        read_lines(options.mentions),
        read_lines(options.papers),
    )
    write(options.output, dump(made.catalogue) + "\n")
    write(options.conflicts, dump(made.conflicts) + "\n")
    sys.stdout.write(
        f"{options.output}: {len(made.catalogue['models'])} models\n"
        f"{options.conflicts}: {len(made.conflicts)} values of which sources disagree\n"
    )
    return 0


def make(
    selection: Mapping[str, Any],
    curated: Mapping[str, Any],
    encoding: Rows,
    mteb: Rows,
    scores: Rows,
    previous: Iterable[Mapping[str, Any]] = (),
    claims: Claims | None = None,
    mentions: Rows | None = None,
    papers: Rows | None = None,
) -> Made:
    """Return the catalogue: the models selected by hand and by rule.

    Args:
        selection: the models selected by hand, the excluded ones, and how makers are called.
        curated: the version, the sources, and the facts set by hand.
        encoding: the encoding facts, by repository.
        mteb: mteb's registry, by repository.
        scores: the joined scores, by repository.
        previous: the entries of the catalogue that is replaced; their ids stay, and so do those
            that were added by other means.
        claims: single values with their sources, by repository.
        mentions: the day on which a public repository named each model first, by repository.
        papers: the papers that mteb cites for each model, by repository.

    Raises:
        ValueError: a fact was set by hand for a model that is not selected, or names a source
            that is not described.
    """
    previous = list(previous)
    models = complete(selection, mteb, ids_of(previous))
    unknown = sorted(set(curated["facts"]) - {model["id"] for model in models})
    if unknown:
        raise ValueError(f"curated facts for models that are not selected: {', '.join(unknown)}")
    by_hand = {
        (model["type"], model["huggingface_id"]): {
            pointer: Fact(value, source)
            for pointer, (value, source) in curated["facts"].get(model["id"], {}).items()
        }
        for model in models
    }
    gatherer = Gatherer(
        encoding=encoding, mteb=mteb, scores=scores, by_hand=by_hand, claims=claims or {}
    )
    ids = {model["huggingface_id"]: model["id"] for model in reversed(models)}
    found = []
    for model in models:
        kind, repository = model["type"], model["huggingface_id"]
        said = gatherer.said(repository, kind, secondary=bool(model.get("secondary_mode")))
        kept = copy.deepcopy(said)
        reconcile(kept, kind)
        settle_the_date(kept, (mentions or {}).get(repository), (papers or {}).get(repository))
        found.append((model, said, choose(kept, by_hand[kind, repository])))
    chosen = {model["huggingface_id"]: facts for model, _, facts in found}
    completed = with_whole_counts(chosen, encoding)
    families = Families(chosen, mteb)
    withdrawn = {
        LICENSE: {repository for repository in families.facts if families.contradict(repository)},
        LENGTH: with_refuted_lengths(chosen, mteb),
        RELEASED: with_refuted_dates(chosen, mteb),
        LANGUAGES: with_copied_languages(chosen, mteb),
    }
    entries, disagreements = [], []
    for model, said, facts in found:
        kind, repository = model["type"], model["huggingface_id"]
        for pointer, repositories in withdrawn.items():
            if repository in repositories:
                facts.pop(pointer, None)
        if repository in completed:
            _replace(facts, PARAMETERS, completed[repository])
        _name_the_successor(facts, repository, ids)
        entries.append(build(model, facts, selection["organizations"]))
        disagreements += conflicts(entries[-1], said, facts, by_hand[kind, repository])
    entries += _added_by_other_means(previous, entries, selection["excluded"])
    return Made(_catalogue(curated, sorted(entries, key=place)), disagreements)


def _added_by_other_means(
    previous: Iterable[Mapping[str, Any]],
    entries: Iterable[Mapping[str, Any]],
    excluded: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the entries that no fact file and no selection knows, as they are."""
    made = {entry["id"] for entry in entries}
    return [
        dict(entry)
        for entry in previous
        if entry["id"] not in made and entry["huggingface_id"] not in excluded
    ]


def _catalogue(curated: Mapping[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
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


def _replace(facts: dict[str, Fact], pointer: str, fact: Fact | None) -> None:
    if fact is None:
        facts.pop(pointer, None)
    else:
        facts[pointer] = fact


def _name_the_successor(facts: dict[str, Fact], repository: str, ids: Mapping[str, str]) -> None:
    """Turn the successor's repository into its id; drop it where it is not in the catalogue.

    A model that the registry calls its own successor has none.
    """
    fact = facts.pop(_SUPERSEDED, None)
    if (
        fact is not None
        and fact.value != repository
        and (fact.value in ids or fact.value in ids.values())
    ):
        facts[_SUPERSEDED] = Fact(ids.get(fact.value, fact.value), fact.source)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    tools = _ROOT / "tools"
    for name, file in _FACTS.items():
        parser.add_argument(name, type=Path, default=tools / "facts" / file, help="JSON Lines")
    claims = [tools / "facts" / file for file in _CLAIMS]
    parser.add_argument("--claims", type=Path, nargs="+", default=claims, help="JSON Lines")
    parser.add_argument("--models", type=Path, default=tools / "selection.json")
    parser.add_argument("--curated", type=Path, default=tools / "curated.json")
    parser.add_argument("--conflicts", type=Path, default=tools / "conflicts.json")
    parser.add_argument("--output", type=Path, default=_ROOT / "models.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
