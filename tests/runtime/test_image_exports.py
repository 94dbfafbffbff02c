"""Exports of models for pictures and texts: the vectors and scores of torch, or no export."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pictures import photograph
from tests.runtime.image_models import (
    clip,
    colmodernvbert,
    colpali,
    colqwen2,
    colsmol,
    metaclip_2,
    open_clip,
    siglip,
    siglip2,
)

from holotype import load
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.config import Backend
from holotype.encoders.exports import export
from holotype.encoders.graphs.losses import VectorLoss
from holotype.encoders.graphs.manifest import MANIFEST_FILE
from holotype.encoders.image_text import ImageTextEncoder
from holotype.errors import CheckpointError, ExportError, UnsupportedModelError

pytestmark = pytest.mark.usefixtures("_each_network_is_traced_once")

TEXTS = ["a cat", "the photo of a red dog and two cat", "", "the red cat " * 30]
PICTURES = [photograph(60, 80), photograph(33, 20, seed=1), photograph(9, 90)]
MAKERS: dict[str, Any] = {
    "clip": clip,
    "metaclip_2": metaclip_2,
    "open_clip": open_clip,
    "siglip": siglip,
}


def opened(folder: Path, **options: Any) -> ImageTextEncoder:
    encoder = load(folder, device="cpu", **options)
    assert isinstance(encoder, ImageTextEncoder)
    return encoder


def assert_near(ours: ImageTextEncoder, theirs: ImageTextEncoder, atol: float = 1e-5) -> None:
    for batch_size in (None, 1):
        np.testing.assert_allclose(
            ours.encode_image(PICTURES, batch_size=batch_size),
            theirs.encode_image(PICTURES),
            atol=atol,
        )
        np.testing.assert_allclose(
            ours.encode(TEXTS, batch_size=batch_size, on_overflow="truncate"),
            theirs.encode(TEXTS, on_overflow="truncate"),
            atol=atol,
        )


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
@pytest.mark.parametrize("name", list(MAKERS))
def test_both_sides_have_the_vectors_and_the_scores_of_torch(
    name: str, backend: Backend, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    MAKERS[name](folder)
    made = export(folder, backend=backend, to=tmp_path / "made")
    assert isinstance(made.manifest.loss, VectorLoss)
    assert made.manifest.loss.max_difference < 1e-4
    assert len(made.manifest.loss.texts) == 12 + 4
    ours, theirs = opened(made.folder, backend=backend), opened(folder)
    with ours, theirs:
        assert_near(ours, theirs)
        assert ours.fingerprint == theirs.fingerprint
        assert (ours.dim, ours.max_length) == (theirs.dim, theirs.max_length)
        texts, pictures = theirs.encode_query(["a cat"]), theirs.encode_image(PICTURES)
        np.testing.assert_array_equal(
            ours.similarity(texts, pictures), theirs.similarity(texts, pictures)
        )
        labels = [one.classify_image(PICTURES[0], ["cat", "dog"]) for one in (ours, theirs)]
        assert [label.label for label in labels[0]] == [label.label for label in labels[1]]
        assert ours.memory_bytes > 0
        ours.warm_up()
    with pytest.raises(Exception, match="closed"):
        ours.encode_image(PICTURES)


# Tall, flat and tiny ones: each has another number of tiles or patches.
PAGES = [
    photograph(80, 60),
    photograph(200, 9, seed=1),
    photograph(1, 1),
    photograph(40, 280, seed=2),
    photograph(150, 150, seed=3),
]


PAGE_MAKERS: dict[str, Any] = {
    "colmodernvbert": colmodernvbert,
    "colpali": colpali,
    "colqwen2": colqwen2,
    "colsmol": colsmol,
}


@pytest.mark.parametrize(
    ("backend", "dtype"),
    [("onnx", "float32"), ("onnx", "float16"), ("onnx", "int8"), ("openvino", "float32")],
)
@pytest.mark.parametrize("name", list(PAGE_MAKERS))
def test_pages_have_the_vectors_of_torch(
    name: str, backend: Backend, dtype: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    PAGE_MAKERS[name](folder)
    options: dict[str, Any] = {} if dtype == "float32" else {"min_cosine": 0.5}
    made = export(folder, backend=backend, dtype=dtype, to=tmp_path / "made", **options)
    assert isinstance(made.manifest.loss, VectorLoss)
    assert len(made.manifest.loss.texts) == 12 + 4
    ours = load(made.folder, backend=backend, dtype=dtype, device="cpu")
    theirs = load(folder, device="cpu")
    assert isinstance(ours, ColbertEncoder)
    assert isinstance(theirs, ColbertEncoder)
    with ours, theirs:
        # In float32 they are equal to rounding; bytes and halves of a tiny model are near.
        near = {"float32": 1e-5, "float16": 0.05, "int8": 0.5}[dtype]
        queries = ["a red cat", "the house of two dog and a cat"]
        for mine, other in (
            (ours.encode_query(queries), theirs.encode_query(queries)),
            (ours.encode_image(PAGES), theirs.encode_image(PAGES)),
        ):
            assert mine.lengths.tolist() == other.lengths.tolist()
            np.testing.assert_allclose(mine.values, other.values, atol=near)
        scores = [
            one.similarity(one.encode_query(queries), one.encode_image(PAGES))
            for one in (ours, theirs)
        ]
        assert np.ptp(scores[1]) > 1e-2
        if dtype == "float32":
            assert np.abs(scores[0] - scores[1]).max() <= 1e-4
        assert ours.fingerprint == theirs.fingerprint
        assert ours.memory_bytes > 0
        ours.warm_up()
        short = load(made.folder, backend=backend, dtype=dtype, device="cpu", max_length=24)
        assert isinstance(short, ColbertEncoder)
        assert len(short.encode_query("cat " * 99, on_overflow="truncate")) == 24
    with pytest.raises(Exception, match="closed"):
        ours.encode_image(PAGES)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkpoint and its export, never changed."""
    place = tmp_path_factory.mktemp("exports")
    clip(place / "model")
    export(place / "model", backend="onnx", to=place / "made")
    return place / "model", place / "made"


