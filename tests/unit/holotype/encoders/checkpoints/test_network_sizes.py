from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import record, safetensors

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.network_sizes import check_defaults, check_network
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import CheckpointError, UnsupportedCheckpointError

CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": 100,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 48,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "pad_token_id": 0,
    "hidden_act": "gelu",
}
TENSORS: dict[str, tuple[str, list[int]]] = {
    "embeddings.word_embeddings.weight": ("F32", [100, 32]),
    "embeddings.position_embeddings.weight": ("F32", [48, 32]),
    "embeddings.token_type_embeddings.weight": ("F32", [2, 32]),
    "embeddings.position_ids": ("I64", [1, 48]),
    "encoder.layer.0.intermediate.dense.weight": ("F32", [64, 32]),
    "encoder.layer.1.intermediate.dense.weight": ("BF16", [64, 32]),
}


def made(folder: Path, *, tensors: Any = TENSORS, **changes: Any) -> Checkpoint:
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    if tensors is not None:
        (folder / "model.safetensors").write_bytes(safetensors(tensors))
    return Checkpoint(folder)


def test_a_sound_configuration_is_accepted(tmp_path: Path) -> None:
    check_network(made(tmp_path))


@pytest.mark.parametrize("part", ["text_config", "vision_config", "qformer_config"])
@pytest.mark.parametrize(
    ("key", "value"), [("num_hidden_layers", 10**9), ("hidden_size", 0), ("vocab_size", "many")]
)
def test_the_sizes_of_each_of_several_networks_are_possible(
    part: str, key: str, value: Any, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=rf"'{part}\.{key}' is"):
        check_network(made(tmp_path, **{part: {key: value}}), whole=False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("num_attention_heads", value) for value in (0, -1, 10**9, "four", 0.5, True)],
        *[("vocab_size", value) for value in (0, -5, 10**9, "many")],
        *[("num_hidden_layers", value) for value in (0, -1, 10**6)],
        *[("hidden_size", value) for value in (0, -32, 10**7, [32])],
        *[("hidden_act", value) for value in (["gelu"], {"x": 1}, 7)],
        *[("pad_token_id", value) for value in (100, 10**9, -101, "0")],
        *[("torch_dtype", value) for value in ("float99x", "many", 7, ["float32"])],
        ("dtype", "unknown"),
        ("layer_types", ["full_attention"]),
        *[("layer_norm_eps", value) for value in ("small", None, -1.0, float("nan"))],
        *[("hidden_dropout_prob", value) for value in ("x", -0.1, 1.5)],
        ("num_labels", 10**9),
        *[("num_image_with_embedding", value) for value in (10**9, -1, "six")],
        ("max_position_embeddings", 10**12),
        ("rope_theta", "wide"),
    ],
)
def test_what_no_network_has_is_refused_without_its_weights(
    tmp_path: Path, key: str, value: Any
) -> None:
    checkpoint = made(tmp_path, tensors=None, **{key: value})
    with pytest.raises(CheckpointError, match=f"config.json: '{key}' .*expected"):
        check_network(checkpoint)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("num_hidden_layers", 900, "is 900; expected 2, the number of layers in the weights"),
        ("num_hidden_layers", 1, "is 1; expected 2, the number of layers in the weights"),
        ("vocab_size", 120, "is 120; expected 100, the rows of embeddings.word_embeddings.weight"),
        ("vocab_size", 90, "is 90; expected 100"),
        ("hidden_size", 36, "is 36; expected a width that a tensor of the weights has"),
        ("intermediate_size", 999_999, "expected at most 64, the largest size of a layer"),
        ("type_vocab_size", 9_000, "expected at most 2, the rows of embeddings.token_type"),
        ("max_position_embeddings", 9_000, "expected at most 48, the rows of embeddings.position"),
        ("num_attention_heads", 9_000, "together fit into the 64 of the largest tensor"),
    ],
)
def test_what_the_weights_contradict_is_refused(
    tmp_path: Path, key: str, value: int, message: str
) -> None:
    checkpoint = made(tmp_path, **{key: value})
    with pytest.raises(CheckpointError, match=f"'{key}' .*{message}"):
        check_network(checkpoint)


def test_a_decoder_beside_an_encoder_may_have_other_layers(tmp_path: Path) -> None:
    more = {f"decoder.layer.{at}.dense.weight": ("F32", [32, 32]) for at in range(4)}
    check_network(made(tmp_path, tensors=TENSORS | more))
    alone = {name: shape for name, shape in TENSORS.items() if "encoder" not in name}
    with pytest.raises(CheckpointError, match="'num_hidden_layers' is 2; expected 4"):
        check_network(made(tmp_path, tensors=alone | more))


def test_layers_that_predict_tokens_further_ahead_do_not_count(tmp_path: Path) -> None:
    check_network(made(tmp_path, num_hidden_layers=1, num_nextn_predict_layers=1))


def test_fewer_heads_than_labels_are_refused(tmp_path: Path) -> None:
    head = {"classifier.weight": ("F32", [3, 32])}
    named = {"architectures": ["BertForSequenceClassification"]}
    check_network(made(tmp_path, tensors=TENSORS | head, num_labels=3, **named))
    with pytest.raises(CheckpointError, match="'num_labels' is 4; expected at most 3"):
        check_network(made(tmp_path, tensors=TENSORS | head, num_labels=4, **named))


@pytest.mark.parametrize("dtype", ["I8", "U8", "I64", "BOOL", "C64"])
def test_weights_of_no_floats_are_refused(tmp_path: Path, dtype: str) -> None:
    tensors = TENSORS | {"encoder.layer.1.output.dense.bias": (dtype, [32])}
    with pytest.raises(UnsupportedCheckpointError, match=f"dense.bias as {dtype}; expected floats"):
        check_network(made(tmp_path, tensors=tensors))


