"""Versions of models that read pictures: registered, checked by a picture, timed with pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tests.runtime.image_models import blip, clip, colpali

from holotype import load
from holotype.errors import InvalidArgumentError
from holotype.publishing.creating import create_artifact
from holotype.registry import (
    Database,
    ModelRegistry,
    ModelValidator,
    PictureProfile,
    measure_picture_speed,
    measure_speed,
    run_benchmark,
    upgrade,
)
from holotype.registry.picture_speed import draw_pictures
from holotype.registry.speed import SpeedProfile

MAKERS: dict[str, Any] = {"clip": clip, "captions": blip, "pages": colpali}
TYPES = {"clip": "image-text", "captions": "captioner", "pages": "colbert"}


def damage(folder: Path, of_pictures: str) -> None:
    """Let the network for pictures alone return NaN."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    chosen = [name for name in tensors if of_pictures in name and name.endswith("bias")]
    assert chosen
    for name in chosen:
        tensors[name] = tensors[name] * float("nan")
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("artifacts")
    for name, make in MAKERS.items():
        folder = place / "checkpoints" / name
        make(folder)
        create_artifact(f"local:{folder}", place / name)
        broken = shutil.copytree(folder, place / "broken" / name)
        damage(broken, "vision_tower." if name == "pages" else "vision_model.")
        create_artifact(f"local:{broken}", place / f"broken-{name}")
    other = shutil.copytree(place / "checkpoints/clip", place / "other/clip")
    settings = json.loads((other / "processor_config.json").read_text())
    settings["image_processor"]["resample"] = 2
    (other / "processor_config.json").write_text(json.dumps(settings))
    create_artifact(f"local:{other}", place / "other-clip")
    return place


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ModelRegistry]:
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        upgrade(database)
        yield ModelRegistry(database)


def add(registry: ModelRegistry, folder: Path, kind: str, version: str = "v1") -> Any:
    return registry.register(kind, version, f"local:{folder}/", actor="me", model_id="tiny")


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_sound_version_passes_and_a_broken_network_for_pictures_does_not(
    name: str, registry: ModelRegistry, artifacts: Path
) -> None:
    version = add(registry, artifacts / name, name)
    assert version.type == TYPES[name]
    assert (version.fingerprint is None) == (name == "captions")
    check = ModelValidator(registry).validate(version)
    assert check.problems == ()
    broken = add(registry, artifacts / f"broken-{name}", name, "v2")
    check = ModelValidator(registry).validate(broken)
    (failed,) = check.problems
    assert failed.name == "probe"
    assert "NaN or infinity" in failed.message


def test_another_preparation_of_pictures_makes_other_vectors(
    registry: ModelRegistry, artifacts: Path
) -> None:
    first = add(registry, artifacts / "clip", "search")
    other = add(registry, artifacts / "other-clip", "search", "v2")
    assert (first.embedding_dim, other.embedding_dim) == (24, 24)
    check = ModelValidator(registry).validate(other, against=first)
    (failed,) = check.problems
    assert failed.name == "vectors"


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_benchmark_times_pictures_that_it_draws(
    name: str, registry: ModelRegistry, artifacts: Path
) -> None:
    add(registry, artifacts / name, name)
    (run,) = run_benchmark(registry, name, "tiny/v1", n_requests=5, device="cpu")
    assert run.dataset == "speed on drawn pictures"
    found = {each.name: each for each in run.measurements}
    assert found["latency_p50"].value > 0
    assert found["throughput_pictures"].unit == "pictures/s"
    assert found["throughput_pictures"].n_samples == 10
    assert found["error_rate"].value == 0
    assert "throughput_tokens" not in found
    with pytest.raises(InvalidArgumentError, match="leave 'everyday-en' out"):
        run_benchmark(registry, name, "tiny/v1", "everyday-en", n_requests=5, device="cpu")


def test_drawn_pictures_are_the_same_each_time_and_read_anew_each_time() -> None:
    first, again = draw_pictures(4), draw_pictures(4)
    assert first == again
    assert len(set(first)) == 4
    profile = PictureProfile(n_pictures=2, n_requests=3, n_rounds=2, n_warm_up=1)
    assert profile.digest != PictureProfile(n_pictures=3, n_requests=3).digest
    with pytest.raises(InvalidArgumentError, match="0 pictures"):
        PictureProfile(n_pictures=0)


def test_each_kind_of_model_is_timed_by_what_it_reads(artifacts: Path, minilm_folder: Path) -> None:
    profile = PictureProfile(n_pictures=2, n_requests=3, n_rounds=2, n_warm_up=0)
    reads_texts = load(minilm_folder, device="cpu")
    with reads_texts, pytest.raises(InvalidArgumentError, match="reads no pictures"):
        measure_picture_speed(reads_texts, profile)
    texts = SpeedProfile(queries=("a",), documents=("a",))
    captioner = load(artifacts / "captions", device="cpu")
    with captioner, pytest.raises(InvalidArgumentError, match="measure_picture_speed"):
        measure_speed(captioner, texts)
