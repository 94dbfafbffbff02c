"""`load` and `ModelConfig`, before anything heavy is imported."""

from __future__ import annotations

import dataclasses
import gc
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from holotype import encoders
from holotype.encoders import ModelConfig, load
from holotype.encoders._load import import_part
from holotype.encoders.config import chosen_dim
from holotype.encoders.options import settings_of
from holotype.errors import (
    ArtifactNotFoundError,
    CheckpointNotFoundError,
    InvalidDimensionError,
    MissingExtraError,
    ModelNotFoundError,
    UnsupportedModelError,
)
from holotype.records import ColbertModel, CrossEncoderModel, DenseModel, ModelInfo

SOURCE = Path(__file__).parents[4] / "src"
COMMON: dict[str, Any] = {
    "id": "tiny",
    "name": "Tiny",
    "huggingface_id": "tests/tiny",
    "organization": "Tests",
    "description": "A model of the tests.",
    "embedding_dim": 64,
}
DENSE: DenseModel[Any] = DenseModel(type="dense", matryoshka_dims=(16, 64), **COMMON)


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import holotype.encoders; "
        "heavy = ['torch', 'numpy', 'transformers', 'tokenizers', 'huggingface_hub']; "
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(SOURCE)], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("missing", ["numpy", "torch"])
def test_a_missing_extra_is_named_with_the_command_that_installs_it(missing: str) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules[sys.argv[2]] = None\n"
        "from holotype import MissingExtraError, load\n"
        "try: load('all-minilm-l6-v2')\n"
        "except MissingExtraError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(SOURCE), missing],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == (
        f"load() needs {missing!r}, which is not installed; run: pip install 'holotype[encoders]'\n"
    )


@pytest.mark.parametrize("collecting", [True, False])
@pytest.mark.parametrize(
    "body", ["import gc; states.append(gc.isenabled())", "import torch.missing"]
)
def test_no_garbage_is_collected_while_a_backend_is_imported(
    collecting: bool, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_backend.py").write_text("states = []\n" + body)
    monkeypatch.syspath_prepend(tmp_path)
    was_collecting = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        if "missing" in body:
            with pytest.raises(MissingExtraError):
                import_part("a_backend", "encoders", "load()")
        else:
            assert import_part("a_backend", "encoders", "load()").states == [False]
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if was_collecting else gc.disable)()
        sys.modules.pop("a_backend", None)


@pytest.mark.parametrize("name", ["model", "model@production", "~model", "model "])
def test_a_path_names_the_folder_itself_and_never_an_alias(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError) as caught:
        load(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_relative_path_that_starts_with_a_tilde_is_not_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactNotFoundError, match=r"local:\./~/model"):
        load(Path("~") / "model")


def test_the_encoder_classes_are_where_users_look_for_them() -> None:
    for name in encoders.__all__:
        assert getattr(encoders, name).__name__ == name


def test_a_kind_without_an_encoder_is_named() -> None:
    record: Any = ModelInfo(type="text-to-speech", **COMMON)
    with pytest.raises(UnsupportedModelError) as caught:
        load(record)
    assert str(caught.value) == (
        "'tiny' cannot be loaded: there is no encoder for models of the kind 'text-to-speech'"
    )


@pytest.mark.parametrize("dim", [0, 32, 65, True, 16.0, "16"])
def test_only_the_models_own_dimensions_are_accepted(dim: Any) -> None:
    with pytest.raises(InvalidDimensionError, match="pass one of dim=16, 64") as caught:
        load(DENSE, dim=dim)
    assert caught.value.allowed == (16, 64)


@pytest.mark.parametrize("dim", [15, 65, 0, -16, True, 16.0, "16"])
def test_only_dimensions_of_the_models_range_are_accepted(dim: Any) -> None:
    record: DenseModel[int] = DenseModel(type="dense", **COMMON, matryoshka_range=(16, 64))
    with pytest.raises(InvalidDimensionError) as caught:
        load(record, dim=dim)
    assert str(caught.value) == (
        f"'tiny' has no vectors of {dim!r} dimensions; pass any dim from 16 to 64"
    )
    assert pickle.loads(pickle.dumps(caught.value)).allowed == range(16, 65)


@pytest.mark.parametrize("dim", [16, 17, 63, 64])
def test_every_dimension_of_the_models_range_is_accepted(dim: int) -> None:
    record: DenseModel[int] = DenseModel(type="dense", **COMMON, matryoshka_range=(16, 64))
    assert chosen_dim(record, dim) == dim
    assert type(chosen_dim(record, cast("int", np.int64(dim)))) is int


