"""Checkpoints that are damaged, incomplete or unsafe: an error that says so, and no encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling

from holotype.encoders import load
from holotype.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    TensorError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
    WrongKindError,
)
from holotype.records import ColbertModel, DenseModel

DenseRecord = Callable[..., DenseModel[Any]]
ColbertRecord = Callable[..., ColbertModel[Any]]
Save = Callable[..., Path]


@pytest.fixture
def folder(save_dense: Save) -> Path:
    """A sound dense checkpoint with a projection."""
    return save_dense(Pooling(32, "mean"), Dense(32, 16))


@pytest.fixture
def record(dense_record: DenseRecord) -> DenseModel[Any]:
    return dense_record(16)


def change(folder: Path, name: str, **values: object) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_tensors(folder: Path, name: str, **tensors: torch.Tensor | None) -> None:
    changed = load_file(folder / name)
    for key, tensor in tensors.items():
        changed.pop(key.replace("__", "."), None)
        if tensor is not None:
            changed[key.replace("__", ".")] = tensor
    save_file(changed, folder / name, metadata={"format": "pt"})


def test_a_missing_tensor_is_named_and_never_made_up(folder: Path, record: DenseModel[Any]) -> None:
    name = "encoder.layer.1.output.dense.weight"
    change_tensors(folder, "model.safetensors", **{name: None})
    with pytest.raises(TensorError, match="1 missing: " + name) as caught:
        load(record, checkpoint=folder)
    assert caught.value.missing == (name,)


def test_an_unexpected_tensor_is_named(folder: Path, record: DenseModel[Any]) -> None:
    change_tensors(folder, "model.safetensors", classifier__weight=torch.zeros(2, 32))
    with pytest.raises(TensorError, match=r"1 unexpected: classifier\.weight") as caught:
        load(record, checkpoint=folder)
    assert caught.value.unexpected == ("classifier.weight",)


def test_a_tensor_of_another_shape_is_named(folder: Path, record: DenseModel[Any]) -> None:
    name = "embeddings.word_embeddings.weight"
    change_tensors(folder, "model.safetensors", **{name: torch.zeros(7, 32)})
    with pytest.raises(TensorError, match=r"weight \(\[7, 32\], expected \[116, 32\]\)"):
        load(record, checkpoint=folder)


def test_heads_of_pre_training_and_computed_tables_are_no_part_of_the_encoder(
    folder: Path, record: DenseModel[Any]
) -> None:
    before = load(record, checkpoint=folder).encode("a text")
    change_tensors(
        folder,
        "model.safetensors",
        cls__predictions__bias=torch.zeros(116),
        cls__seq_relationship__weight=torch.zeros(2, 32),
        pooler__dense__weight=torch.zeros(32, 32),
        embeddings__position_ids=torch.arange(96).unsqueeze(0),
    )
    assert (load(record, checkpoint=folder).encode("a text") == before).all()


def test_the_weights_of_a_projection_are_checked_too(folder: Path, record: DenseModel[Any]) -> None:
    weights = "2_Dense/model.safetensors"
    change_tensors(folder, weights, linear__bias=None, extra=torch.zeros(1))
    with pytest.raises(TensorError, match=r"1 missing: linear\.bias; 1 unexpected: extra"):
        load(record, checkpoint=folder)
    change_tensors(
        folder, weights, linear__bias=torch.zeros(16), linear__weight=torch.zeros(8, 8), extra=None
    )
    with pytest.raises(TensorError, match=r"linear\.weight \(\[8, 8\], expected \[16, 32\]\)"):
        load(record, checkpoint=folder)


def test_a_stanford_checkpoint_without_its_projection(
    stanford_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = stanford_folder(query_maxlen=32)
    change_tensors(folder, "model.safetensors", linear__weight=None)
    with pytest.raises(TensorError, match=r"1 missing: linear\.weight"):
        load(colbert_record(), checkpoint=folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
def test_pickled_weights_are_refused(place: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / place / "model.safetensors").unlink()
    torch.save({}, folder / place / "pytorch_model.bin")
    with pytest.raises(UnsafeCheckpointError, match=r"only pickled weights \(pytorch_model\.bin\)"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
def test_weights_that_are_missing(place: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / place / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
@pytest.mark.parametrize("size", [0, 5, 200, -1])
def test_weights_that_are_cut_off(
    size: int, place: str, folder: Path, record: DenseModel[Any]
) -> None:
    path = folder / place / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"is no whole safetensors file .* fetch it again"):
        load(record, checkpoint=folder)


def test_weights_in_shards(folder: Path, record: DenseModel[Any]) -> None:
    before = load(record, checkpoint=folder).encode("a text")
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    shards = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for shard, held in shards.items():
        save_file({name: tensors[name] for name in held}, folder / shard, metadata={"format": "pt"})
    places = {name: shard for shard, held in shards.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "model.safetensors").unlink()
    assert (load(record, checkpoint=folder).encode("a text") == before).all()
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": 1}}')
    with pytest.raises(CheckpointError, match="expected the files by tensor"):
        load(record, checkpoint=folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "model-2.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"the file model-2\.safetensors is missing"):
        load(record, checkpoint=folder)


JSON_FILES = [
    "config.json",
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
]


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("text", ["", "{", '{"a": \n 1,}', "\ufeff", "[" * 100_000])
def test_files_that_are_not_json(
    text: str, name: str, folder: Path, record: DenseModel[Any]
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=f"{name}: is not JSON"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("text", ["7", '"text"', "null", "[1]"])
def test_files_that_hold_something_else(
    text: str, name: str, folder: Path, record: DenseModel[Any]
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=f"{name}: .*expected"):
        load(record, checkpoint=folder)


def test_bytes_that_are_no_text(folder: Path, record: DenseModel[Any]) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe\x00\xd8{}")
    with pytest.raises(CheckpointError, match=r"config\.json: (is not JSON|cannot be read)"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json", "2_Dense/config.json"])
def test_files_that_are_missing(name: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"the file {name} is missing"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("config.json", {"hidden_size": "wide"}, "'hidden_size' is 'wide'; expected an integer"),
        ("config.json", {"num_attention_heads": 5}, "transformers cannot build it"),
        ("config.json", {"architectures": [1]}, "expected a list of strings"),
        ("config.json", {"hidden_size": None}, "does not say how wide vectors are"),
        ("config.json", {"vocab_size": True}, "'vocab_size' is True; expected an integer"),
        ("1_Pooling/config.json", {"pooling_mode": "median"}, "'pooling_mode' is 'median'"),
        ("1_Pooling/config.json", {"pooling_mode": []}, "expected one or several of cls"),
        ("1_Pooling/config.json", {"pooling_mode": None}, "'pooling_mode' is None"),
        ("2_Dense/config.json", {"in_features": 64}, "takes 64 dimensions, but gets 32"),
        ("2_Dense/config.json", {"in_features": None}, "expected the layer's sizes"),
        ("config_sentence_transformers.json", {"prompts": [1]}, "expected an object"),
        ("config_sentence_transformers.json", {"prompts": {"query": 1}}, "expected a string"),
        (
            "config_sentence_transformers.json",
            {"default_prompt_name": "other"},
            "expected the name of one of its prompts",
        ),
    ],
)
def test_values_that_make_no_sense(
    name: str, values: dict[str, object], message: str, folder: Path, record: DenseModel[Any]
) -> None:
    change(folder, name, **values)
    with pytest.raises(CheckpointError, match=message):
        load(record, checkpoint=folder)


def test_a_tokenizer_that_is_missing(folder: Path, record: DenseModel[Any]) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"has no tokenizer; expected one of tokenizer\.json"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("text", ["", "{}", '{"version": "1.0"'])
def test_a_tokenizer_that_is_damaged(text: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(CheckpointError, match="its tokenizer cannot be read"):
        load(record, checkpoint=folder)


def test_a_tokenizer_of_another_checkpoint(
    folder: Path, minilm_folder: Path, record: DenseModel[Any]
) -> None:
    (folder / "tokenizer.json").write_bytes((minilm_folder / "tokenizer.json").read_bytes())
    with pytest.raises(CheckpointError, match="ids up to 30521, but the model has only 116"):
        load(record, checkpoint=folder)


def test_a_folder_that_is_not_there(tmp_path: Path, record: DenseModel[Any]) -> None:
    with pytest.raises(CheckpointNotFoundError, match="there is no such folder"):
        load(record, checkpoint=tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match=r"the file config\.json is missing"):
        load(record, checkpoint=tmp_path)


def test_modules_without_an_equivalent(
    save_dense: Save, folder: Path, dense_record: DenseRecord
) -> None:
    with pytest.raises(
        UnsupportedCheckpointError, match="the module 'LayerNorm' has no equivalent"
    ):
        load(dense_record(), checkpoint=save_dense(Pooling(32, "mean"), LayerNorm(32)))


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        ({"type": "custom.Pooling"}, UnsafeCheckpointError, "is code of the checkpoint itself"),
        ({"path": "../elsewhere"}, UnsafeCheckpointError, "points outside of the checkpoint"),
        ({"path": "/etc"}, UnsafeCheckpointError, "points outside of the checkpoint"),
        ({"path": None}, CheckpointError, "expected an object with type and path"),
    ],
)
def test_lists_of_modules_that_cannot_be_run(
    module: dict[str, object],
    error: type[CheckpointError],
    message: str,
    folder: Path,
    record: DenseModel[Any],
) -> None:
    modules = json.loads((folder / "modules.json").read_text())[:2]
    modules[1] |= module
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(error, match=message):
        load(record, checkpoint=folder)


def test_a_list_that_lacks_its_transformer_or_its_pooling(
    folder: Path, record: DenseModel[Any]
) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:1]))
    with pytest.raises(CheckpointError, match="lists no Pooling; a dense model needs one"):
        load(record, checkpoint=folder)
    (folder / "modules.json").write_text(json.dumps(modules[1:]))
    with pytest.raises(UnsupportedCheckpointError, match="begins with 'Pooling'"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("name", ["torch.nn.modules.rnn.LSTM", "os.system", "my.Tanh", "Tanh"])
def test_an_activation_that_is_unknown(name: str, folder: Path, record: DenseModel[Any]) -> None:
    change(folder, "2_Dense/config.json", activation_function=name)
    with pytest.raises(UnsupportedCheckpointError, match=f"uses the activation '{name}'"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("sentence_bert_config.json", {"processing_kwargs": {"text": {}}}, "processing_kwargs"),
        ("sentence_bert_config.json", {"config_args": {"is_causal": False}}, "sets is_causal"),
        ("sentence_bert_config.json", {"modality_config": {"message": {}}}, "only plain text"),
        ("config.json", {"quantization_config": {"bits": 4}}, "quantised weights"),
        ("config.json", {"model_type": "unheard-of"}, "does not know this architecture"),
        ("config.json", {"model_type": "clip_vision_model"}, "the weights do not fit the model"),
        ("config.json", {"model_type": "blip_2_vision_model"}, "has no text encoder for"),
        ("config.json", {"model_type": "bart", "d_model": 32}, "the encoder of 'bart' is not run"),
        (
            "1_Pooling/config.json",
            {"pooling_mode": "weightedmean", "include_prompt": False},
            "weighs tokens without those of the prompt",
        ),
        (
            "2_Dense/config.json",
            {"module_input_name": "token_embeddings"},
            "this order of modules has no equivalent",
        ),
    ],
)
def test_settings_without_an_equivalent(
    name: str, values: dict[str, object], message: str, folder: Path, record: DenseModel[Any]
) -> None:
    change(folder, name, **values)
    with pytest.raises(CheckpointError, match=message):
        load(record, checkpoint=folder)


def test_an_adapter_on_another_model(folder: Path, record: DenseModel[Any]) -> None:
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(UnsupportedCheckpointError, match="is an adapter"):
        load(record, checkpoint=folder)


def test_a_static_table_has_no_encoder_yet(folder: Path, dense_record: DenseRecord) -> None:
    with pytest.raises(UnsupportedModelError, match="static embedding tables have no encoder yet"):
        load(dense_record(16, architecture_type="static"), checkpoint=folder)


@pytest.mark.parametrize("kind", ["multi-vector", "pylate"])
def test_late_interaction_without_any_projection(
    kind: str, save_colbert: Save, pylate_folder: Save, colbert_record: ColbertRecord
) -> None:
    expansion = {"strategy": "fixed", "length": 8}
    if kind == "pylate":
        folder = pylate_folder(query_prefix="", document_prefix="")
    else:
        folder = save_colbert(query_expansion=expansion, normalize=False)
    modules = json.loads((folder / "modules.json").read_text())
    kept = [module for module in modules if not module["type"].endswith("Dense")]
    (folder / "modules.json").write_text(json.dumps(kept))
    with pytest.raises(CheckpointError, match="has no projection; a late-interaction model needs"):
        load(colbert_record(32), checkpoint=folder)


@pytest.mark.parametrize(
    ("expansion", "message"),
    [
        ({"strategy": "other", "length": 8}, "'strategy' is 'other'"),
        ({"strategy": "fixed"}, "'length' is None"),
        ({"strategy": "fixed", "length": 8, "token": "[NONE]"}, r"lacks the token '\[NONE\]'"),
    ],
)
def test_expansions_that_make_no_sense(
    expansion: dict[str, object], message: str, save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert()
    change(folder, "sentence_bert_config.json", query_expansion=expansion)
    with pytest.raises(CheckpointError, match=message):
        load(colbert_record(), checkpoint=folder)


def test_an_expansion_that_no_module_scores(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert(query_expansion={"strategy": "fixed", "length": 8})
    modules = json.loads((folder / "modules.json").read_text())
    kept = [module for module in modules if not module["type"].endswith("MultiVectorMask")]
    (folder / "modules.json").write_text(json.dumps(kept))
    with pytest.raises(CheckpointError, match="expected a MultiVectorMask module that scores it"):
        load(colbert_record(), checkpoint=folder)


def test_an_expansion_without_any_token_to_expand_by(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert(query_expansion={"strategy": "fixed", "length": 8})
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    with pytest.raises(CheckpointError, match="has neither a mask token nor an end of text"):
        load(colbert_record(), checkpoint=folder)


def test_late_interaction_that_pools_its_tokens(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert()
    modules = json.loads((folder / "modules.json").read_text())
    pooling = {"idx": 9, "name": "9", "path": "9_Pooling", "type": "pylate.Pooling"}
    (folder / "9_Pooling").mkdir()
    (folder / "9_Pooling/config.json").write_text('{"pooling_mode": "mean"}')
    (folder / "modules.json").write_text(json.dumps([*modules, pooling]))
    with pytest.raises(UnsupportedCheckpointError, match="pools token vectors"):
        load(colbert_record(), checkpoint=folder)


def test_a_mask_whose_tokens_are_no_ids(save_colbert: Save, colbert_record: ColbertRecord) -> None:
    folder = save_colbert(skiplist_words=["."])
    change(folder, "2_MultiVectorMask/config.json", keep_only_token_ids=["a"])
    with pytest.raises(CheckpointError, match="expected a list of token ids"):
        load(colbert_record(), checkpoint=folder)


def test_a_dense_model_that_masks_tokens(
    save_dense: Save, save_colbert: Save, dense_record: DenseRecord
) -> None:
    folder = save_colbert(skiplist_words=["."])
    library = json.dumps({"model_type": "SentenceTransformer"})
    (folder / "config_sentence_transformers.json").write_text(library)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([modules[0], modules[2]]))
    with pytest.raises(WrongKindError, match="masks tokens, as only late interaction does"):
        load(dense_record(), checkpoint=folder)


def test_a_similarity_without_an_equivalent(folder: Path, record: DenseModel[Any]) -> None:
    change(folder, "config_sentence_transformers.json", similarity_fn_name="euclidean")
    with pytest.raises(UnsupportedCheckpointError, match="compares vectors by 'euclidean'"):
        load(record, checkpoint=folder)


def test_lengths_that_leave_no_room_for_text(
    folder: Path,
    dense_record: DenseRecord,
    pylate_folder: Save,
    colbert_record: ColbertRecord,
    bert_folder: Path,
) -> None:
    with pytest.raises(ValueError, match="a length of 2 tokens leaves no room for text"):
        load(dense_record(pooling="cls", context_length=2), checkpoint=bert_folder)
    short = pylate_folder(
        query_prefix="[unused0]", document_prefix="[unused1]", query_length=3, document_length=9
    )
    with pytest.raises(ValueError, match="special tokens and marker take 3"):
        load(colbert_record(), checkpoint=short)
