"""Any value in any place of what others write: artifacts, locks, aliases, exports, the Hub's answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hostile import VALUES, changed, places

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.graphs.manifest import original_weights, read_facts
from holotype.errors import HolotypeError
from holotype.hub.answers import parse_repository
from holotype.references import parse_manifest
from holotype.references.aliases import read_alias
from holotype.references.lock_file import read_lock

MADE = Path(__file__).parents[3] / "fixtures" / "made_by_0_1_0"
EXPORT = "holotype_export.json"
LONGEST_MESSAGE = 3_200
COMMIT = "8b3219a92973c328a8e22fadcfa821b5dc75636a"
DESCRIPTION: dict[str, Any] = {
    "id": "acme/tiny",
    "sha": COMMIT,
    "lastModified": "2026-01-02T03:04:05.000Z",
    "siblings": [
        {"rfilename": "config.json", "size": 2, "blobId": "0" * 40},
        {"rfilename": "model.safetensors", "size": 9, "lfs": {"sha256": "1" * 64, "size": 9}},
    ],
}


@dataclass(frozen=True, slots=True)
class Stranger:
    """A file that others write: its values, its reader, and the errors that the reader may raise."""

    values: Any
    read: Callable[[str, Path], object]
    errors: type[Exception] = HolotypeError


def read_alias_file(text: str, folder: Path) -> object:
    (folder / ".aliases").mkdir(exist_ok=True)
    (folder / ".aliases" / "production.json").write_text(text)
    return read_alias(folder, "production")


def read_lock_file(text: str, folder: Path) -> object:
    (folder / "holotype.lock").write_text(text)
    return read_lock(folder / "holotype.lock")


def read_export(text: str, folder: Path) -> object:
    (folder / EXPORT).write_text(text)
    return read_facts(Checkpoint(folder)), original_weights(Checkpoint(folder))


def made(*path: str) -> Any:
    return json.loads(MADE.joinpath(*path).read_text("utf-8"))


STRANGERS = {
    "artifact": Stranger(
        made("store", "tiny-v1", "artifact.json"),
        lambda text, _: parse_manifest(text.encode(), "artifact.json"),
    ),
    "alias": Stranger(made("store", ".aliases", "production.json"), read_alias_file),
    "lock": Stranger(made("holotype.lock"), read_lock_file),
    "export": Stranger(made("export-onnx", EXPORT), read_export),
    "description": Stranger(
        DESCRIPTION, lambda text, _: parse_repository(text.encode(), COMMIT), ValueError
    ),
}


def inputs(values: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every place of a file with each of the values for it."""
    for at in places(values):
        for value in VALUES:
            yield at, value


def test_the_list_is_long() -> None:
    counts = Counter({name: len(list(inputs(each.values))) for name, each in STRANGERS.items()})
    assert min(counts.values()) > 200
    assert counts.total() > 5_000


@pytest.mark.parametrize("name", STRANGERS)
def test_any_value_in_any_place_is_read_or_refused_in_one_way(name: str, tmp_path: Path) -> None:
    stranger = STRANGERS[name]
    stranger.read(json.dumps(stranger.values), tmp_path)
    refused = 0
    for at, value in inputs(stranger.values):
        try:
            stranger.read(json.dumps(changed(stranger.values, at, value)), tmp_path)
        except stranger.errors as error:
            refused += 1
            assert len(str(error)) < LONGEST_MESSAGE, (at, value)
        except Exception as error:
            pytest.fail(f"{value!r} at {at}: {type(error).__name__}: {error}")
    assert refused > 100
