"""Files of settings with any value in any place: an encoder or one of holotype's errors, no other."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime import image_models
from tests.runtime.conftest import HIDDEN_DIM
from tests.runtime.heads import save_head
from tests.runtime.sparse import save_language_model
from tests.runtime.test_causal_reranker import reranker
from tests.unit.holotype.hostile import VALUES, changed, places

from holotype.encoders import load
from holotype.encoders.captioner import Captioner
from holotype.encoders.encoder import Encoder
from holotype.errors import CheckpointError, HolotypeError

FILES = (
    *("config.json", "modules.json", "1_Pooling/config.json", "2_Dense/config.json"),
    *("router_config.json", "config_sentence_transformers.json", "sentence_bert_config.json"),
    *("artifact.metadata", "tokenizer_config.json", "1_LogitScore/config.json"),
    *("1_SpladePooling/config.json", "special_tokens_map.json", "processor_config.json"),
    "generation_config.json",
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


PICTURES: dict[str, Callable[[Path], object]] = {
    "clip": image_models.clip,
    "siglip": image_models.siglip,
    "siglip2": image_models.siglip2,
    "blip": image_models.blip,
    "git": image_models.git,
    "vit_gpt2": image_models.vit_gpt2,
    "colpali": image_models.colpali,
    "colqwen2": image_models.colqwen2,
    "colsmol": image_models.colsmol,
}
N_EXAMPLES_OF_PICTURES = 15
PICTURE = np.arange(50 * 40 * 3, dtype=np.uint8).reshape(50, 40, 3)


def runs(folder: Path) -> None:
    """Load a checkpoint and read a picture."""
    encoder: Any = load(f"local:{folder}", device="cpu")
    if isinstance(encoder, Captioner):
        encoder.caption([PICTURE])
    else:
        encoder.encode_image([PICTURE])
        encoder.encode_query(["a cat"])


@pytest.fixture(scope="module", params=PICTURES)
def reads_pictures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A sound checkpoint of each kind that reads pictures."""
    folder = tmp_path_factory.mktemp("pictures") / "model"
    folder.mkdir()
    PICTURES[request.param](folder)
    return request.param, folder


SIZES: tuple[Any, ...] = (0, -1, 3, 10**6, 10**9, 10**30)
NO_TOKENS: tuple[Any, ...] = ([1.5], {}, -2, 100, 10**30, "0", True, [])
NO_SECTIONS: tuple[Any, ...] = (
    "gelu",
    [1, "gelu", 3],
    [1, 2],
    [0.5, 0.5, 3],
    [-1, 2, 3],
    [9, 9, 9],
)
WRONG: dict[str, tuple[tuple[str, str, tuple[Any, ...]], ...]] = {
    "clip": (
        ("processor_config.json", "image_processor.crop_size.height", (20, *SIZES)),
        ("processor_config.json", "image_processor.size.shortest_edge", (0, -1, 10**6, 10**30)),
        ("processor_config.json", "image_processor.do_center_crop", (False,)),
        ("config.json", "vision_config.image_size", (41, *SIZES)),
        ("config.json", "vision_config.patch_size", (7, 0, -1, 10**30)),
        ("config.json", "text_config.eos_token_id", ([1], 10**30, -1, None, True)),
        ("config.json", "text_config.layer_norm_eps", (None, "x")),
    ),
    "siglip": (
        ("processor_config.json", "image_processor.size.width", (20, *SIZES)),
        ("processor_config.json", "image_processor.size", ({"height": 20, "width": 20},)),
        ("processor_config.json", "image_processor.size", ({"height": 64, "width": 16},)),
        ("config.json", "vision_config.patch_size", (7, 16)),
    ),
    "siglip2": (
        ("processor_config.json", "image_processor.patch_size", (7, 0, -1, 10**9)),
        ("processor_config.json", "image_processor.max_num_patches", (10**7, 10**30, 0, -1)),
        ("config.json", "vision_config.patch_size", (7, 16)),
        ("config.json", "text_config", ({}, {"rope_type": "linear", "factor": 0})),
        ("config.json", "vision_config", ({"rope_type": "linear"},)),
    ),
    "blip": (
        ("processor_config.json", "image_processor.size", ({"height": 64, "width": 64},)),
        ("processor_config.json", "image_processor.size", ({"height": 3, "width": 3},)),
        ("processor_config.json", "image_processor.size", ({"height": 16, "width": 16},)),
        ("config.json", "text_config.eos_token_id", ([1, 2, 3], 10**30, None)),
        ("config.json", "text_config.pad_token_id", NO_TOKENS),
        ("config.json", "text_config.sep_token_id", NO_TOKENS),
        ("config.json", "text_config", ({"0": "a"},)),
        ("generation_config.json", "eos_token_id", NO_TOKENS),
    ),
    "git": (
        ("processor_config.json", "image_processor.crop_size.width", (20, *SIZES)),
        ("generation_config.json", "bos_token_id", ([1], None, *NO_TOKENS)),
        ("generation_config.json", "eos_token_id", ([1, 100], *NO_TOKENS)),
        ("generation_config.json", "pad_token_id", ([1], *NO_TOKENS)),
        ("config.json", "pad_token_id", NO_TOKENS),
        ("config.json", "num_image_with_embedding", (10**9, -1, "many", [2])),
        ("config.json", "vision_config", ({"rope_type": "linear"},)),
    ),
    "vit_gpt2": (
        ("preprocessor_config.json", "size", ({"height": 20, "width": 20}, 64, 0, 10**9)),
        ("generation_config.json", "decoder_start_token_id", ([1], *NO_TOKENS)),
        ("generation_config.json", "eos_token_id", NO_TOKENS),
        ("config.json", "decoder.bos_token_id", NO_TOKENS),
        ("config.json", "decoder.model_type", ("bert", "opt")),
        ("config.json", "decoder.add_cross_attention", (False,)),
        ("config.json", "encoder.model_type", ("deit", "swin", "clip_vision_model")),
        ("config.json", "encoder.image_size", (41, *SIZES)),
        ("config.json", "encoder.patch_size", (7, 0, -1)),
    ),
    "colpali": (("processor_config.json", "image_processor.size.height", (24, *SIZES)),),
    "colqwen2": (
        ("processor_config.json", "image_processor.patch_size", (7, 0, -1)),
        ("processor_config.json", "image_processor.merge_size", (1, 0, -1, 10**30)),
        ("processor_config.json", "image_processor.size.longest_edge", (0, -1, 10**30)),
        ("processor_config.json", "image_processor.size.shortest_edge", (0, -1, 10**9)),
        ("config.json", "vlm_config.vision_config.patch_size", (7,)),
        ("config.json", "vlm_config.vision_config.depth", (4096, 100_000, "two")),
        ("config.json", "vlm_config.vision_config.mlp_ratio", (100_000, float("nan"), "x")),
        ("config.json", "vlm_config.vision_config.in_channels", (4096, "x")),
        ("config.json", "vlm_config.vision_config.embed_dim", (4096,)),
        ("config.json", "vlm_config.text_config.rope_parameters", ({},)),
        ("config.json", "vlm_config.text_config.rope_parameters.mrope_section", NO_SECTIONS),
    ),
    "colsmol": (
        ("processor_config.json", "image_processor.size.longest_edge", (0, -1, 10**30)),
        ("config.json", "vision_config.patch_size", (7,)),
    ),
}
"""Files, the places in them, and the numbers that no network reads."""


