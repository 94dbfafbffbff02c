"""Exports on ONNX Runtime and OpenVINO: the vectors of torch, or no export at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from tests import warm_process
from tests.runtime.parity import DenseRecord, Save, change, read
from tests.runtime.test_dense_architectures import WORDS, distilbert, word_tokenizer, xlm_roberta
from tests.runtime.test_minilm import MINILM
from transformers import (
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    Qwen3Config,
    Qwen3Model,
)

from holotype.encoders import load
from holotype.encoders.config import Backend, Precision
from holotype.encoders.exports import export, exporting, graph, quantizing
from holotype.encoders.graphs.losses import VectorLoss
from holotype.encoders.graphs.manifest import MANIFEST_FILE
from holotype.errors import (
    CheckpointError,
    ExportError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)
from holotype.records import ColbertModel
from holotype.references.staging import stage_folder

pytestmark = pytest.mark.usefixtures("_each_network_is_traced_once")

HIDDEN_DIM = 32


def sized(**further: Any) -> dict[str, Any]:
    return {
        "hidden_size": HIDDEN_DIM,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        **further,
    }


def mpnet(folder: Path) -> int:
    tokens = ("<s>", "<pad>", "</s>", "<unk>")
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "cls_token": "<s>"}
    word_tokenizer(*tokens, template="<s> $A </s>", **names).save_pretrained(folder)
    size = sized(vocab_size=len(tokens) + len(WORDS), max_position_embeddings=42, pad_token_id=1)
    MPNetModel(MPNetConfig(**size), add_pooling_layer=False).save_pretrained(folder)
    return 40


def modernbert(folder: Path) -> int:
    tokens = ("<pad>", "<unk>", "<cls>", "<sep>")
    word_tokenizer(*tokens, template="<cls> $A <sep>", pad_token="<pad>").save_pretrained(folder)
    size = sized(vocab_size=len(tokens) + len(WORDS), max_position_embeddings=64)
    special: dict[str, Any] = {
        f"{name}_token_id": at for name, at in (("pad", 0), ("cls", 2), ("sep", 3))
    }
    special |= {"bos_token_id": 2, "eos_token_id": 3}
    make: Any = ModernBertConfig
    config = make(**size, **special, local_attention=8, global_attn_every_n_layers=2)
    ModernBertModel(config).save_pretrained(folder)
    return 64


def qwen3(folder: Path) -> int:
    tokens = ("<pad>", "<end>", "<unk>")
    word_tokenizer(
        *tokens, template="$A <end>", pad_token="<pad>", eos_token="<end>", padding_side="left"
    ).save_pretrained(folder)
    size = sized(vocab_size=len(tokens) + len(WORDS), max_position_embeddings=50)
    Qwen3Model(Qwen3Config(**size, num_key_value_heads=2, head_dim=8)).save_pretrained(folder)
    return 50


@pytest.fixture(scope="module")
def minilm_onnx(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the real all-MiniLM-L6-v2, never changed."""
    to = tmp_path_factory.mktemp("exports") / "minilm"
    return export(MINILM, backend="onnx", checkpoint=minilm_folder, to=to).folder


@pytest.fixture
def copied(minilm_onnx: Path, tmp_path: Path) -> Path:
    """A copy of that export that a test may damage."""
    shutil.copytree(minilm_onnx, tmp_path / "copied")
    return tmp_path / "copied"


def test_an_export_gives_the_vectors_of_sentence_transformers(
    minilm_onnx: Path, minilm_reference: SentenceTransformer, texts: list[str]
) -> None:
    with load(MINILM, backend="onnx", checkpoint=minilm_onnx) as encoder:
        assert (encoder.device, encoder.dtype) == ("cpu", "float32")
        assert encoder.memory_bytes > 80_000_000
        ours = encoder.encode(texts, on_overflow="truncate")
        one_by_one = encoder.encode(texts, batch_size=1, on_overflow="truncate")
    assert np.abs(ours - minilm_reference.encode(texts)).max() <= 1e-5
    assert np.abs(ours - one_by_one).max() <= 1e-5


