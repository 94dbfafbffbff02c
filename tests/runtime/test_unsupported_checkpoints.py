"""Sound checkpoints that cannot be run: an error that says what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.sentence_transformer.modules import CNN, Pooling
from tests.runtime.heads import BERT_STYLE, SIZES, byte_tokenizer, classifier_record
from tests.runtime.parity import ColbertRecord, DenseRecord, Save, SparseRecord, change
from transformers import (
    CanineConfig,
    CanineModel,
    FNetConfig,
    FNetForMaskedLM,
    FNetForSequenceClassification,
    FNetModel,
    MobileBertConfig,
    MobileBertForMaskedLM,
    NystromformerConfig,
    NystromformerModel,
    OPTConfig,
    OPTModel,
    PreTrainedModel,
)

from holotype.encoders import load
from holotype.errors import (
    CheckpointError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    WrongKindError,
)
from holotype.records import DenseModel
from holotype.run_options import Precision


def test_modules_without_an_equivalent(
    save_dense: Save, folder: Path, dense_record: DenseRecord
) -> None:
    with pytest.raises(UnsupportedCheckpointError, match="the module 'CNN' has no equivalent"):
        load(dense_record(), checkpoint=save_dense(CNN(32, 16), Pooling(48, "mean")))


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
        ("sentence_bert_config.json", {"query_length": 8}, "sets query_length, which has an equi"),
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


def test_an_adapter_without_the_configuration_of_its_model(
    folder: Path, record: DenseModel[Any]
) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")
    refused = r"is an adapter.* merge_and_unload"
    with pytest.raises(UnsupportedCheckpointError, match=refused):
        load(record, checkpoint=folder)
    with pytest.raises(UnsupportedCheckpointError, match=refused):
        load(f"local:{folder}")


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
        ({"strategy": "other", "length": 8}, "'query_expansion.strategy' is 'other'"),
        ({"strategy": "fixed"}, "'query_expansion.length' is None"),
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


TINY: dict[str, Any] = {**SIZES}


def saved(folder: Path, model: PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    byte_tokenizer(BERT_STYLE).save_pretrained(folder)
    return folder


# torch has its Fourier transform in these types on some GPUs alone.
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_model_that_does_not_run_in_a_type_is_refused_at_load(
    dtype: Precision, dense_record: DenseRecord, tmp_path: Path
) -> None:
    saved(tmp_path, FNetModel(FNetConfig(vocab_size=320, **TINY)))
    record = dense_record(32, pooling="mean", normalize=False)
    refused = f"is a FNetModel, which does not run in {dtype} on cpu .*; pass dtype='float32'"
    with pytest.raises(UnsupportedCheckpointError, match=refused):
        load(record, checkpoint=tmp_path, device="cpu", dtype=dtype)
    assert load(record, checkpoint=tmp_path, device="cpu").encode("a text").shape == (32,)


def test_a_classifier_that_does_not_run_in_a_type_is_refused_at_load(
    tmp_path: Path,
) -> None:
    saved(tmp_path, FNetForSequenceClassification(FNetConfig(vocab_size=320, **TINY)))
    with pytest.raises(UnsupportedCheckpointError, match="does not run in float16 on cpu"):
        load(classifier_record(), checkpoint=tmp_path, device="cpu", dtype="float16")


def test_a_language_model_that_does_not_run_is_refused_at_load(
    sparse_record: SparseRecord, tmp_path: Path
) -> None:
    saved(tmp_path, FNetForMaskedLM(FNetConfig(vocab_size=320, **TINY)))
    record = sparse_record(320, pooling="max", activation="log1p-relu")
    with pytest.raises(UnsupportedCheckpointError, match="does not run in float16 on cpu"):
        load(record, checkpoint=tmp_path, device="cpu", dtype="float16")


def test_a_language_model_that_uses_its_last_layer_in_other_ways(
    sparse_record: SparseRecord, tmp_path: Path
) -> None:
    sizes: dict[str, Any] = {
        "embedding_size": 16,
        "intra_bottleneck_size": 32,
        "true_hidden_size": 32,
    }
    saved(tmp_path, MobileBertForMaskedLM(MobileBertConfig(vocab_size=320, **TINY, **sizes)))
    record = sparse_record(320, pooling="max", activation="log1p-relu")
    with pytest.raises(UnsupportedCheckpointError, match="not what one linear layer gives"):
        load(record, checkpoint=tmp_path, device="cpu")


def test_settings_with_which_a_model_never_runs(dense_record: DenseRecord, tmp_path: Path) -> None:
    config = NystromformerConfig(vocab_size=320, num_landmarks=8, segment_means_seq_len=64, **TINY)
    record = dense_record(32, pooling="mean", normalize=False)
    saved(tmp_path / "dense", NystromformerModel(config))
    with pytest.raises(UnsupportedCheckpointError, match=r"does not run in float32 on cpu .*shape"):
        load(record, checkpoint=tmp_path / "dense", device="cpu")


def test_a_model_without_a_table_of_tokens(dense_record: DenseRecord, tmp_path: Path) -> None:
    sizes = {**TINY, "num_hash_functions": 2, "num_hash_buckets": 16}
    saved(tmp_path, CanineModel(CanineConfig(**sizes)))
    with pytest.raises(
        UnsupportedCheckpointError, match="CanineModel, which has no table of token"
    ):
        load(dense_record(32, pooling="mean", normalize=False), checkpoint=tmp_path, device="cpu")


def test_token_vectors_of_another_width_than_the_configuration_says(
    dense_record: DenseRecord, tmp_path: Path
) -> None:
    config = OPTConfig(
        vocab_size=320,
        hidden_size=32,
        word_embed_proj_dim=16,
        num_hidden_layers=1,
        num_attention_heads=4,
        ffn_dim=64,
    )
    saved(tmp_path, OPTModel(config))
    record = dense_record(32, pooling="mean", normalize=False)
    with pytest.raises(
        UnsupportedCheckpointError,
        match=r"OPTModel, which returns token vectors of 16 dimensions, where config.json says 32",
    ):
        load(record, checkpoint=tmp_path, device="cpu")
