from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.holotype.hub.checkpoints import (
    ST,
    Files,
    as_json,
    bert,
    classifier,
    colbert_multi_vector,
    colbert_pylate,
    colbert_stanford,
    cross_encoder,
    dense,
    model2vec,
    record,
    safetensors,
    saved,
    sparse,
    static,
    templated_reranker,
)

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.earlier_fingerprint import has_fingerprint
from holotype.encoders.fingerprint import deciding, fingerprint, fingerprint_of_folder
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.plan import DensePlan
from holotype.encoders.kinds.planning import make_plan
from holotype.encoders.kinds.prompts import Prompt
from holotype.encoders.opening import open_reference
from holotype.publishing import create_artifact
from holotype.records import SparseModel
from holotype.references import ModelRef


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved(tmp_path / "model", dense())
    return tmp_path / "model"


def of(folder: Path, dim: int | None = 32, **known: Any) -> str:
    return fingerprint(make_plan(record(**known), Checkpoint(folder)), dim=dim)


def of_encoding(encoding: Any, folder: Path) -> str:
    """Return the fingerprint of a plan whose encoding is another one."""
    plan = make_plan(record(), Checkpoint(folder))
    return fingerprint(replace(plan, encoding=encoding), dim=None)


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_same_files_and_settings_give_the_same_fingerprint(
    folder: Path, tmp_path: Path
) -> None:
    saved(tmp_path / "elsewhere/copy", dense())
    assert of(folder) == of(tmp_path / "elsewhere/copy")
    assert of(folder).startswith("sha256:")


def test_what_decides_the_vectors_decides_the_fingerprint(folder: Path) -> None:
    before = of(folder)
    assert of(folder, dim=16) != before
    assert of(folder, query_prompt="query: ") != before
    plan = make_plan(record(), Checkpoint(folder))
    assert isinstance(plan, DensePlan)
    encoding = plan.encoding
    for change in (
        {"normalized": False},
        {"max_length": 47},
        {"layers": encoding.layers[:1]},
        {"document_prompt": Prompt("passage: ")},
        {"similarity": "dot"},
    ):
        assert fingerprint(replace(plan, encoding=replace(encoding, **change)), dim=32) != before


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_the_bytes_of_weights_and_tokenizer_decide(folder: Path, name: str) -> None:
    before = of(folder)
    if name.endswith(".safetensors"):
        with_other_weights(folder / name)
    else:
        with (folder / name).open("ab") as file:
            file.write(b" ")
    assert of(folder) != before