def test_the_manifest_says_what_was_made_from_what_and_what_was_lost(minilm_onnx: Path) -> None:
    manifest = read(minilm_onnx, MANIFEST_FILE)
    assert (manifest["backend"], manifest["dtype"]) == ("onnx", "float32")
    assert set(manifest["weights"]) == {"model.safetensors"}
    assert {"onnx/model.onnx", "tokenizer.json", "config.json"} <= set(manifest["files"])
    assert {"torch", "onnxscript", "onnxruntime"} <= set(manifest["tools"])
    assert 0 < manifest["loss"]["max_difference"] <= 1e-4
    assert len(manifest["loss"]["texts"]) >= 10


def test_a_graph_names_no_file_of_the_machine_that_made_it(minilm_onnx: Path) -> None:
    graph = (minilm_onnx / "onnx" / "model.onnx").read_bytes()
    assert b"layer_norm" in graph
    for told in (".py", "eval_with_key", str(Path.home()), sys.prefix):
        assert told.encode() not in graph


def test_neither_torch_nor_transformers_nor_the_hub_is_imported(minilm_onnx: Path) -> None:
    program = (
        "import sys; from holotype import load\n"
        "encoder = load('all-minilm-l6-v2', backend='onnx', checkpoint=sys.argv[1])\n"
        "assert encoder.encode_query('a query').shape == (384,)\n"
        "names = {'torch', 'transformers', 'huggingface_hub', 'httpx', 'scipy', 'onnx', 'openvino'}\n"
        "names |= {'holotype.encoders.' + name for name in ('arrays.words', 'kinds.colbert', 'opening')}\n"
        "print(sorted(names & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(minilm_onnx)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_an_export_has_the_vector_space_of_the_weights_that_it_was_made_from(
    folder: Path, record: Any, tmp_path: Path
) -> None:
    to = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    with (
        load(record, checkpoint=folder) as theirs,
        load(record, backend="onnx", checkpoint=to) as ours,
    ):
        assert ours.compatible_with(theirs)
    weights = read(to, MANIFEST_FILE)["weights"]
    weights["model.safetensors"]["sha256"] = "0" * 64
    change(to, MANIFEST_FILE, weights=weights)
    with load(record, backend="onnx", checkpoint=to) as others:
        assert not others.compatible_with(theirs)


def test_threads_share_an_encoder(minilm_onnx: Path, texts: list[str]) -> None:
    encoder = load(MINILM, backend="onnx", checkpoint=minilm_onnx)
    alone = encoder.encode(texts[:8])
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: encoder.encode(texts[:8]), range(16)))
    assert all(np.abs(vectors - alone).max() <= 1e-6 for vectors in found)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
@pytest.mark.parametrize("architecture", [xlm_roberta, mpnet, distilbert, modernbert, qwen3])
def test_architectures_have_the_vectors_of_torch(
    architecture: Callable[[Path], int],
    backend: Backend,
    tmp_path: Path,
    save_dense: Save,
    dense_record: DenseRecord,
) -> None:
    (tmp_path / "base").mkdir()
    torch.manual_seed(3)
    architecture(tmp_path / "base")
    pooling = "lasttoken" if architecture is qwen3 else "mean"
    modules = Pooling(HIDDEN_DIM, pooling), Dense(HIDDEN_DIM, 16)
    folder = save_dense(*modules, transformer=Transformer(str(tmp_path / "base")))
    record = dense_record(16)
    to = export(record, backend=backend, checkpoint=folder, to=tmp_path / "made").folder
    texts = ["what is a query", "the document of paris is the capital " * 5, "", "unknown", "late"]
    ours = load(record, backend=backend, checkpoint=to).encode(texts, on_overflow="truncate")
    theirs = load(record, checkpoint=folder, device="cpu").encode(texts, on_overflow="truncate")
    assert np.abs(ours - theirs).max() <= 1e-5


def test_colbert_of_stanfords_format_keeps_its_projection(
    stanford_folder: Save, tmp_path: Path, texts: list[str]
) -> None:
    record: ColbertModel[Any] = ColbertModel(
        id="tiny-colbert",
        type="colbert",
        name="Tiny ColBERT",
        huggingface_id="tests/tiny-colbert",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=16,
        multi_vector=True,
    )
    folder = stanford_folder(query_maxlen=12, doc_maxlen=40, attend_to_mask_tokens=False)
    to = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    theirs = load(record, checkpoint=folder, device="cpu")
    ours = load(record, backend="onnx", checkpoint=to)
    for side in ("encode_query", "encode_document"):
        found = getattr(ours, side)(texts, on_overflow="truncate")
        expected = getattr(theirs, side)(texts, on_overflow="truncate")
        for mine, other in zip(found, expected, strict=True):
            assert np.abs(mine - other).max(initial=0) <= 1e-5


