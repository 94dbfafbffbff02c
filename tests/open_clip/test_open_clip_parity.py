"""Folders that only OpenCLIP describes: the same vectors as OpenCLIP's.

OpenCLIP needs torchvision, and lives in an environment of its own, which `make
.venv-open-clip/.installed` makes. It runs once, for all cases.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pictures import photograph
from tests.runtime.image_models import open_clip

from holotype import load
from holotype.encoders import ImageTextEncoder
from holotype.encoders.inputs.images import decode
from holotype.encoders.inputs.pixels import prepare

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-open-clip" / "bin" / "python"
N_WORDS = 49_408
TEXTS = [
    "a photo of a cat",
    "A Dog, and 12 houses!",
    "Überraschung: 4.5 km north-east of São Paulo",
    "",
    "  two   blanks\tand\na line ",
    "the red cat " * 20,
]
# Among their sizes are such whose crop begins at a half.
SIZES = [(30, 30), (33, 30), (60, 80), (37, 31), (41, 35), (90, 31), (30, 47), (200, 130)]
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "quick-gelu": {"quick_gelu": True},
    "text-apart": {"custom_text": True},
    "squash": {"resize_mode": "squash", "interpolation": "bilinear"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert PYTHON.exists(), (
        "OpenCLIP's environment is missing; run: make .venv-open-clip/.installed"
    )
    folder = tmp_path_factory.mktemp("open-clip")
    pictures = []
    for at, size in enumerate(SIZES):
        pictures.append(str(folder / f"{at}.png"))
        photograph(*size, seed=at).save(pictures[-1])
    for name, options in CASES.items():
        open_clip(folder / name, vocab_size=N_WORDS, **options)
    cases = folder / "cases.json"
    folders = [str(folder / name) for name in CASES]
    cases.write_text(json.dumps({"folders": folders, "pictures": pictures, "texts": TEXTS}))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        [PYTHON, Path(__file__).parent / "reference.py", cases],
        check=True,
        env=environment | {"HF_HUB_OFFLINE": "1"},
    )
    return folder


@pytest.fixture(scope="module", params=list(CASES))
def each(request: pytest.FixtureRequest, made: Path) -> tuple[ImageTextEncoder, Any]:
    encoder = load(made / request.param, device="cpu")
    assert isinstance(encoder, ImageTextEncoder)
    return encoder, np.load(made / request.param / "theirs.npz")


def pictures_of(made: Path) -> list[Path]:
    return [made / f"{at}.png" for at in range(len(SIZES))]


def test_vectors_of_pictures(each: tuple[ImageTextEncoder, Any], made: Path) -> None:
    encoder, theirs = each
    found = encoder.encode_image(pictures_of(made))
    np.testing.assert_allclose(found, theirs["pictures"], rtol=0, atol=1e-5)


def test_what_the_network_reads(each: tuple[ImageTextEncoder, Any], made: Path) -> None:
    encoder, theirs = each
    chosen = encoder.encoding.pixels
    for path, pixels in zip(pictures_of(made), theirs["pixels"], strict=True):
        ours = prepare(decode(path, chosen), chosen).pixels
        np.testing.assert_allclose(ours, pixels, rtol=0, atol=1e-6)


def test_vectors_of_texts(each: tuple[ImageTextEncoder, Any]) -> None:
    encoder, theirs = each
    found = encoder.encode(TEXTS, on_overflow="truncate")
    np.testing.assert_allclose(found, theirs["texts"], rtol=0, atol=1e-5)


def test_the_scale_of_scores(each: tuple[ImageTextEncoder, Any]) -> None:
    encoder, theirs = each
    assert encoder.encoding.logit_scale == pytest.approx(float(theirs["scale"]))