def test_an_export_holds_a_graph_for_each_side_and_their_digests(
    exported: tuple[Path, Path],
) -> None:
    stated = json.loads((exported[1] / MANIFEST_FILE).read_text())
    graphs = {"onnx/model.onnx", "onnx/vision_model.onnx"}
    assert set(stated["files"]) >= graphs | {"model.safetensors"}
    assert stated["weights"]["model.safetensors"] != stated["files"]["model.safetensors"]


def test_int8_is_near_and_smaller(tmp_path: Path, exported: tuple[Path, Path]) -> None:
    folder, whole = exported
    made = export(folder, backend="onnx", dtype="int8", min_cosine=0.5, to=tmp_path / "made")
    graphs = ("onnx/model.onnx", "onnx/vision_model.onnx")
    for name in graphs:
        assert (made.folder / name).stat().st_size < (whole / name).stat().st_size
    with opened(made.folder, backend="onnx", dtype="int8") as ours, opened(folder) as theirs:
        found, expected = (one.encode_image(PICTURES) for one in (ours, theirs))
        cosines = (found * expected).sum(1) / np.linalg.norm(found, axis=1)
        assert (cosines / np.linalg.norm(expected, axis=1) > 0.9).all()


def test_float16_is_near(tmp_path: Path, exported: tuple[Path, Path]) -> None:
    made = export(exported[0], backend="onnx", dtype="float16", to=tmp_path / "made")
    ours = opened(made.folder, backend="onnx", dtype="float16")
    with ours, opened(exported[0]) as theirs:
        assert_near(ours, theirs, atol=0.05)


def test_a_changed_or_missing_graph_for_pictures_is_refused(
    tmp_path: Path, exported: tuple[Path, Path]
) -> None:
    copied = shutil.copytree(exported[1], tmp_path / "copied")
    (copied / "onnx/vision_model.onnx").write_bytes(b"other")
    with pytest.raises(CheckpointError, match="has 5 bytes"):
        load(copied, backend="onnx")
    (copied / MANIFEST_FILE).unlink()
    with pytest.raises(CheckpointError, match="ONNX Runtime cannot open it"):
        load(copied, backend="onnx")
    (copied / "onnx/vision_model.onnx").unlink()
    with pytest.raises(CheckpointError, match=r"has no vision_model\.onnx"):
        load(copied, backend="onnx")


def test_a_graph_of_another_kind_is_refused(tmp_path: Path, exported: tuple[Path, Path]) -> None:
    copied = shutil.copytree(exported[1], tmp_path / "copied")
    (copied / MANIFEST_FILE).unlink()
    shutil.copy(copied / "onnx/model.onnx", copied / "onnx/vision_model.onnx")
    with pytest.raises(CheckpointError, match="expected image_features"):
        load(copied, backend="onnx")


def test_a_network_for_pictures_that_differs_is_no_export(
    tmp_path: Path, exported: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from holotype.encoders.torch_backend.image_text import PictureFeatures

    right = PictureFeatures._run
    monkeypatch.setattr(PictureFeatures, "_run", lambda self, batch: right(self, batch) + 0.01)
    with pytest.raises(ExportError, match="too far"):
        export(exported[0], backend="onnx", to=tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_what_no_graph_keeps_is_refused_with_the_reason(tmp_path: Path) -> None:
    makers: dict[str, tuple[Any, str]] = {
        "patches": (siglip2, "max_patches 24"),
    }
    for name, (make, words) in makers.items():
        make(tmp_path / name)
        with pytest.raises(UnsupportedModelError, match=words):
            export(tmp_path / name, backend="onnx", to=tmp_path / "made")
        assert not (tmp_path / "made").exists()