def test_a_type_is_run_only_where_it_is_asked_for_and_a_loss_only_where_it_is_allowed(
    folder: Path, record: Any, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="too far from the original ones"):
        export(
            record,
            backend="onnx",
            dtype="int8",
            checkpoint=folder,
            to=tmp_path / "int8",
            min_cosine=1,
        )
    assert not list(tmp_path.glob("*int8*"))
    to = export(
        record, backend="onnx", dtype="int8", checkpoint=folder, to=tmp_path / "int8", min_cosine=0
    ).folder
    with pytest.raises(CheckpointError, match="pass dtype='int8'"):
        load(record, backend="onnx", checkpoint=to)
    assert load(record, backend="onnx", dtype="int8", checkpoint=to).dtype == "int8"
    with pytest.raises(CheckpointError, match="pass backend='onnx'"):
        load(record, backend="openvino", checkpoint=to)


@pytest.mark.parametrize(
    ("backend", "dtype", "least", "share"),
    [
        ("onnx", "float16", 0.9999, 0.55),
        ("onnx", "int8", 0.99, 0.7),
        ("openvino", "float16", 0.9999, 0.55),
        ("openvino", "bfloat16", 0.9995, 1.01),
        ("openvino", "int8", 0.99, 0.7),
    ],
)
def test_smaller_types_are_as_near_as_the_page_says(
    backend: Backend,
    dtype: Precision,
    least: float,
    share: float,
    minilm_folder: Path,
    minilm_reference: SentenceTransformer,
    texts: list[str],
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"backend": backend, "dtype": dtype}
    to = tmp_path / "made"
    made = export(MINILM, **options, checkpoint=minilm_folder, to=to)
    loss = made.manifest.loss
    assert isinstance(loss, VectorLoss)
    assert least <= loss.min_cosine < 1
    ours = load(MINILM, **options, checkpoint=to)
    assert ours.dtype == dtype
    assert ours.memory_bytes < share * (minilm_folder / "model.safetensors").stat().st_size
    theirs = minilm_reference.encode(texts)
    assert (ours.encode(texts, on_overflow="truncate") * theirs).sum(axis=1).min() >= least - 0.005


def test_nothing_is_overwritten(folder: Path, record: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    with pytest.raises(ExportError, match="nothing is overwritten"):
        export(record, backend="onnx", checkpoint=folder, to=tmp_path / "mine")


def test_an_empty_folder_becomes_the_export(folder: Path, record: Any, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made")
    assert made.folder == tmp_path / "made"
    assert not list(tmp_path.glob(".made*"))
    assert (made.folder / MANIFEST_FILE).is_file()


def test_what_a_killed_export_left_is_gone_after_the_next(
    folder: Path, record: Any, tmp_path: Path
) -> None:
    left = tmp_path / ".onnx.partial" / "onnx"
    left.mkdir(parents=True)
    (left / "model.onnx_data").write_bytes(b"half of a graph")
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "onnx").folder
    assert not list(tmp_path.glob(".*"))
    assert not (made / "onnx" / "model.onnx_data").exists()


def test_one_process_at_a_time_makes_an_export(folder: Path, record: Any, tmp_path: Path) -> None:
    with stage_folder(tmp_path / "onnx") as staging:
        (staging / "file").touch()
        with pytest.raises(ExportError, match="another process is making onnx; wait"):
            export(record, backend="onnx", checkpoint=folder, to=tmp_path / "onnx")


def test_a_truncated_graph_is_refused(copied: Path) -> None:
    graph = copied / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"bytes; holotype_export\.json says"):
        load(MINILM, backend="onnx", checkpoint=copied)
    (copied / MANIFEST_FILE).unlink()
    with pytest.raises(CheckpointError, match="is no whole graph: what begins at byte"):
        load(MINILM, backend="onnx", checkpoint=copied)


