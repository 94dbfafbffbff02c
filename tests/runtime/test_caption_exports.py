"""Exports of captioners: the captions of torch, token for token, or no export."""

from __future__ import annotations

import base64
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.pictures import encoded, photograph
from tests.runtime.image_models import blip, blip_2, blip_2_t5, git, vit_gpt2
from tests.runtime.parity import change
from tests.runtime.server_process import local, running_server, write_deployment

from holotype import load
from holotype.deployment.document import (
    InferenceSettings,
    ModelSpec,
    ReferenceSource,
    VariantSpec,
)
from holotype.encoders.captioner import Captioner
from holotype.encoders.checkpoints.caption_limits import MOST_TOKENS
from holotype.encoders.config import Backend
from holotype.encoders.exports import export
from holotype.encoders.graphs.captions import CAPTIONS_FILE
from holotype.encoders.graphs.losses import CaptionLoss
from holotype.encoders.graphs.manifest import MANIFEST_FILE
from holotype.errors import (
    CheckpointError,
    ClosedEncoderError,
    ExportError,
    InvalidArgumentError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)
from holotype.pool import Pool
from holotype.publishing.creating import create_artifact
from holotype.records import CaptionerModel
from holotype.references.ref import ModelRef

pytestmark = pytest.mark.usefixtures("_each_network_is_traced_once")

MAKERS: dict[str, Callable[[Path], Any]] = {
    "blip": blip,
    "git": git,
    "blip_2": blip_2,
    "blip_2_t5": blip_2_t5,
    "vit_gpt2": vit_gpt2,
}
TORCH: Backend = "torch"
ONNX: Backend = "onnx"
NAN, INFINITE = float("nan"), float("inf")
PICTURES = [photograph(40 + 7 * at, 60 - 3 * at, seed=at) for at in range(7)]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"max_new_tokens": 1},
    {"max_new_tokens": 12, "num_beams": 3},
    {"max_new_tokens": 12, "num_beams": 4, "length_penalty": 2.0, "repetition_penalty": 1.5},
    {"max_new_tokens": 12, "min_length": 8, "prompt": "a photo of"},
    {"max_new_tokens": 7, "num_beams": 2, "prompt": "the red"},
    {"max_length": 14, "repetition_penalty": 1.3},
]


def opened(folder: Path, backend: Backend = "torch", dtype: Any = None, **known: Any) -> Captioner:
    record = CaptionerModel(
        id="tiny",
        type="captioner",
        name="Tiny",
        huggingface_id="none/tiny",
        organization="none",
        description="A tiny model.",
        embedding_dim=None,
        **known,
    )
    return load(record, checkpoint=folder, backend=backend, device="cpu", dtype=dtype)


def assert_same(ours: Captioner, theirs: Captioner, **options: Any) -> None:
    found, expected = ours.caption(PICTURES, **options), theirs.caption(PICTURES)
    for mine, other in zip(found, expected, strict=True):
        assert (mine.text, mine.n_tokens, mine.version) == (
            other.text,
            other.n_tokens,
            other.version,
        )
        assert mine.score == pytest.approx(other.score, abs=1e-4)