def test_a_model_that_is_not_matryoshka_has_one_dimension() -> None:
    record: ColbertModel[Any] = ColbertModel(type="colbert", **COMMON, matryoshka_dims=(64,))
    with pytest.raises(InvalidDimensionError, match="pass only dim=64") as caught:
        load(record, dim=16)
    assert caught.value.sizes_known


def test_smaller_dimensions_that_no_source_states_are_unknown() -> None:
    record: ColbertModel[Any] = ColbertModel(type="colbert", **COMMON)
    with pytest.raises(InvalidDimensionError) as caught:
        load(record, dim=16)
    assert str(caught.value) == (
        "it is unknown whether vectors of 'tiny' can be truncated to 16 dimensions, since no "
        "source states its Matryoshka sizes; leave dim= out, or, if its authors name that size, "
        "load dataclasses.replace(record, matryoshka_dims=(16, 64))"
    )
    assert pickle.loads(pickle.dumps(caught.value)).sizes_known is False
    # What exceeds the vectors is no size of theirs.
    with pytest.raises(InvalidDimensionError, match="pass only dim=64"):
        load(record, dim=65)


def test_a_model_without_vectors_has_no_dimensions() -> None:
    record = CrossEncoderModel(type="cross-encoder", **{**COMMON, "embedding_dim": None})
    with pytest.raises(InvalidDimensionError, match=r"returns no vectors .*; leave dim= out"):
        load(record, dim=16)  # type: ignore[call-overload]


@pytest.mark.parametrize("model", [None, 3, DenseModel])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(TypeError, match="expected a record, an id, a reference such as"):
        load(model)


def test_a_record_of_modules_that_were_imported_anew_since_says_so() -> None:
    program = """
import sys
from holotype.models import BGE_M3
for name in [name for name in sys.modules if name.partition(".")[0] == "holotype"]:
    del sys.modules[name]
import holotype
try:
    holotype.load(BGE_M3)
except holotype.HolotypeError as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.endswith("imported anew; restart Python, in a notebook its kernel\n")


def test_an_option_that_is_unknown_is_named_with_those_that_there_are() -> None:
    options: Any = {"zzz": True}
    with pytest.raises(
        TypeError, match=r"no option 'zzz'; expected one of dim, device, dtype.* verify, lock$"
    ):
        load(DENSE, **options)
    with pytest.raises(TypeError, match="no option 'zzz'; expected one of batch_size, on_overflow"):
        settings_of(**options)


def test_a_type_that_is_unknown_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"unknown dtype 'int3'; did you mean 'int8'\? expected one of float32"
    ):
        load(DENSE, dtype="int3")  # type: ignore[call-overload]


def test_an_id_that_is_unknown_is_refused_with_suggestions() -> None:
    unknown: Any = "all-minilm-l6-v3"
    with pytest.raises(ModelNotFoundError, match="did you mean 'all-minilm-l6-v2'"):
        load(unknown)


def test_a_config_settles_how_a_model_is_run() -> None:
    config = ModelConfig.from_registry(
        "all-minilm-l6-v2", device="cpu", dtype="bfloat16", checkpoint=Path("/some/folder")
    )
    assert (config.record.id, config.dim) == ("all-minilm-l6-v2", 384)
    assert (config.device, config.dtype) == ("cpu", "bfloat16")
    assert (config.checkpoint, config.trust_remote_code) == ("/some/folder", False)
    usual = ModelConfig.from_registry("all-minilm-l6-v2")
    assert (usual.device, usual.dtype, usual.checkpoint) == (None, "float32", None)


def test_a_config_is_a_frozen_value() -> None:
    config = ModelConfig(record=DENSE, dim=16)
    assert config == ModelConfig(record=DENSE, dim=16)
    assert hash(config) == hash(ModelConfig(record=DENSE, dim=16))
    assert pickle.loads(pickle.dumps(config)) == config
    assert dataclasses.replace(config, dim=64) == ModelConfig(record=DENSE, dim=64)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.dim = 64  # type: ignore[misc]  # that it cannot be set is what is tested


def test_a_config_is_checked_when_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(InvalidDimensionError):
        load(ModelConfig(record=DENSE, dim=17))
    with pytest.raises(CheckpointNotFoundError, match="nowhere"):
        load(ModelConfig(record=DENSE, dim=16, checkpoint=str(tmp_path / "nowhere")))


def test_a_config_leaves_no_room_for_further_settings() -> None:
    untyped: Any = load
    with pytest.raises(TypeError, match=r"dataclasses\.replace"):
        untyped(ModelConfig(record=DENSE, dim=16), dim=64)
