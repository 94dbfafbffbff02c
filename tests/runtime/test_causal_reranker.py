"""Rerankers made of causal language models: the scores of sentence-transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from tests.runtime.heads import (
    HUGE_PAIRS,
    N_POSITIONS,
    PAIRS,
    ROBERTA_STYLE,
    SIZES,
    assert_cross_encoder_parity,
    byte_tokenizer,
    cross_encoder_record,
    cross_encoder_reference,
    save_head,
    saved_modules,
)
from tests.runtime.parity import assert_scores_same, change, change_tensors, read, write

from holotype.encoders import load
from holotype.errors import (
    CheckpointError,
    InstructionError,
    TensorError,
    TextOverflowError,
    UnsupportedCheckpointError,
)

RECORD = cross_encoder_record()
TEMPLATE = (
    "<|start|>system\nAnswer with yes or no.<|end|>\n<|start|>user\n<Instruct>: "
    "{{ messages | selectattr('role', 'eq', 'system') | map(attribute='content') | first | "
    "default('Judge the document.') }}\n<Query>: "
    "{{ messages | selectattr('role', 'eq', 'query') | map(attribute='content') | first }}\n"
    "<Document>: "
    "{{ messages | selectattr('role', 'eq', 'document') | map(attribute='content') | first }}"
    "<|end|>\n{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
STRUCTURED = (
    "{% for message in messages %}<|start|>{{ message.role }}\n{{ message.content[0].text }}"
    "<|end|>\n{% endfor %}answer:"
)
LENGTH = 160


def causal(
    folder: Path, *, template: str | None = TEMPLATE, family: str = "Qwen3", **config: Any
) -> Path:
    """Save a causal language model as transformers does."""
    tokenizer = byte_tokenizer(
        ROBERTA_STYLE, "<|start|>", "<|end|>", "yes", "no", model_max_length=LENGTH
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(17)
    sizes = SIZES | {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 200}
    settings = {"vocab_size": len(tokenizer), "pad_token_id": 1, "tie_word_embeddings": True}
    made = getattr(transformers, f"{family}Config")(**(sizes | settings | config))
    getattr(transformers, f"{family}ForCausalLM")(made).save_pretrained(folder)
    return folder


def reranker(tmp_path: Path, *, false: str | None = "no", **options: Any) -> Path:
    """Save a reranker of a causal language model as sentence-transformers does."""
    plain = causal(tmp_path / "plain", **options.pop("config", {}))
    given = options.pop("processing", None)
    transformer = Transformer(
        str(plain), transformer_task="text-generation", processing_kwargs=given
    )
    ids = transformer.tokenizer.convert_tokens_to_ids
    score = LogitScore(ids("yes"), None if false is None else ids(false))
    return saved_modules([transformer, score], tmp_path / "saved", **options)


@pytest.mark.parametrize("false", ["no", None])
@pytest.mark.parametrize("tied", [True, False])
def test_the_score_is_what_the_answers_logits_say(
    false: str | None, tied: bool, tmp_path: Path
) -> None:
    folder = reranker(tmp_path, false=false, config={"tie_word_embeddings": tied})
    encoder = load(RECORD, checkpoint=folder)
    assert (encoder.activation, encoder.n_labels, encoder.max_length) == ("sigmoid", 1, LENGTH)
    assert_cross_encoder_parity(encoder, folder)


@pytest.mark.parametrize("family", ["Gemma", "Llama", "Mistral", "Qwen2"])
def test_language_models_of_several_architectures(family: str, tmp_path: Path) -> None:
    folder = reranker(tmp_path, config={"family": family})
    assert_cross_encoder_parity(load(RECORD, checkpoint=folder), folder)


def test_long_pairs_keep_the_end_of_the_template(tmp_path: Path) -> None:
    folder = reranker(tmp_path)
    ours = load(RECORD, checkpoint=folder).predict(HUGE_PAIRS, on_overflow="truncate")
    assert_scores_same(ours, cross_encoder_reference(folder).predict(HUGE_PAIRS))


def test_cuts_of_templated_pairs_are_counted(tmp_path: Path) -> None:
    encoder = load(RECORD, checkpoint=reranker(tmp_path))
    with pytest.raises(TextOverflowError) as caught:
        encoder.predict([("a", "b"), ("x " * LENGTH, "y")], on_overflow="error")
    assert (caught.value.n_texts, caught.value.first_index) == (1, 1)


def test_arguments_of_the_template_are_the_checkpoints(tmp_path: Path) -> None:
    folder = reranker(tmp_path, processing={"chat_template": {"add_generation_prompt": True}})
    assert_cross_encoder_parity(load(RECORD, checkpoint=folder), folder)


def test_messages_may_be_lists_of_parts(tmp_path: Path) -> None:
    folder = reranker(tmp_path, config={"template": STRUCTURED})
    file = "sentence_bert_config.json"
    assert read(folder, file)["modality_config"]["message"]["format"] == "structured"
    assert_cross_encoder_parity(load(RECORD, checkpoint=folder), folder)


def test_the_default_prompt_is_the_instruction(tmp_path: Path) -> None:
    folder = reranker(tmp_path, prompts={"web": "Find answers."}, default_prompt_name="web")
    encoder = load(RECORD, checkpoint=folder)
    assert encoder.encoding.instruction == "Find answers."
    assert "document_prompt='', instruction='Find answers.', max_length=" in repr(encoder)
    assert_cross_encoder_parity(encoder, folder)
    reference = cross_encoder_reference(folder)
    told = encoder.predict(PAIRS, instruction="Find code.", on_overflow="truncate")
    assert_scores_same(told, reference.predict(PAIRS, prompt="Find code."))


def test_a_model_without_a_template_reads_plain_pairs(tmp_path: Path) -> None:
    folder = reranker(tmp_path, config={"template": None})
    encoder = load(RECORD, checkpoint=folder)
    assert not encoder.encoding.templated
    assert_cross_encoder_parity(encoder, folder)
    with pytest.raises(InstructionError):
        encoder.predict(PAIRS, instruction="Find code.")


def test_a_classification_head_may_be_put_behind_a_template(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(ROBERTA_STYLE, "<|start|>", "<|end|>")
    tokenizer.chat_template = TEMPLATE
    plain = save_head(tmp_path / "plain", "Qwen3", tokenizer=tokenizer, num_labels=1)
    transformer = Transformer(str(plain), transformer_task="sequence-classification")
    folder = saved_modules([transformer], tmp_path / "saved")
    encoder = load(RECORD, checkpoint=folder)
    assert (encoder.encoding.templated, encoder.max_length) == (True, N_POSITIONS)
    assert_cross_encoder_parity(encoder, folder)


def test_a_template_that_nobody_says_to_use_is_no_guess(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(ROBERTA_STYLE)
    tokenizer.chat_template = TEMPLATE
    folder = save_head(tmp_path, "Qwen3", tokenizer=tokenizer, num_labels=1)
    with pytest.raises(UnsupportedCheckpointError, match="no file says whether pairs are put"):
        load(RECORD, checkpoint=folder)


def test_answers_that_nobody_names_are_no_guess(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedCheckpointError, match="which of its tokens are the answers"):
        load(RECORD, checkpoint=causal(tmp_path))


def test_a_template_that_drops_the_pair_is_refused(tmp_path: Path) -> None:
    folder = reranker(tmp_path)
    user_only = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}x"
    (folder / "chat_template.jinja").write_text(user_only)
    with pytest.raises(UnsupportedCheckpointError, match="leaves out the query and the document"):
        load(RECORD, checkpoint=folder)


def test_a_template_that_fails_is_refused(tmp_path: Path) -> None:
    folder = reranker(tmp_path)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no such role') }}")
    with pytest.raises(UnsupportedCheckpointError, match="cannot write a pair: no such role"):
        load(RECORD, checkpoint=folder)


def test_a_missing_template_is_refused(tmp_path: Path) -> None:
    folder = reranker(tmp_path)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UnsupportedCheckpointError, match="chat template, but has none"):
        load(RECORD, checkpoint=folder)


def test_logits_that_are_more_than_a_product_are_refused(tmp_path: Path) -> None:
    folder = reranker(tmp_path)
    change(folder, "config.json", model_type="gemma2", architectures=["Gemma2ForCausalLM"])
    with pytest.raises(UnsupportedCheckpointError, match="'gemma2' are not known to be those"):
        load(RECORD, checkpoint=folder)


def test_answers_outside_of_the_vocabulary(tmp_path: Path) -> None:
    folder = reranker(tmp_path)
    change(folder, "1_LogitScore/config.json", true_token_id=5000)
    with pytest.raises(CheckpointError, match="its answers are the tokens"):
        load(RECORD, checkpoint=folder)
    write(folder, "1_LogitScore/config.json", {})
    with pytest.raises(CheckpointError, match="'true_token_id' is None"):
        load(RECORD, checkpoint=folder)
    values = {"true_token_id": 1, "module_input_name": "logits"}
    write(folder, "1_LogitScore/config.json", values)
    with pytest.raises(UnsupportedCheckpointError, match="only 'causal_logits'"):
        load(RECORD, checkpoint=folder)


def test_logits_need_a_table(tmp_path: Path) -> None:
    folder = reranker(tmp_path, config={"tie_word_embeddings": False})
    change_tensors(folder, "model.safetensors", lm_head__weight=None)
    with pytest.raises(TensorError) as caught:
        load(RECORD, checkpoint=folder)
    assert caught.value.missing == ("lm_head.weight",)


def test_two_tables_that_should_be_one(tmp_path: Path) -> None:
    folder = reranker(tmp_path, config={"tie_word_embeddings": False})
    change(folder, "config.json", tie_word_embeddings=True)
    with pytest.raises(CheckpointError, match="two tables that differ"):
        load(RECORD, checkpoint=folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"processing_kwargs": {"text": {"max_length": 5}}}, "only arguments of the chat template"),
        ({"processing_kwargs": {"chat_template": {"truncation": False}}}, "only arguments of"),
        ({"modality_config": {"image": {"method": "forward"}}}, "reads its input as"),
        ({"model_args": {"subfolder": "x"}}, "sets subfolder"),
    ],
)
def test_settings_that_would_change_scores_are_refused(
    values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = reranker(tmp_path)
    change(folder, "sentence_bert_config.json", **values)
    with pytest.raises(UnsupportedCheckpointError, match=message):
        load(RECORD, checkpoint=folder)
