"""The tokenizer classes of transformers 5: which one a checkpoint has, and its defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.errors import CheckpointError

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

TOKENIZER_FILE = "tokenizer.json"
VOCABULARIES = (
    TOKENIZER_FILE,
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)
"""The files that may hold a vocabulary; without any, transformers may build an empty tokenizer."""
SETTINGS_FILE = "tokenizer_config.json"
MAP_FILE = "special_tokens_map.json"
ADDED_FILE = "added_tokens.json"
DESCRIBED = "added_tokens_decoder"
"""The setting with all added tokens; where it stands, only `tokenizer_config.json` names them."""

GENERIC = "TokenizersBackend"
"""The class that takes everything from `tokenizer.json`."""

_PLAIN_INPUTS = ("input_ids", "attention_mask")


def _no_tokens(settings: JsonFile) -> tuple[str, ...]:
    del settings
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerClass:
    """The defaults of one class.

    Attributes:
        tokens: the special tokens by the names of their settings.
        input_names: what the transformer is fed.
        pads_left: whether padding is put on the left.
        pads_as_file: whether the token of padding may be that of the file's own padding.
        mask_takes_blank: whether the mask takes in a blank that stands before it.
        adds_plain: whether special tokens lose what the files say of the blanks around them.
        extra_tokens: more special tokens, unless the checkpoint names some.
    """

    tokens: Mapping[str, str]
    input_names: tuple[str, ...] = _PLAIN_INPUTS
    pads_left: bool = False
    pads_as_file: bool = False
    mask_takes_blank: bool = False
    adds_plain: bool = False
    extra_tokens: Callable[[JsonFile], tuple[str, ...]] = _no_tokens


def _tokens(*names: str | None) -> dict[str, str]:
    return {key: name for key, name in zip(SPECIAL_TOKENS, names, strict=True) if name is not None}


def _t5_tokens(settings: JsonFile) -> tuple[str, ...]:
    n_tokens = settings.integer("extra_ids")
    return tuple(f"<extra_id_{at}>" for at in range(n_tokens.value if n_tokens else 100))


def _camembert_tokens(settings: JsonFile) -> tuple[str, ...]:
    del settings
    return ("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED")


_BERT = _tokens(None, None, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
_ROBERTA = _tokens("<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>")
_DEBERTA = _tokens("[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
_GEMMA = _tokens("<bos>", "<eos>", "<unk>", None, "<pad>", None, "<mask>")
_END_OF_TEXT = "<|endoftext|>"

TOKENIZER_CLASSES: Mapping[str, TokenizerClass] = {
    GENERIC: TokenizerClass(tokens={}, pads_as_file=True),
    "BertTokenizer": TokenizerClass(
        tokens=_BERT,
        input_names=("input_ids", "token_type_ids", "attention_mask"),
    ),
    "DistilBertTokenizer": TokenizerClass(tokens=_BERT),
    "MPNetTokenizer": TokenizerClass(
        tokens=_ROBERTA | {"unk_token": "[UNK]"},
        mask_takes_blank=True,
    ),
    "RobertaTokenizer": TokenizerClass(tokens=_ROBERTA),
    "XLMRobertaTokenizer": TokenizerClass(tokens=_ROBERTA),
    "CamembertTokenizer": TokenizerClass(
        tokens=_ROBERTA,
        mask_takes_blank=True,
        extra_tokens=_camembert_tokens,
    ),
    "AlbertTokenizer": TokenizerClass(
        tokens=_tokens("[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]")
    ),
    # Texts are cleaned before it; the class itself is one of sentencepiece.
    "SiglipTokenizer": TokenizerClass(
        tokens=_tokens(None, "</s>", "<unk>", None, "</s>", None, None)
    ),
    "DebertaTokenizer": TokenizerClass(
        tokens=_DEBERTA,
        input_names=(*_PLAIN_INPUTS, "token_type_ids"),
    ),
    "DebertaV2Tokenizer": TokenizerClass(
        tokens=_DEBERTA,
        input_names=(*_PLAIN_INPUTS, "token_type_ids"),
    ),
    "T5Tokenizer": TokenizerClass(
        tokens=_tokens(None, "</s>", "<unk>", None, "<pad>", None, None),
        extra_tokens=_t5_tokens,
    ),
    "Qwen2Tokenizer": TokenizerClass(
        tokens=_tokens(None, _END_OF_TEXT, _END_OF_TEXT, None, _END_OF_TEXT, None, None),
        adds_plain=True,
    ),
    "GPT2Tokenizer": TokenizerClass(
        tokens=_tokens(_END_OF_TEXT, _END_OF_TEXT, _END_OF_TEXT, None, None, None, None)
    ),
    "LlamaTokenizer": TokenizerClass(
        tokens=_tokens("<s>", "</s>", "<unk>", None, None, None, None),
        pads_left=True,
        pads_as_file=True,
    ),
    "GemmaTokenizer": TokenizerClass(
        tokens=_GEMMA,
        pads_left=True,
    ),
    "Siglip2Tokenizer": TokenizerClass(tokens=_GEMMA, pads_left=True),
    "CLIPTokenizer": TokenizerClass(
        tokens=_tokens(
            "<|startoftext|>", _END_OF_TEXT, _END_OF_TEXT, None, _END_OF_TEXT, None, None
        )
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
OF_ARCHITECTURE: Mapping[str, str] = {
    "albert": "AlbertTokenizer",
    "bart": "RobertaTokenizer",
    "bert": "BertTokenizer",
    "big_bird": "BigBirdTokenizer",
    "camembert": "CamembertTokenizer",
    "clip": "CLIPTokenizer",
    "convbert": "BertTokenizer",
    "data2vec-text": "RobertaTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "ernie": "BertTokenizer",
    "esm": "EsmTokenizer",
    "fnet": "FNetTokenizer",
    "funnel": "FunnelTokenizer",
    "gemma": "GemmaTokenizer",
    "gemma2": "GemmaTokenizer",
    "gemma3": "GemmaTokenizer",
    "gemma3_text": "GemmaTokenizer",
    "gpt2": "GPT2Tokenizer",
    "gpt_neo": "GPT2Tokenizer",
    "gpt_neox": "GPTNeoXTokenizer",
    "gptj": "GPT2Tokenizer",
    "gte": "XLMRobertaTokenizer",
    "herbert": "HerbertTokenizer",
    "ibert": "RobertaTokenizer",
    "jina_embeddings_v3": "XLMRobertaTokenizer",
    "longformer": "RobertaTokenizer",
    "luke": "LukeTokenizer",
    "mbart": "MBartTokenizer",
    "megatron-bert": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "mra": "RobertaTokenizer",
    "mt5": "T5Tokenizer",
    "nezha": "BertTokenizer",
    "nomic_bert": "BertTokenizer",
    "opt": "GPT2Tokenizer",
    "qdqbert": "BertTokenizer",
    "qwen3": "Qwen2Tokenizer",
    "rembert": "RemBertTokenizer",
    "roberta": "RobertaTokenizer",
    "roberta-prelayernorm": "RobertaTokenizer",
    "roformer": "RoFormerTokenizer",
    "squeezebert": "BertTokenizer",
    "switch_transformers": "T5Tokenizer",
    "t5": "T5Tokenizer",
    "t5gemma": "GemmaTokenizer",
    "xlm": "XLMTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "xlnet": "XLNetTokenizer",
    "xmod": "XLMRobertaTokenizer",
    "yoso": "AlbertTokenizer",
}
"""The class that transformers takes where a checkpoint of an architecture names none."""

ALWAYS_OF_ARCHITECTURE: Mapping[str, str] = {
    "bigbird_pegasus": GENERIC,
    "glm": GENERIC,
    "glm4": GENERIC,
    "gpt_bigcode": GENERIC,
    "granite": GENERIC,
    "granitemoe": GENERIC,
    "jamba": GENERIC,
    "ministral": GENERIC,
    "ministral3": GENERIC,
    "mistral": GENERIC,
    "mixtral": GENERIC,
    "modernbert": GENERIC,
    "modernbert-decoder": GENERIC,
    "nemotron": GENERIC,
    "nystromformer": GENERIC,
    "olmo2": GENERIC,
    "olmo3": GENERIC,
    "pegasus_x": GENERIC,
    "persimmon": GENERIC,
    "phi3": GENERIC,
    "phimoe": GENERIC,
    "qwen2": "Qwen2Tokenizer",
    "stablelm": GENERIC,
    "umt5": GENERIC,
    "xlm-roberta-xl": GENERIC,
}
"""The class that transformers takes for an architecture, whatever its checkpoints name."""


def require_vocabulary(checkpoint: Checkpoint) -> None:
    """Raise a `CheckpointError` where a folder has no vocabulary at all."""
    if not any(checkpoint.has(name) for name in VOCABULARIES):
        raise CheckpointError(
            checkpoint.location, f"has no tokenizer; expected one of {', '.join(VOCABULARIES)}"
        )


def files_read(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the files of a folder whose bytes make its tokenizer, beside its settings.

    A `tokenizer.json` decides alone, but for the tokens that older files add to it. Without it, or
    where a class is not known here, transformers or code of the checkpoint may read any file.
    """
    settings = checkpoint.json(SETTINGS_FILE, optional=True)
    known = stated_class(checkpoint, settings) in TOKENIZER_CLASSES
    names: tuple[str, ...] = (*VOCABULARIES, "merges.txt", ADDED_FILE)
    if checkpoint.has(TOKENIZER_FILE) and known and "auto_map" not in settings.values:
        names = (TOKENIZER_FILE, ADDED_FILE) if has_files_of_old(settings) else (TOKENIZER_FILE,)
    return tuple(name for name in names if checkpoint.has(name))