@pytest.fixture(scope="module", params=list(MAKERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("model")
    MAKERS[request.param](made)
    return made


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def made(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Backend]:
    """A checkpoint, its export, and the backend."""
    to = tmp_path_factory.mktemp("exports") / "made"
    found = export(folder, backend=request.param, to=to)
    loss = found.manifest.loss
    assert isinstance(loss, CaptionLoss)
    assert loss.words_kept == 1
    assert loss.max_difference < 1e-4
    assert len(loss.pictures) == 4
    return folder, to, request.param


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_captions_are_those_of_torch(
    made: tuple[Path, Path, Backend], options: dict[str, Any]
) -> None:
    folder, to, backend = made
    with opened(folder, **options) as theirs, opened(to, backend, **options) as ours:
        for batch_size in (None, 1, 3):
            assert_same(ours, theirs, batch_size=batch_size)
        assert ours.fingerprint == theirs.fingerprint
        assert ours.compatible_with(theirs)


def test_it_is_a_captioner_like_any_other(made: tuple[Path, Path, Backend]) -> None:
    folder, to, backend = made
    theirs, ours = opened(folder), opened(to, backend)
    assert len({caption.text for caption in theirs.caption(PICTURES)}) > 1
    windows = list(ours.caption_stream(iter(PICTURES * 6)))
    assert len(windows) > 1
    assert [one.text for window in windows for one in window] == [
        one.text for one in theirs.caption(PICTURES * 6)
    ]
    assert_same(ours, theirs, devices=["cpu", "cpu"])
    assert ours.caption([]) == []
    assert ours.memory_bytes > 0
    assert (ours.device, ours.dtype) == ("cpu", "float32")
    ours.warm_up()
    ours.close()
    with pytest.raises(ClosedEncoderError):
        ours.caption(PICTURES)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A BLIP model and its export, never changed."""
    place = tmp_path_factory.mktemp("blip")
    blip(place / "model")
    export(place / "model", backend="onnx", to=place / "made")
    return place / "model", place / "made"


def test_it_says_what_it_holds(exported: tuple[Path, Path]) -> None:
    stated = json.loads((exported[1] / MANIFEST_FILE).read_text())
    graphs = {"onnx/model.onnx", "onnx/vision_model.onnx", f"onnx/{CAPTIONS_FILE}"}
    assert set(stated["files"]) >= graphs
    assert not (exported[1] / "model.safetensors").exists()


def test_captions_are_written_without_torch_and_transformers(exported: tuple[Path, Path]) -> None:
    photograph(40, 50).save(exported[0].parent / "picture.png")
    program = f"""
import sys
from holotype import load
captioner = load({str(exported[1])!r}, backend="onnx")
print(captioner.caption({str(exported[0].parent / "picture.png")!r}).text)
assert not {{"torch", "transformers", "onnx"}} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == opened(exported[0]).caption(photograph(40, 50)).text


@pytest.mark.parametrize(
    ("backend", "dtype"), [("onnx", "float16"), ("onnx", "int8"), ("openvino", "bfloat16")]
)
def test_other_types_have_captions_too(
    backend: Backend, dtype: Any, exported: tuple[Path, Path], tmp_path: Path
) -> None:
    to = tmp_path / "made"
    export(exported[0], backend=backend, dtype=dtype, to=to, max_difference=0.5)
    with (
        opened(exported[0], max_new_tokens=1) as theirs,
        opened(to, backend, dtype, max_new_tokens=1) as ours,
    ):
        pairs = zip(ours.caption(PICTURES), theirs.caption(PICTURES), strict=True)
        # The first tokens have not gone astray yet.
        assert all(abs(mine.score - other.score) < 0.3 for mine, other in pairs)
    with pytest.raises(CheckpointError, match=f"is an export in {dtype}"):
        opened(to, backend)


def test_an_export_that_writes_other_captions_is_not_kept(
    exported: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: Any = importlib.import_module("holotype.encoders.graphs.captions")
    right = captions.write_captions
    monkeypatch.setattr(
        captions,
        "write_captions",
        lambda *given, **named: right(*given, **named)[::-1],
    )
    with pytest.raises(ExportError, match=r"its captions in float32 are too far from the original"):
        export(exported[0], backend="onnx", to=tmp_path / "made")
    assert not (tmp_path / "made").exists()
    with pytest.raises(ValueError, match="reads no texts"):
        export(exported[0], backend="onnx", to=tmp_path / "made", texts=["a cat"])
    with pytest.raises(ValueError, match="say with max_difference="):
        export(exported[0], backend="onnx", to=tmp_path / "made", min_cosine=0.9)


def test_files_that_do_not_fit_are_refused(exported: tuple[Path, Path], tmp_path: Path) -> None:
    copied = shutil.copytree(exported[1], tmp_path / "copied")
    stated = json.loads((copied / "onnx" / CAPTIONS_FILE).read_text())
    (copied / "onnx" / CAPTIONS_FILE).write_text(json.dumps(stated | {"ends": [0]}))
    with pytest.raises(CheckpointError, match=r"captions\.json"):
        opened(copied, "onnx")
    (copied / MANIFEST_FILE).unlink()
    for name, value in [
        ("ends", "7"),
        ("layers", [4, 4]),
        ("n_parts", 1.5),
        ("length_penalty", None),
        ("early_stopping", "always"),
        ("decoder_start", "0"),
        *[("decoder_start", value) for value in (-1, 10**30, 99_999, True)],
        *[("start", value) for value in ([], [-1], [10**30], [99_999], [True], ["a"], None)],
        *[("start", [5] * 100), ("before", [1] * 50), ("before", [-5]), ("before", {})],
        *[("stops", [value]) for value in (-1, 99_999, 10**25, 3.0)],
        *[("ends", [-1]), ("ends", [10**25])],
        *[("layers", value) for value in ([0, 0, 0], [-4, 4, 8], [10**30, 4, 8])],
        *[("n_parts", value) for value in (0, -1, 10**30, True)],
        *[("min_length", value) for value in (-1, 41, 10**30)],
        *[("length_penalty", value) for value in (1000, 1e308, -1e6, 10**400, NAN, True)],
        *[("repetition_penalty", value) for value in (0, -1, 10**400, NAN, INFINITE)],
        *[("early_stopping", value) for value in (1, 0, 1.0, "Never", None)],
    ]:
        (copied / "onnx" / CAPTIONS_FILE).write_text(json.dumps(stated | {name: value}))
        with pytest.raises(CheckpointError, match=f"'{name}' is .*; expected"):
            opened(copied, "onnx")
    (copied / "onnx" / CAPTIONS_FILE).unlink()
    with pytest.raises(CheckpointError, match=r"captions\.json"):
        opened(copied, "onnx")
    # Each in the place of the other.
    (copied / "onnx" / CAPTIONS_FILE).write_text(json.dumps(stated))
    shutil.copy(copied / "onnx/vision_model.onnx", copied / "onnx/model.onnx")
    with pytest.raises(UnsupportedCheckpointError, match="has the inputs pixel_values; expected"):
        opened(copied, "onnx")


def errors_of(folders: tuple[Path, Path], **options: Any) -> set[str]:
    """What torch and the export say of a record."""
    said = set()
    for folder, backend in zip(folders, (TORCH, ONNX), strict=True):
        with pytest.raises(InvalidArgumentError) as raised:
            opened(folder, backend, **options)
        said.add(str(raised.value))
    return said


def test_captions_without_room_for_a_token_are_refused(exported: tuple[Path, Path]) -> None:
    (said,) = errors_of(exported, max_length=4, prompt="a photo of")
    assert "captions of 4 tokens at most, and they begin with 4" in said


@pytest.mark.parametrize("prompt", [None, "a photo of"])
def test_captions_are_no_longer_than_what_the_network_reads(
    made: tuple[Path, Path, Backend], prompt: str | None
) -> None:
    folder, to, backend = made
    said = set()
    for place, way in ((folder, TORCH), (to, backend)):
        with pytest.raises(InvalidArgumentError) as raised:
            opened(place, way, max_new_tokens=MOST_TOKENS, prompt=prompt)
        said.add(str(raised.value))
    assert len(said) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("num_beams", value) for value in (0, -1, 1000, True, 2.0)],
        *[("max_new_tokens", value) for value in (0, -1, 60, 10**400)],
        *[("max_length", value) for value in (0, 60)],
        *[("min_length", value) for value in (-3, 41)],
        *[("length_penalty", value) for value in (1e6, -1e6, 1e308, 10**400, NAN, INFINITE)],
        *[("repetition_penalty", value) for value in (0.0, -1.0, 1e-40, NAN, 10**400)],
    ],
)
def test_torch_and_exports_refuse_the_same_settings_with_the_same_words(
    exported: tuple[Path, Path], name: str, value: Any
) -> None:
    (said,) = errors_of(exported, **{name: value})
    assert said.startswith(f"{name} of the record 'tiny' is {value!r}; expected ")


