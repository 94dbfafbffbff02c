"""Which records may be loaded as modes, before anything is read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any, cast

import pytest

import holotype.encoders
from holotype.encoders import _load_modes, load_modes
from holotype.encoders.modes import require_one_checkpoint
from holotype.errors import IncompatibleModesError
from holotype.models import ALL_MINILM_L6_V2, BGE_M3, BGE_M3_COLBERT, BGE_M3_SPARSE


def test_the_modes_of_bge_m3_are_of_one_checkpoint() -> None:
    require_one_checkpoint((BGE_M3, BGE_M3_SPARSE, BGE_M3_COLBERT))


def test_the_third_mode_is_compared_as_well_as_the_second() -> None:
    other = replace(BGE_M3_COLBERT, revision="0" * 40)
    with pytest.raises(IncompatibleModesError, match="revisions differ") as caught:
        require_one_checkpoint((BGE_M3, BGE_M3_SPARSE, other))
    assert caught.value.ids == ("bge-m3-sparse", "bge-m3-colbert")
    assert caught.value.found == (BGE_M3_SPARSE.revision, "0" * 40)


def test_an_error_names_both_models_what_differs_and_both_values() -> None:
    with pytest.raises(IncompatibleModesError) as caught:
        require_one_checkpoint((BGE_M3_SPARSE, ALL_MINILM_L6_V2))
    assert str(caught.value) == (
        "'bge-m3-sparse' and 'all-minilm-l6-v2' cannot share a pass: their repositories differ, "
        "'BAAI/bge-m3' and 'sentence-transformers/all-MiniLM-L6-v2'; choose modes of one checkpoint "
        "that read texts alike, or load() each"
    )


def test_modes_are_not_imported_before_they_are_asked_for() -> None:
    code = (
        "import sys, holotype; later = {'holotype.encoders._load_modes'}; "
        "before = later & {*sys.modules}; holotype.encoders.load_modes; "
        "print(sorted(before), sorted(later - {*sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[] []\n"


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'holotype\.encoders' has no attribute 'load_all'"):
        getattr(holotype.encoders, "load_all")  # noqa: B009
    assert all(hasattr(holotype.encoders, name) for name in holotype.encoders.__all__)


def test_a_repository_with_several_entries_is_its_entry_of_the_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: dict[str, object] = {}
    monkeypatch.setattr(_load_modes, "load_configs", loaded.update)
    name: Any = "BAAI/bge-m3"
    load_modes(dense=name, sparse=name, colbert=name)
    records = {mode: config.record for mode, config in cast("dict[str, Any]", loaded).items()}
    assert records == {"dense": BGE_M3, "sparse": BGE_M3_SPARSE, "colbert": BGE_M3_COLBERT}