def with_other_weights(path: Path) -> None:
    """Change the last number of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def in_shards(folder: Path, tensors: dict[str, tuple[str, str]]) -> None:
    """Put the weights into shards: for each tensor its file, and what tells its values."""
    for shard in {shard for shard, _ in tensors.values()}:
        held = {name: value for name, (file, value) in tensors.items() if file == shard}
        body = safetensors({f"{name}.{value}": ("F32", [100, 32]) for name, value in held.items()})
        (folder / shard).write_bytes(body)
    index = {"weight_map": {name: file for name, (file, _) in tensors.items()}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_shard_decides_exactly_where_the_index_names_it(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(
            st.sampled_from(
                ("a.safetensors", "part/b.safetensors", "model-00001-of-00002.safetensors")
            ),
            unique=True,
            min_size=1,
        )
    )
    changed = data.draw(st.sampled_from((*names, "model-00002-of-00002.safetensors")))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        saved(folder, dense())
        (folder / "model.safetensors").unlink()
        (folder / "part").mkdir()
        (folder / "model-00002-of-00002.safetensors").write_bytes(safetensors({}))
        in_shards(folder, {f"tensor.{at}": (name, "x") for at, name in enumerate(names)})
        before = of(folder)
        with_other_weights(folder / changed)
        assert (of(folder) != before) == (changed in names)


def test_settings_of_the_network_decide_and_who_saved_them_does_not(folder: Path) -> None:
    before = of(folder)
    edit(folder / "config.json", transformers_version="9.9", torch_dtype="bfloat16")
    edit(folder / "config.json", _name_or_path="/home/someone", architectures=["BertForMaskedLM"])
    (folder / "README.md").write_text("another card")
    (folder / "onnx").mkdir()
    (folder / "onnx/model.safetensors").write_bytes(b"converted")
    assert of(folder) == before
    edit(folder / "config.json", hidden_act="relu")
    assert of(folder) != before


def test_putting_texts_in_lower_case_decides(folder: Path) -> None:
    before = of(folder)
    edit(folder / "sentence_bert_config.json", do_lower_case=False)
    assert of(folder) == before
    edit(folder / "sentence_bert_config.json", do_lower_case=True)
    assert of(folder) != before


def test_code_counts_only_where_it_runs(tmp_path: Path) -> None:
    code = {"modeling.py": b"class Model: ..."}
    saved(tmp_path / "plain", dense() | code)
    saved(tmp_path / "own", dense(auto_map={"AutoModel": "modeling.Model"}) | code)
    plain = make_plan(record(), Checkpoint(tmp_path / "plain"))
    own = make_plan(record(), Checkpoint(tmp_path / "own", policy="run"))
    assert "modeling.py" not in deciding(plain, with_code=True).files
    assert "modeling.py" not in deciding(own).files
    assert "modeling.py" in deciding(own, with_code=True).files


def test_markers_lengths_and_expansion_decide_of_late_interaction(tmp_path: Path) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"doc_token_id": "[unused7]"},
        {"query_maxlen": 33},
        {"mask_punctuation": False},
        {"attend_to_mask_tokens": True},
    )
    found = set()
    for at, metadata in enumerate(changes):
        folder = tmp_path / str(at)
        saved(folder, colbert_stanford(**metadata))
        known = derive_record(Checkpoint(folder), name="tiny")
        found.add(fingerprint(make_plan(known, Checkpoint(folder)), dim=16))
    assert len(found) == 5


@pytest.mark.parametrize("files", [colbert_stanford(), colbert_pylate(), colbert_multi_vector()])
def test_weights_of_a_projection_count(tmp_path: Path, files: dict[str, bytes]) -> None:
    files = {"1_Dense/model.safetensors": b"weights", **files}
    saved_at = saved(tmp_path / "one", files | {"1_Dense/model.safetensors": projection()}).folder
    checkpoint = Checkpoint(saved_at)
    names = deciding(make_plan(derive_record(checkpoint, name="tiny"), checkpoint)).files
    assert "model.safetensors" in names
    assert ("1_Dense/model.safetensors" in names) == ("modules.json" in files)


def projection() -> bytes:
    return safetensors({"linear.weight": ("F32", [16, 32])})


def test_files_that_were_compared_as_an_artifact_was_opened_are_not_read_again(
    folder: Path, tmp_path: Path
) -> None:
    manifest = create_artifact(f"local:{folder}", tmp_path / "artifact")
    opened = open_reference(ModelRef.parse(f"local:{tmp_path}/artifact"))
    assert opened.checkpoint is not None
    plan = make_plan(manifest.record, opened.checkpoint)
    same_size = (folder / "model.safetensors").stat().st_size
    (tmp_path / "artifact/model.safetensors").write_bytes(b"x" * same_size)
    assert fingerprint_of_folder(plan, dim=32) == manifest.fingerprint == of(folder)


def test_no_fingerprint_comes_from_a_manifest_whose_files_were_not_compared(
    folder: Path, tmp_path: Path
) -> None:
    manifest = create_artifact(f"local:{folder}", tmp_path / "artifact")
    weights = tmp_path / "artifact/model.safetensors"
    body = weights.read_bytes()
    weights.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    reference = ModelRef.parse(f"local:{tmp_path}/artifact")
    opened = open_reference(reference, verify="sizes").checkpoint
    assert opened is not None
    for checkpoint in (opened, Checkpoint(tmp_path / "artifact")):
        plan = make_plan(manifest.record, checkpoint)
        assert fingerprint_of_folder(plan, dim=32) != manifest.fingerprint
        assert not has_fingerprint(plan, str(manifest.fingerprint), dim=32)


@dataclass(frozen=True)
class Encoding:
    """An encoding of another kind, as a later version may have it."""

    activation: str
    folder: Checkpoint | None = None
    added_later: int = 3


def test_any_dataclass_is_an_encoding_and_a_new_default_changes_nothing(folder: Path) -> None:
    @dataclass(frozen=True)
    class Older:
        activation: str

    Older.__name__ = "Encoding"
    newer = of_encoding(Encoding("relu"), folder)
    assert newer == of_encoding(Older("relu"), folder)
    assert newer != of_encoding(Encoding("relu", added_later=4), folder)
    assert newer != of_encoding(
        Encoding("relu", folder=Checkpoint(folder).part("1_Pooling")), folder
    )


def test_what_has_no_place_in_a_fingerprint_is_refused(folder: Path) -> None:
    activation: Any = object()
    with pytest.raises(TypeError, match="has no place in a fingerprint"):
        of_encoding(Encoding(activation), folder)


def test_the_labels_of_a_classifier_decide(tmp_path: Path) -> None:
    found = set()
    for label in ("b", "c"):
        files = bert(
            architectures=["BertForSequenceClassification"], id2label={"0": "a", "1": label}
        )
        saved(tmp_path / label, files)
        checkpoint = Checkpoint(tmp_path / label)
        known = derive_record(checkpoint, name="classifier")
        found.add(fingerprint(make_plan(known, checkpoint), dim=None))
    assert len(found) == 2


VOCABULARIES = (
    *("vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model"),
    *("tokenizer.model", "spm.model", "sentencepiece.model"),
)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_decides_where_there_is_no_tokenizer_json(folder: Path, name: str) -> None:
    before = of(folder)
    (folder / name).write_bytes(b"pieces")
    assert of(folder) == before
    (folder / "tokenizer.json").unlink()
    without = of(folder)
    (folder / name).write_bytes(b"other pieces")
    assert of(folder) != without


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_decides_where_only_transformers_knows_the_class(
    folder: Path, name: str
) -> None:
    edit(folder / "tokenizer_config.json", tokenizer_class="LukeTokenizer")
    before = of(folder)
    (folder / name).write_bytes(b"pieces")
    assert of(folder) != before


def test_added_tokens_decide_unless_the_settings_describe_all(folder: Path) -> None:
    before = of(folder)
    (folder / "added_tokens.json").write_text('{"[X]": 6}')
    assert of(folder) != before
    edit(folder / "tokenizer_config.json", added_tokens_decoder={})
    described = of(folder)
    (folder / "added_tokens.json").write_text('{"[Y]": 6}')
    assert of(folder) == described


SPECIAL = {"cls_token": "[CLS]", "mask_token": {"content": "[MASK]", "lstrip": True}}


def test_special_tokens_that_all_files_name_alike_count_once(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", cls_token="[CLS]")
    before = of(folder)
    (folder / "special_tokens_map.json").write_text(json.dumps(SPECIAL))
    assert of(folder) == before


def test_special_tokens_count_where_only_their_own_file_names_them(folder: Path) -> None:
    before = of(folder)
    (folder / "special_tokens_map.json").write_text(json.dumps(SPECIAL | {"mask_token": "[Q]"}))
    assert of(folder) != before


def test_special_tokens_of_their_own_file_count_not_where_newer_settings_decide(
    folder: Path,
) -> None:
    edit(folder / "tokenizer_config.json", added_tokens_decoder={})
    before = of(folder)
    (folder / "special_tokens_map.json").write_text(json.dumps(SPECIAL | {"mask_token": "[Q]"}))
    assert of(folder) == before


def nested() -> Files:
    """A dense model whose transformer lies in a folder of its own."""
    transformer = {f"0_Transformer/{name}": body for name, body in bert().items()}
    kinds = [{"idx": 0, "path": "0_Transformer", "type": f"{ST}.models.Transformer"}]
    kinds += [{"idx": 1, "path": "1_Pooling", "type": f"{ST}.models.Pooling"}]
    pooling = {"1_Pooling/config.json": as_json({"pooling_mode": "mean"})}
    return {**transformer, **pooling, "modules.json": as_json(kinds)}


KINDS: dict[str, tuple[Files, tuple[str, ...]]] = {
    "dense": (dense(), ()),
    "nested": (nested(), ("model.safetensors", "tokenizer.json", "config.json")),
    "pylate": (colbert_pylate(), ()),
    "stanford": (colbert_stanford(), ()),
    "multi-vector": (colbert_multi_vector(), ()),
    "sparse": (sparse(), ()),
    "cross-encoder": (cross_encoder(), ()),
    "classifier": (classifier(), ()),
    "model2vec": (model2vec(), ("tokenizer_config.json", "added_tokens.json")),
    "static": (static(), ("tokenizer_config.json", "added_tokens.json")),
}
"""Checkpoints, and files that nothing reads where they lie in one."""
IDLE = (
    *("README.md", "LICENSE", "training_args.bin", "pytorch_model.bin", "tf_model.h5"),
    *("onnx/model.onnx", "onnx/config.json", "openvino/openvino_model.xml", "other.safetensors"),
    *("1_Pooling/model.safetensors", "1_Pooling/tokenizer.json", "1_Pooling/vocab.txt"),
    *("generation_config.json", "preprocessor_config.json", "modeling.py", ".gitattributes"),
    *("vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "spm.model"),
)
"""Files that no model reads beside a tokenizer.json."""
SETTINGS = ("config.json", "tokenizer_config.json")


def of_kind(folder: Path) -> str:
    checkpoint = Checkpoint(folder)
    known = derive_record(checkpoint, name="tiny")
    return fingerprint(make_plan(known, checkpoint), dim=known.embedding_dim)


def mutate(path: Path) -> None:
    """Change what a file says, so that it can still be read."""
    path.parent.mkdir(exist_ok=True)
    if path.name in SETTINGS:
        values = json.loads(path.read_bytes()) if path.exists() else {}
        path.write_text(json.dumps(values | {"layer_norm_eps": 0.001}))
    elif path.suffix == ".safetensors" and not path.exists():
        path.write_bytes(safetensors({"linear.weight": ("F32", [1, 1])}))
    elif path.suffix == ".safetensors":
        with_other_weights(path)
    elif path.name == "added_tokens.json":
        path.write_text('{"[X]": 6}')
    else:
        with path.open("ab") as file:
            file.write(b" ")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_mutation_of_a_file_changes_the_fingerprint_exactly_where_it_can_change_a_vector(
    data: st.DataObject,
) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    files, strays = KINDS[kind]
    weights = [name for name in files if name.endswith(".safetensors")]
    tokenizers = [name for name in files if name.endswith("tokenizer.json")]
    configs = [name for name in files if Path(name).name in SETTINGS]
    changing = {*weights, *tokenizers, *configs}
    if kind not in ("static", "model2vec", "nested"):
        changing.add("added_tokens.json")
    idle = {name for name in (*IDLE, *strays) if name not in files}
    chosen = data.draw(st.sampled_from(sorted(changing | idle)))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        saved(folder, files)
        before = of_kind(folder)
        mutate(folder / chosen)
        assert (of_kind(folder) != before) == (chosen in changing), (kind, chosen)


def test_the_template_of_a_reranker_decides(tmp_path: Path) -> None:
    found = set()
    for template in ("{{ messages }}", "{{ messages }}!"):
        saved(tmp_path, templated_reranker() | {"chat_template.jinja": template.encode()})
        found.add(of_kind(tmp_path))
    assert len(found) == 2


def test_the_table_that_queries_are_looked_up_in_decides(tmp_path: Path) -> None:
    plain = {name: body for name, body in sparse().items() if "/" not in name}
    del plain["modules.json"]
    known = SparseModel(
        id="tiny",
        type="sparse",
        name="Tiny",
        huggingface_id="tests/tiny",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=100,
        pooling="max",
        activation="log1p-relu",
    )
    found = set()
    for weight in (2.0, 3.0):
        saved(tmp_path, plain | {"idf.json": as_json({"word": weight})})
        found.add(fingerprint(make_plan(known, Checkpoint(tmp_path)), dim=None))
    assert len(found) == 2
