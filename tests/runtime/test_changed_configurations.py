"""Files of settings with any value in any place: an encoder or one of holotype's errors, no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.conftest import HIDDEN_DIM
from tests.runtime.heads import save_head
from tests.runtime.sparse import save_language_model
from tests.runtime.test_causal_reranker import reranker
from tests.unit.holotype.hostile import VALUES, changed, places

from holotype.encoders import load
from holotype.encoders.encoder import Encoder
from holotype.errors import HolotypeError

FILES = (
    *("config.json", "modules.json", "1_Pooling/config.json", "2_Dense/config.json"),
    *("router_config.json", "config_sentence_transformers.json", "sentence_bert_config.json"),
    *("artifact.metadata", "tokenizer_config.json", "1_LogitScore/config.json"),
    *("1_SpladePooling/config.json", "special_tokens_map.json"),
)
# Whatever is drawn is drawn again: a failure is the change's.
SEED = 5
N_EXAMPLES = 60


def save_dense(folder: Path, bert: Path) -> None:
    modules = [Transformer(str(bert)), Pooling(HIDDEN_DIM, "mean"), Dense(HIDDEN_DIM, 16)]
    model = SentenceTransformer(modules=cast(Any, modules), device="cpu")
    model.save(str(folder), create_model_card=False)


def save_routed(folder: Path, bert: Path) -> None:
    sides = [[Transformer(str(bert)), Pooling(HIDDEN_DIM, "mean")] for _ in range(2)]
    router = Router.for_query_document(query_modules=sides[0], document_modules=sides[1])
    SentenceTransformer(modules=[router], device="cpu").save(str(folder), create_model_card=False)


def save_stanford(folder: Path, bert: Path) -> None:
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((bert / name).read_bytes())
    config = json.loads((bert / "config.json").read_text()) | {"architectures": ["HF_ColBERT"]}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(bert / "model.safetensors")
    tensors = {f"bert.{name}": tensor for name, tensor in tensors.items()}
    tensors["linear.weight"] = torch.ones(16, HIDDEN_DIM)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "artifact.metadata").write_text(json.dumps({"query_maxlen": 24, "doc_maxlen": 40}))


def save_sparse(folder: Path, bert: Path) -> None:
    save_language_model(folder)
    package = "sentence_transformers.sparse_encoder.models"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{package}.MLMTransformer"},
        {"idx": 1, "name": "1", "path": "1_SpladePooling", "type": f"{package}.SpladePooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_SpladePooling").mkdir()
    (folder / "1_SpladePooling/config.json").write_text(
        json.dumps({"pooling_strategy": "max", "activation_function": "relu"})
    )
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"model_type": "SparseEncoder", "similarity_fn_name": "dot"})
    )


KINDS: dict[str, Callable[[Path, Path], object]] = {
    "dense": save_dense,
    "routed": save_routed,
    "late interaction": save_stanford,
    "sparse": save_sparse,
    "cross-encoder": lambda folder, _: save_head(folder, "Bert", num_labels=1),
    "classifier": lambda folder, _: save_head(folder, "Qwen3", num_labels=3),
    "causal reranker": lambda folder, _: reranker(folder),
}


@pytest.fixture(scope="module", params=KINDS)
def sound(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bert_folder: Path
) -> Path:
    """A sound checkpoint of each kind."""
    folder = tmp_path_factory.mktemp("sound") / "model"
    saved = KINDS[request.param](folder, bert_folder)
    return saved if isinstance(saved, Path) else folder


def loads(folder: Path) -> None:
    """Load a checkpoint; holotype's own errors are as good."""
    try:
        encoder = load(f"local:{folder}", device="cpu")
    except HolotypeError:
        return
    assert isinstance(encoder, Encoder)


def test_a_sound_checkpoint_loads(sound: Path) -> None:
    assert isinstance(load(f"local:{sound}", device="cpu"), Encoder)


@seed(SEED)
@settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_change_in_any_place_gives_an_encoder_or_an_error(
    sound: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([name for name in FILES if (sound / name).exists()]))
    before = (sound / name).read_bytes()
    value = json.loads(before)
    at = data.draw(st.sampled_from(list(places(value))))
    new = data.draw(st.sampled_from(VALUES))
    try:
        (sound / name).write_text(json.dumps(changed(value, at, new)))
        loads(sound)
    finally:
        (sound / name).write_bytes(before)