@pytest.fixture(scope="module")
def exported_git(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A GIT model, which reads all its settings in a file, and its export, never changed."""
    place = tmp_path_factory.mktemp("git")
    git(place / "model")
    export(place / "model", backend="onnx", to=place / "made")
    return place / "model", place / "made"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("num_beams", 0), ("max_length", 41), ("max_new_tokens", True), ("min_length", -1)],
        *[("length_penalty", 10**400), ("repetition_penalty", NAN), ("early_stopping", 1)],
    ],
)
def test_settings_of_a_checkpoint_are_refused_by_the_same_rule(
    exported_git: tuple[Path, Path], tmp_path: Path, name: str, value: Any
) -> None:
    for folder, backend in zip(exported_git, (TORCH, ONNX), strict=True):
        copied = shutil.copytree(folder, tmp_path / backend)
        (copied / MANIFEST_FILE).unlink(missing_ok=True)
        change(copied, "generation_config.json", **{name: value})
        with pytest.raises(CheckpointError, match=rf"'{name}' is .*; expected"):
            opened(copied, backend)


@pytest.mark.parametrize("value", [0, True, 41, 10**400])
def test_the_length_in_the_configuration_of_the_network_is_refused_by_the_same_rule(
    exported: tuple[Path, Path], tmp_path: Path, value: Any
) -> None:
    for folder, backend in zip(exported, (TORCH, ONNX), strict=True):
        copied = shutil.copytree(folder, tmp_path / backend)
        (copied / MANIFEST_FILE).unlink(missing_ok=True)
        texts = json.loads((copied / "config.json").read_text())["text_config"]
        change(copied, "config.json", text_config=texts | {"max_new_tokens": value})
        with pytest.raises(CheckpointError, match=r"'text_config\.max_new_tokens' is .*; expected"):
            opened(copied, backend)


def test_an_export_ends_captions_of_no_stated_length_where_the_network_does(
    tmp_path: Path,
) -> None:
    blip(tmp_path / "model", n_positions=12)
    export(tmp_path / "model", backend="onnx", to=tmp_path / "made")
    with opened(tmp_path / "model") as theirs, opened(tmp_path / "made", "onnx") as ours:
        assert max(caption.n_tokens for caption in theirs.caption(PICTURES)) == 12
        assert_same(ours, theirs)


def test_an_export_without_a_generation_file_takes_the_configuration(tmp_path: Path) -> None:
    git(tmp_path / "model")
    (tmp_path / "model/generation_config.json").unlink()
    change(tmp_path / "model", "config.json", num_beams=3, repetition_penalty=1.7, max_length=9)
    export(tmp_path / "model", backend="onnx", to=tmp_path / "made")
    with opened(tmp_path / "model") as theirs, opened(tmp_path / "made", "onnx") as ours:
        assert max(caption.n_tokens for caption in theirs.caption(PICTURES)) == 9
        assert_same(ours, theirs)


def test_a_search_that_only_transformers_has_is_refused_by_name(tmp_path: Path) -> None:
    git(tmp_path / "model")
    change(tmp_path / "model", "generation_config.json", no_repeat_ngram_size=2)
    with pytest.raises(UnsupportedModelError, match="sets no_repeat_ngram_size to 2 for captions"):
        export(tmp_path / "model", backend="onnx", to=tmp_path / "made")


def test_what_the_checkpoint_says_of_captions_goes_with_the_export(tmp_path: Path) -> None:
    git(tmp_path / "model")
    change(
        tmp_path / "model",
        "generation_config.json",
        num_beams=3,
        early_stopping=True,
        length_penalty=0.5,
        repetition_penalty=1.4,
        max_length=9,
    )
    export(tmp_path / "model", backend="onnx", to=tmp_path / "made")
    stated = json.loads((tmp_path / "made/onnx" / CAPTIONS_FILE).read_text())
    assert stated["early_stopping"] is True
    with opened(tmp_path / "model") as theirs, opened(tmp_path / "made", "onnx") as ours:
        assert theirs.encoding.num_beams == 3
        assert_same(ours, theirs)


def test_an_export_of_an_artifact_is_the_same_model(
    exported: tuple[Path, Path], tmp_path: Path
) -> None:
    create_artifact(exported[0], tmp_path / "artifact")
    export(tmp_path / "artifact", backend="onnx", to=tmp_path / "made")
    assert not (tmp_path / "made" / "artifact.json").exists()
    with opened(exported[0]) as theirs, opened(tmp_path / "made", "onnx") as ours:
        assert_same(ours, theirs)
        assert ours.fingerprint == theirs.fingerprint
    # Earlier versions copied the manifest of the artifact, which says nothing of the export.
    shutil.copy(tmp_path / "artifact" / "artifact.json", tmp_path / "made")
    with opened(tmp_path / "made", "onnx") as copied:
        assert copied.fingerprint == ours.fingerprint


def test_the_pool_writes_the_same_captions(exported: tuple[Path, Path]) -> None:
    source = ReferenceSource(ref=ModelRef.parse(f"local:{exported[1]}/"))
    settings = InferenceSettings(backend="onnx", device="cpu")
    spec = ModelSpec(
        name="blip",
        variants=(VariantSpec(source=source, inference=settings),),
        inference=settings,
        allow_moving=True,
    )
    with Pool.builder().with_spec(spec).build() as pool, opened(exported[0]) as theirs:
        handle = pool.captioner("blip")
        expected = [caption.text for caption in theirs.caption(PICTURES)]
        assert [caption.text for caption in handle.caption(PICTURES)] == expected
        batched = handle.with_options(batched=True)
        assert [batched.caption(picture).text for picture in PICTURES] == expected
        assert handle.fingerprint == theirs.fingerprint


def test_the_server_writes_the_same_captions(exported: tuple[Path, Path], tmp_path: Path) -> None:
    models = {"blip": local(exported[1], "inference: {backend: onnx}")}
    with running_server(deployment=str(write_deployment(tmp_path, models))) as server:
        uri = f"data:image/png;base64,{base64.b64encode(encoded(PICTURES[0])).decode()}"
        body = server.post("/v1/captions", {"model": "blip", "input": [{"image": uri}]}).json()
    with opened(exported[0]) as theirs:
        assert [one["text"] for one in body["data"]] == [theirs.caption(PICTURES[0]).text]
        assert body["fingerprint"] == theirs.fingerprint