def test_the_plan_says_it_so_that_verify_does_as_well(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="'num_attention_heads' is 0"):
        make_plan(record(pooling="mean"), made(tmp_path, num_attention_heads=0))


PARTS: dict[str, dict[str, Any]] = {
    "text_config": CONFIG,
    "vision_config": {"hidden_size": 48, "num_hidden_layers": 2},
}


@pytest.mark.parametrize(
    ("part", "changes", "problem"),
    [
        ("text_config", {"vocab_size": 101}, "text_config.vocab_size' is 101; expected at most"),
        ("text_config", {"intermediate_size": 10**6}, "intermediate_size' is 1000000; expected"),
        ("vision_config", {"hidden_size": 4096}, "vision_config.hidden_size' is 4096; expected"),
        ("vision_config", {"depth": 3}, "depth' is 3; expected at most 2, the number of la"),
        ("vision_config", {"embed_dim": 101}, "embed_dim' is 101; expected at most 100"),
        (
            "vision_config",
            {"embed_dim": 25, "mlp_ratio": 5},
            "is 5.0; expected a ratio of 25 to at",
        ),
        ("vision_config", {"in_channels": 4096}, "in_channels' is 4096; expected a number from 1"),
        ("vision_config", {"num_hidden_layers": 3}, "is 3; expected at most 2, the number of la"),
        ("text_config", {"num_attention_heads": 128}, "attention_heads' is 128; expected at most"),
    ],
)
def test_no_network_of_several_is_larger_than_their_weights(
    tmp_path: Path, part: str, changes: dict[str, Any], problem: str
) -> None:
    def saved_with(values: dict[str, Any]) -> Checkpoint:
        (tmp_path / "config.json").write_text(json.dumps(values))
        (tmp_path / "model.safetensors").write_bytes(safetensors(TENSORS))
        return Checkpoint(tmp_path)

    check_network(saved_with(PARTS), whole=False)
    changed = PARTS | {part: {**PARTS[part], **changes}}
    with pytest.raises(CheckpointError, match=problem):
        check_network(saved_with(changed), whole=False)
    with pytest.raises(CheckpointError, match=problem):
        check_network(saved_with({"vlm_config": changed}), whole=False)


def test_what_stands_beside_the_settings_of_a_network_for_texts_is_read_by_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(PARTS | {"vocab_size": 257_152}))
    (tmp_path / "model.safetensors").write_bytes(safetensors(TENSORS))
    check_network(Checkpoint(tmp_path), whole=False)


@pytest.mark.parametrize("wrong", [100, -1, 10**30, None, "0", [1]])
def test_captions_begin_with_a_token_of_the_vocabulary(tmp_path: Path, wrong: Any) -> None:
    texts = {**CONFIG, "bos_token_id": 99}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "blip", "text_config": texts}))
    check_network(Checkpoint(tmp_path), whole=False)
    texts["bos_token_id"] = wrong
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "blip", "text_config": texts}))
    with pytest.raises(
        CheckpointError, match=r"bos_token_id' is .*; expected one of the 100 token"
    ):
        check_network(Checkpoint(tmp_path), whole=False)


SHAPES = {name: tuple(shape) for name, (_, shape) in TENSORS.items()}


@pytest.mark.parametrize(
    ("stated", "taken", "problem"),
    [
        (
            {},
            {"text_config": {"vocab_size": 49_408}},
            "'text_config.vocab_size' is 49408 .the default of tr",
        ),
        (
            {"vision_config": {"hidden_size": 32}},
            {"vision_config": {"hidden_size": 32, "num_hidden_layers": 12}},
            "'vision_config.num_hidden_layers' is 12 .the default of transformers.; expected at most",
        ),
    ],
)
def test_what_a_library_takes_for_a_size_that_is_left_out_fits_the_weights(
    stated: dict[str, Any], taken: dict[str, Any], problem: str
) -> None:
    config = JsonFile("config.json", stated, "config.json")
    with pytest.raises(CheckpointError, match=problem):
        check_defaults(config, taken, SHAPES)


def test_defaults_that_no_weights_follow_from_may_be_any() -> None:
    config = JsonFile("config.json", {"text_config": {}}, "config.json")
    taken = {
        "text_config": {"vocab_size": 100},
        "qformer_config": {"vocab_size": 30_522},
        "vision_config": {"num_block_repeats": [1, 2], "num_hidden_layers": 64},
    }
    check_defaults(config, taken, SHAPES)
    # One network alone is compared with its own tensors when it is built.
    check_defaults(config, {"vocab_size": 10**6}, SHAPES)


@pytest.mark.parametrize(
    "sections", ["gelu", [1, "gelu", 2], [1, 2], [1, 1, 1], [-1, 2, 3], [0.5, 0.5, 3], {"a": 1}]
)
def test_the_dimensions_of_heads_are_shared_in_three(tmp_path: Path, sections: Any) -> None:
    def saved_with(sections: Any, **more: Any) -> Checkpoint:
        rope = {"mrope_section": sections, **more}
        config = {"vlm_config": {"text_config": CONFIG | {"rope_parameters": rope}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        return Checkpoint(tmp_path)

    check_network(saved_with([1, 1, 2]), whole=False)
    check_network(saved_with([1, 1, 0], partial_rotary_factor=0.5), whole=False)
    with pytest.raises(
        CheckpointError, match=r"rope_parameters.mrope_section' is .*; expected thr"
    ):
        check_network(saved_with(sections), whole=False)
