"""Python files of a checkpoint run only where the caller says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import transformers.dynamic_module_utils
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.parity import DenseRecord, Save, change

from holotype.encoders import load
from holotype.errors import UnsafeCheckpointError

CONFIGURATION = """
from pathlib import Path
from transformers import BertConfig
Path({witness!r}).touch()
class OwnConfig(BertConfig):
    model_type = "tiny-own"
"""
MODEL = """
from transformers import BertModel
from .configuration_own import OwnConfig
class OwnModel(BertModel):
    config_class = OwnConfig
"""


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A file that exists once the code of the checkpoint has run."""
    return tmp_path / "witness"


@pytest.fixture
def folder(
    save_dense: Save, tmp_path: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A checkpoint whose architecture is code of its own."""
    cache = str(tmp_path / "modules")
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", cache)
    monkeypatch.syspath_prepend(cache)
    folder = save_dense(Pooling(32, "mean"))
    (folder / "configuration_own.py").write_text(CONFIGURATION.format(witness=str(witness)))
    (folder / "modeling_own.py").write_text(MODEL)
    classes = {"AutoConfig": "configuration_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}
    change(folder, "config.json", model_type="tiny-own", auto_map=classes)
    return folder


def test_an_architecture_of_its_own_is_refused_and_not_run(
    folder: Path, witness: Path, dense_record: DenseRecord
) -> None:
    with pytest.raises(UnsafeCheckpointError, match="pass trust_remote_code=True"):
        load(dense_record(), checkpoint=folder)
    assert not witness.exists()


def test_an_architecture_of_its_own_runs_where_it_is_trusted(
    folder: Path, witness: Path, dense_record: DenseRecord
) -> None:
    encoder = load(dense_record(), checkpoint=folder, trust_remote_code=True)
    assert witness.exists()
    assert encoder.encode("a text").shape == (32,)
    assert encoder.config.trust_remote_code


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_another_repository_is_refused_always(
    name: str, folder: Path, witness: Path, dense_record: DenseRecord
) -> None:
    kinds = ("AutoConfig", "AutoModel", "AutoTokenizer")
    change(folder, name, auto_map=dict.fromkeys(kinds, "other/repo--code.Class"))
    with pytest.raises(UnsafeCheckpointError, match="whose revision nothing pins"):
        load(dense_record(), checkpoint=folder, trust_remote_code=True)


def test_a_known_architecture_does_not_stand_in_for_code_unless_the_record_says_so(
    folder: Path, witness: Path, dense_record: DenseRecord
) -> None:
    change(folder, "config.json", model_type="bert")
    for required in (None, True):
        with pytest.raises(UnsafeCheckpointError, match="requires_remote_code=False"):
            load(dense_record(requires_remote_code=required), checkpoint=folder)
    encoder = load(dense_record(requires_remote_code=False), checkpoint=folder)
    assert encoder.encode("a text").shape == (32,)
    assert not witness.exists()


def test_a_tokenizer_of_its_own_is_refused_and_not_run(
    save_dense: Save, witness: Path, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    (folder / "tokenization_own.py").write_text(CONFIGURATION.format(witness=str(witness)))
    own = {"AutoTokenizer": ["tokenization_own.OwnTokenizer", None]}
    change(folder, "tokenizer_config.json", tokenizer_class="OwnTokenizer", auto_map=own)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("[UNK]")
    with pytest.raises(
        UnsafeCheckpointError, match="AutoTokenizer is Python code of the checkpoint"
    ):
        load(dense_record(), checkpoint=folder)
    assert not witness.exists()
