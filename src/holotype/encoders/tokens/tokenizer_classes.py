"""What transformers' tokenizer classes take for granted where a checkpoint's files are silent.

The defaults are those of transformers 5; a test compares them with the classes themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SPECIAL_TOKENS = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
"""The settings that name a special token, in the order in which transformers adds them."""

GENERIC = "TokenizersBackend"
_PLAIN_INPUTS = ("input_ids", "attention_mask")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerClass:
    """The defaults of one class.

    Attributes:
        tokens: the special tokens by the names of their settings.
        input_names: what the transformer is fed.
        pads_left: whether padding is put on the left.
        wordpiece: whether the class makes the steps before WordPiece anew, from its settings.
    """

    tokens: Mapping[str, str]
    input_names: tuple[str, ...] = _PLAIN_INPUTS
    pads_left: bool = False
    wordpiece: bool = False


def _tokens(*names: str | None) -> dict[str, str]:
    return {key: name for key, name in zip(SPECIAL_TOKENS, names, strict=True) if name is not None}


_BERT = _tokens(None, None, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
_ROBERTA = _tokens("<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>")
_DEBERTA = _tokens("[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
_END_OF_TEXT = "<|endoftext|>"

TOKENIZER_CLASSES: Mapping[str, TokenizerClass] = {
    GENERIC: TokenizerClass(tokens={}),
    "BertTokenizer": TokenizerClass(
        tokens=_BERT,
        input_names=("input_ids", "token_type_ids", "attention_mask"),
        wordpiece=True,
    ),
    "DistilBertTokenizer": TokenizerClass(tokens=_BERT, wordpiece=True),
    "MPNetTokenizer": TokenizerClass(tokens=_ROBERTA | {"unk_token": "[UNK]"}, wordpiece=True),
    "RobertaTokenizer": TokenizerClass(tokens=_ROBERTA),
    "XLMRobertaTokenizer": TokenizerClass(tokens=_ROBERTA),
    "CamembertTokenizer": TokenizerClass(tokens=_ROBERTA),
    "AlbertTokenizer": TokenizerClass(
        tokens=_tokens("[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]")
    ),
    "DebertaTokenizer": TokenizerClass(
        tokens=_DEBERTA, input_names=(*_PLAIN_INPUTS, "token_type_ids")
    ),
    "DebertaV2Tokenizer": TokenizerClass(
        tokens=_DEBERTA, input_names=(*_PLAIN_INPUTS, "token_type_ids")
    ),
    "T5Tokenizer": TokenizerClass(tokens=_tokens(None, "</s>", "<unk>", None, "<pad>", None, None)),
    "Qwen2Tokenizer": TokenizerClass(
        tokens=_tokens(None, _END_OF_TEXT, _END_OF_TEXT, None, _END_OF_TEXT, None, None)
    ),
    "GPT2Tokenizer": TokenizerClass(
        tokens=_tokens(_END_OF_TEXT, _END_OF_TEXT, _END_OF_TEXT, None, None, None, None)
    ),
    "LlamaTokenizer": TokenizerClass(
        tokens=_tokens("<s>", "</s>", "<unk>", None, None, None, None), pads_left=True
    ),
    "GemmaTokenizer": TokenizerClass(
        tokens=_tokens("<bos>", "<eos>", "<unk>", None, "<pad>", None, "<mask>"), pads_left=True
    ),
}

_OTHER_NAMES = {
    "PreTrainedTokenizer": GENERIC,
    "BartTokenizer": "RobertaTokenizer",
    "ConvBertTokenizer": "BertTokenizer",
    "ElectraTokenizer": "BertTokenizer",
    "LongformerTokenizer": "RobertaTokenizer",
    "MobileBertTokenizer": "BertTokenizer",
    "SqueezeBertTokenizer": "BertTokenizer",
}
# The class of architectures whose checkpoints may leave it out.
_OF_ARCHITECTURE = {
    "albert": "AlbertTokenizer",
    "bart": "RobertaTokenizer",
    "bert": "BertTokenizer",
    "camembert": "CamembertTokenizer",
    "convbert": "BertTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "gemma": "GemmaTokenizer",
    "gemma2": "GemmaTokenizer",
    "gemma3_text": "GemmaTokenizer",
    "gpt2": "GPT2Tokenizer",
    "longformer": "RobertaTokenizer",
    "mpnet": "MPNetTokenizer",
    "mt5": "T5Tokenizer",
    "nomic_bert": "BertTokenizer",
    "qwen3": "Qwen2Tokenizer",
    "roberta": "RobertaTokenizer",
    "t5": "T5Tokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}
# transformers takes these classes for these architectures, whatever their checkpoints name.
_ALWAYS_OF_ARCHITECTURE = {
    "modernbert": GENERIC,
    "modernbert-decoder": GENERIC,
    "nystromformer": GENERIC,
    "qwen2": "Qwen2Tokenizer",
    "umt5": GENERIC,
    "xlm-roberta-xl": GENERIC,
}


def class_name(stated: str | None, architecture: str | None) -> str:
    """Return the class that transformers 5 takes.

    Args:
        stated: the class that the checkpoint names, if any.
        architecture: the `model_type` of the checkpoint's transformer, if it has one.
    """
    if architecture in _ALWAYS_OF_ARCHITECTURE:
        return _ALWAYS_OF_ARCHITECTURE[architecture]
    name = stated or _OF_ARCHITECTURE.get(architecture or "", GENERIC)
    name = name.removesuffix("Fast")
    return _OTHER_NAMES.get(name, name)
