"""Any value in any place of any file of any kind of checkpoint: a plan, or one of holotype's errors."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.encoders.test_completeness import SOUND
from tests.unit.holotype.hostile import VALUES, changed, places
from tests.unit.holotype.hub.checkpoints import (
    Files,
    captioner,
    image_text,
    pages,
    saved,
    templated_reranker,
)

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.completeness import check_complete
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import HolotypeError

KINDS: dict[str, Callable[[], Files]] = {
    **SOUND,
    "reranker": templated_reranker,
    "image-text": image_text,
    "captioner": captioner,
    "pages": pages,
}
STEP = 3
"""Every third value is put in a place, and every place gets one of three sets of values."""
LONGEST_S = 1.0
LONGEST_MESSAGE = 3_200
AT_LEAST = 2_500
"""How many inputs the first attack on the encoders had; the list is longer."""


def inputs(files: Files) -> Iterator[tuple[str, tuple[Any, ...], Any, str]]:
    """Yield each file, place and value, and the text of the changed file."""
    for name in sorted(files):
        if name.endswith((".json", ".metadata")):
            before = json.loads(files[name])
            for n, at in enumerate(places(before)):
                for value in VALUES[n % STEP :: STEP]:
                    yield name, at, value, json.dumps(changed(before, at, value))


def test_the_list_of_hostile_files_is_long() -> None:
    counts = Counter({kind: len(list(inputs(make()))) for kind, make in KINDS.items()})
    assert counts.total() > AT_LEAST
    assert min(counts.values()) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_any_value_in_any_place_gives_a_plan_or_an_error_at_once(kind: str, tmp_path: Path) -> None:
    files = KINDS[kind]()
    saved(tmp_path, files)
    outcomes: Counter[str] = Counter()
    for name, at, value, text in inputs(files):
        (tmp_path / name).write_text(text, encoding="utf-8")
        started = time.process_time()
        try:
            checkpoint = Checkpoint(tmp_path)
            check_complete(make_plan(derive_record(checkpoint, name="tiny"), checkpoint))
            outcomes["a plan"] += 1
        except HolotypeError as error:
            outcomes["an error"] += 1
            assert len(str(error)) < LONGEST_MESSAGE, (name, at, value)
        except Exception as error:
            pytest.fail(f"{name}: {value!r} at {at}: {type(error).__name__}: {error}")
        assert time.process_time() - started < LONGEST_S, (name, at, value)
        (tmp_path / name).write_bytes(files[name])
    assert min(outcomes["a plan"], outcomes["an error"]) > 0