def test_a_file_that_changed_since_the_comparison_is_refused(copied: Path) -> None:
    pooling = copied / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace("true", "null", 1))
    with pytest.raises(CheckpointError, match="has the SHA-256"):
        load(MINILM, backend="onnx", checkpoint=copied)
    (copied / "vocab.txt").unlink()
    pooling.write_text(pooling.read_text().replace("null", "true", 1))
    with pytest.raises(CheckpointError, match="is missing"):
        load(MINILM, backend="onnx", checkpoint=copied)


def test_a_digest_that_differs_is_refused(copied: Path) -> None:
    files = read(copied, MANIFEST_FILE)["files"]
    files["onnx/model.onnx"]["sha256"] = "0" * 64
    change(copied, MANIFEST_FILE, files=files)
    with pytest.raises(CheckpointError, match="has the SHA-256"):
        load(MINILM, backend="onnx", checkpoint=copied)


def test_a_checkpoint_without_a_graph_says_how_to_make_one(minilm_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="holotype export all-minilm-l6-v2 --backend onnx"):
        load(MINILM, backend="onnx", checkpoint=minilm_folder)
    with pytest.raises(UnsupportedModelError, match="--backend openvino"):
        load(MINILM, backend="openvino")


def test_nothing_is_exported_from_an_export(minilm_onnx: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="or name the checkpoint that it was made from"):
        export(MINILM, backend="openvino", checkpoint=minilm_onnx, to=tmp_path / "made")
    with pytest.raises(CheckpointError, match=r"--dtype int8 --checkpoint FOLDER$"):
        load(MINILM, backend="onnx", dtype="int8", checkpoint=minilm_onnx)


def test_an_export_within_its_checkpoint_is_no_part_of_the_next(folder: Path, record: Any) -> None:
    first = export(record, backend="onnx", checkpoint=folder, to=folder / "first").folder
    again = export(record, backend="onnx", checkpoint=folder, to=folder / "again").folder
    files = [sorted(read(made, MANIFEST_FILE)["files"]) for made in (first, again)]
    assert files[0] == files[1]


def test_an_export_without_weights_says_how_to_load_it(minilm_onnx: Path) -> None:
    with pytest.raises(CheckpointError, match="but a graph; load it with backend='onnx'"):
        load(MINILM, checkpoint=minilm_onnx)


def test_outputs_whose_meaning_would_be_a_guess_are_refused(copied: Path) -> None:
    import onnx

    (copied / MANIFEST_FILE).unlink()
    model = onnx.load(copied / "onnx" / "model.onnx")
    (output,) = model.graph.output
    for node in model.graph.node:
        node.output[:] = ["hidden" if name == output.name else name for name in node.output]
    output.name = "hidden"
    onnx.save(model, copied / "onnx" / "model.onnx")
    with pytest.raises(UnsupportedCheckpointError, match="has the outputs hidden"):
        load(MINILM, backend="onnx", checkpoint=copied)


def test_a_repositorys_own_graph_is_run(copied: Path, minilm_onnx: Path) -> None:
    (copied / MANIFEST_FILE).unlink()
    ours = load(MINILM, backend="onnx", checkpoint=copied).encode("a text")
    theirs = load(MINILM, backend="onnx", checkpoint=minilm_onnx).encode("a text")
    assert (ours == theirs).all()
    with pytest.raises(CheckpointError, match=r"computes in float32 \(most of its weights are"):
        load(MINILM, backend="onnx", dtype="int8", checkpoint=copied)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_repositorys_own_graph_of_bytes_is_run_only_as_what_it_is(
    backend: Backend, folder: Path, record: Any, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"backend": backend, "checkpoint": tmp_path / "made"}
    export(record, backend=backend, dtype="int8", checkpoint=folder, to=tmp_path / "made")
    (tmp_path / "made" / MANIFEST_FILE).unlink()
    with pytest.raises(CheckpointError, match=r"computes in int8 \(.*pass dtype='int8' to run it"):
        load(record, **options)
    with load(record, dtype="int8", **options) as encoder:
        assert encoder.dtype == "int8"
        assert encoder.encode("a text").shape == (16,)