def class_name(stated: str | None, architecture: str | None, *, byte_level: bool = False) -> str:
    """Return the class that transformers 5 takes.

    Args:
        stated: the class that the checkpoint names, if any.
        architecture: the `model_type` of the checkpoint's transformer, if it has one.
        byte_level: whether `tokenizer.json` speaks of bytes.
    """
    if architecture is not None and architecture in ALWAYS_OF_ARCHITECTURE:
        return ALWAYS_OF_ARCHITECTURE[architecture]
    name = stated or OF_ARCHITECTURE.get(architecture or "", GENERIC)
    name = name.removesuffix("Fast")
    if name == "LlamaTokenizer" and byte_level:
        # Llama 3, whose checkpoints name the class of Llama 2.
        return GENERIC
    return _OTHER_NAMES.get(name, name)


def stated_class(checkpoint: Checkpoint, settings: JsonFile, *, byte_level: bool = False) -> str:
    """Return the class that transformers 5 takes for a checkpoint; see `class_name`."""
    config = checkpoint.json("config.json", optional=True)
    own = settings.text("tokenizer_class") or config.text("tokenizer_class")
    architecture = config.text("model_type")
    return class_name(
        own.value if own else None,
        architecture.value if architecture else None,
        byte_level=byte_level,
    )


def has_files_of_old(settings: JsonFile) -> bool:
    """Return whether `special_tokens_map.json` and `added_tokens.json` decide, too.

    Newer files say everything in one place.
    """
    return DESCRIBED not in settings.values


def decided_by_map(checkpoint: Checkpoint) -> dict[str, object]:
    """Return what `special_tokens_map.json` says and no other file; nothing where all say the same.

    Most checkpoints repeat there what `tokenizer_config.json` or the class says, too.
    """
    settings = checkpoint.json(SETTINGS_FILE, optional=True)
    stated = checkpoint.json(MAP_FILE, optional=True).values
    if not has_files_of_old(settings):
        return {}
    defaults = TOKENIZER_CLASSES.get(stated_class(checkpoint, settings))
    others = {**(defaults.tokens if defaults else {}), **settings.values}
    return {
        key: _texts(value)
        for key, value in stated.items()
        if _texts(value) != _texts(others.get(key))
    }


def _texts(value: object) -> object:
    """Return what a file states of tokens with nothing but their texts."""
    if isinstance(value, dict) and "content" in value:
        return value["content"]
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return value