def test_pictures_of_other_sizes_than_the_network_reads_are_refused_at_once(
    reads_pictures: tuple[str, Path],
) -> None:
    kind, folder = reads_pictures
    runs(folder)
    for name, path, values in WRONG[kind]:
        before = (folder / name).read_bytes()
        for new in values:
            text = json.dumps(changed(json.loads(before), tuple(path.split(".")), new))
            (folder / name).write_text(text)
            try:
                load(f"local:{folder}", device="cpu")
                pytest.fail(f"{kind}: {path} may be {new!r}")
            except CheckpointError as error:
                keys = path.split(".")[1:] or [path]
                assert any(key in str(error) for key in keys), (path, new, error)
            finally:
                (folder / name).write_bytes(before)


RETURNED = ("output_hidden_states", "output_attentions", "return_dict")


def test_what_is_returned_beside_vectors_is_not_for_a_part_of_the_checkpoint_to_say(
    reads_pictures: tuple[str, Path],
) -> None:
    _, folder = reads_pictures
    before = (folder / "config.json").read_bytes()
    value = json.loads(before)
    parts = [at for at in places(value) if at and str(at[-1]).endswith("_config")]
    for name, new in zip(RETURNED, ([None], True, False), strict=True):
        made = value
        for at in parts:
            part = reduce(getitem, at, cast(Any, made))
            made = changed(made, at, {**part, name: new})
        (folder / "config.json").write_text(json.dumps(made))
        runs_or_refuses(folder)
    (folder / "config.json").write_bytes(before)


def test_what_is_returned_beside_captions_is_not_for_the_settings_to_say(tmp_path: Path) -> None:
    image_models.git(tmp_path)
    file = tmp_path / "generation_config.json"
    before = json.loads(file.read_text())
    for new in (True, 1e300, [[1, 2], [3]], {"x": 1}):
        asked = dict.fromkeys(("output_hidden_states", "output_attentions", "output_scores"), new)
        file.write_text(json.dumps(before | asked))
        runs(tmp_path)
    file.write_text(json.dumps(before | {"num_return_sequences": 2, "num_beams": 2}))
    runs(tmp_path)


def runs_or_refuses(folder: Path) -> None:
    """Load a checkpoint and read a picture; holotype's own errors are as good."""
    with contextlib.suppress(HolotypeError):
        runs(folder)


@seed(SEED)
@settings(
    max_examples=N_EXAMPLES_OF_PICTURES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_change_in_any_place_reads_pictures_or_gives_an_error(
    reads_pictures: tuple[str, Path], data: st.DataObject
) -> None:
    _, folder = reads_pictures
    name = data.draw(st.sampled_from([name for name in FILES if (folder / name).exists()]))
    before = (folder / name).read_bytes()
    value = json.loads(before)
    at = data.draw(st.sampled_from(list(places(value))))
    new = data.draw(st.sampled_from(VALUES))
    try:
        (folder / name).write_text(json.dumps(changed(value, at, new)))
        runs_or_refuses(folder)
    finally:
        (folder / name).write_bytes(before)