def test_a_repositorys_own_graph_in_float16_is_run_only_as_what_it_is(
    folder: Path, record: Any, tmp_path: Path
) -> None:
    made = export(record, backend="onnx", dtype="float16", checkpoint=folder, to=tmp_path / "made")
    (made.folder / MANIFEST_FILE).unlink()
    with pytest.raises(CheckpointError, match=r"computes in float16 \(.*pass dtype='float16'"):
        load(record, backend="onnx", checkpoint=made.folder)
    assert load(record, backend="onnx", dtype="float16", checkpoint=made.folder).dtype == "float16"


def only_whole_texts(copied: Path) -> None:
    """Make a graph return vectors of whole texts alone."""
    import onnx

    (copied / MANIFEST_FILE).unlink()
    model = onnx.load(copied / "onnx" / "model.onnx")
    axes = onnx.numpy_helper.from_array(np.array([1]), "token axis")
    model.graph.initializer.append(axes)
    (output,) = model.graph.output
    shorter = onnx.helper.make_node(
        "ReduceMean", [output.name, "token axis"], ["sentence_embedding"], keepdims=0
    )
    model.graph.node.append(shorter)
    del model.graph.output[:]
    kind, shape = onnx.TensorProto.FLOAT, ["texts", output.type.tensor_type.shape.dim[2].dim_value]
    model.graph.output.append(onnx.helper.make_tensor_value_info("sentence_embedding", kind, shape))
    onnx.save(model, copied / "onnx" / "model.onnx")


def test_vectors_of_whole_texts_are_taken_where_no_layer_follows_pooling(copied: Path) -> None:
    only_whole_texts(copied)
    vector = load(MINILM, backend="onnx", checkpoint=copied).encode("a text")
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_vectors_of_whole_texts_are_refused_where_a_layer_follows_pooling(
    save_dense: Save, dense_record: DenseRecord, tmp_path: Path
) -> None:
    modules = Pooling(HIDDEN_DIM, "mean"), Dense(HIDDEN_DIM, HIDDEN_DIM), Normalize()
    folder, record = save_dense(*modules), dense_record(HIDDEN_DIM)
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    only_whole_texts(made)
    with pytest.raises(UnsupportedCheckpointError, match="have gone through 2_Dense"):
        load(record, backend="onnx", checkpoint=made)


def with_outliers(folder: Path) -> None:
    """Give each MLP a neuron whose output dwarfs the others, as those of real models have."""
    tensors = load_file(folder / "model.safetensors")
    for name in [name for name in tensors if name.endswith("intermediate.dense.bias")]:
        tensors[name][0] = 3000.0
        down = name.replace("intermediate.dense.bias", "output.dense.weight")
        tensors[down] *= 20
        tensors[down][:, 0] = 1e-5
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_columns_that_bytes_cannot_tell_from_the_others_are_multiplied_in_float32(
    folder: Path, record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "outliers"
    shutil.copytree(folder, copied)
    with_outliers(copied)
    options: dict[str, Any] = {"backend": "onnx", "dtype": "int8", "checkpoint": copied}
    made = export(record, **options, to=tmp_path / "made")
    assert isinstance(made.manifest.loss, VectorLoss)
    assert made.manifest.loss.min_cosine >= 0.97
    monkeypatch.setattr(quantizing, "outlying", lambda _: torch.empty(0, dtype=torch.int64))
    with pytest.raises(ExportError, match="its vectors in int8 are too far"):
        export(record, **options, to=tmp_path / "bytes")


@pytest.mark.parametrize(
    ("backend", "dtype"),
    [("onnx", "float32"), ("onnx", "float16"), ("openvino", "bfloat16"), ("openvino", "int8")],
)
def test_a_graph_of_another_model_is_never_kept(
    backend: Backend,
    dtype: Precision,
    minilm_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = graph.write_onnx

    def write_wrongly(model_id: str, model: Any, path: Path, **options: Any) -> None:
        with torch.no_grad():
            model.encoder.layer[-1].attention.output.dense.weight.zero_()
        write(model_id, model, path, **options)

    monkeypatch.setattr(exporting, "write_onnx", write_wrongly)
    with pytest.raises(ExportError, match="are too far from the original ones"):
        export(MINILM, backend=backend, dtype=dtype, checkpoint=minilm_folder, to=tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_weights_in_int8_that_fit_into_no_file_of_protobuf_lie_beside_the_graph(
    folder: Path, record: Any, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantizing, "LARGEST_FILE", 20_000)
    options: dict[str, Any] = {"backend": "onnx", "dtype": "int8"}
    made = export(record, **options, checkpoint=folder, to=tmp_path / "made")
    stored = {path.name for path in (made.folder / "onnx").iterdir()}
    assert stored == {"model.onnx", "model.onnx.data"}
    assert "onnx/model.onnx.data" in made.manifest.files
    with load(record, **options, checkpoint=made.folder) as encoder:
        assert len(encoder.encode(texts, on_overflow="truncate")) == len(texts)


QUIET = """
import logging, sys
import huggingface_hub.utils as hub, torch, transformers
from holotype.encoders.exports import export
from holotype.records import DenseModel
logger = logging.getLogger("torch.onnx._internal.exporter._registration")
def state():
    return [transformers.logging.is_progress_bar_enabled(), hub.are_progress_bars_disabled(),
            len(logger.filters), logger.level, len(logging.getLogger().handlers)]
before = state()
record = DenseModel(
    id="tiny", type="dense", name="Tiny", huggingface_id="tests/tiny", organization="Tests",
    description="A model of the tests.", embedding_dim=16,
)
export(record, backend="onnx", dtype="int8", checkpoint=sys.argv[1], to=sys.argv[2], min_cosine=-1)
assert state() == before, (state(), before)
"""


def test_an_export_says_nothing_and_leaves_the_callers_settings_as_they_were(
    folder: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", QUIET, str(folder), str(tmp_path / "made")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_device_that_is_not_there_is_named(minilm_onnx: Path) -> None:
    with pytest.raises(ValueError, match="ONNX Runtime has no device 'tpu'"):
        load(MINILM, backend="onnx", checkpoint=minilm_onnx, device="tpu")


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_missing_extra_is_named(backend: str) -> None:
    package = {"onnx": "onnxruntime"}.get(backend, backend)
    program = (
        "import sys; sys.modules[sys.argv[2]] = None\n"
        "from holotype import MissingExtraError, load\n"
        "try: load('all-minilm-l6-v2', backend=sys.argv[1])\n"
        "except MissingExtraError as error: print(error.extra, error.missing)"
    )
    command = [sys.executable, "-c", program, backend, package]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"{backend} {package}\n"


@pytest.mark.usefixtures("_warm_process")
def test_the_command_states_the_loss(minilm_folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "made"
    command = ["holotype", "export", "all-minilm-l6-v2", "--backend", "openvino", "--json"]
    command += ["--checkpoint", str(minilm_folder), "--to", str(to)]
    result = warm_process.run(command, tmp_path)
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    assert printed["folder"] == str(to)
    assert printed["loss"]["min_cosine"] > 0.99999
    assert len(printed["loss"]["texts"]) >= 10
    again = warm_process.run(command, tmp_path)
    assert again.returncode == 1
    assert "nothing is overwritten" in again.stderr


@pytest.mark.parametrize(
    ("backend", "dtype", "of_graph", "of_onnx"),
    [
        ("onnx", "float32", 4, 0),
        ("onnx", "float16", 2, 0),
        ("onnx", "int8", 1, 4),
        ("openvino", "float32", 4, 4),
        ("openvino", "float16", 2, 4),
        ("openvino", "int8", 1, 4),
    ],
)
def test_an_export_asks_for_the_room_of_its_graph_and_of_what_that_is_made_of(
    backend: Backend,
    dtype: Precision,
    of_graph: int,
    of_onnx: int,
    minilm_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Some of its weights may have no part in what a network returns.
    weights = 0.9 * 22_565_376
    needed = int(weights * of_graph + weights * of_onnx)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed - 1))
    made = tmp_path / "models/made"
    with pytest.raises(ExportError) as caught:
        export("all-minilm-l6-v2", backend=backend, dtype=dtype, checkpoint=minilm_folder, to=made)
    assert str(caught.value).endswith(
        f"{made.parent} has {needed - 1:,} bytes free, and the export takes at least {needed:,} "
        "while it is made; make room, or name a folder on another disk"
    )
    assert list(made.parent.iterdir()) == []
