"""Loading a tokenizer without transformers, from the `tokenizer.json` of a checkpoint.

Texts become the same tokens as with the class of transformers 5 that the checkpoint names. Those
classes make some steps anew from their settings instead of taking them from `tokenizer.json`; what
they decide differently is done here, too. A class that is not known here is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Tokenizer
from tokenizers.normalizers import BertNormalizer, Lowercase, Normalizer
from tokenizers.normalizers import Sequence as NormalizerSequence
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.errors import CheckpointError, UnsupportedCheckpointError

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


TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "tokenizer_config.json"
_MAP_FILE = "special_tokens_map.json"


def read_tokenizer(checkpoint: Checkpoint, *, lower_case: bool) -> TextTokenizer:
    """Load the tokenizer of a checkpoint; neither transformers nor torch is imported.

    Args:
        checkpoint: the folder of the tokenizer's files.
        lower_case: whether texts are put in lower case before anything else.

    Raises:
        CheckpointError: a file is damaged.
        UnsafeCheckpointError: it is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: only transformers can load it.
    """
    settings = checkpoint.json(SETTINGS_FILE, optional=True)
    if runs_own_code(settings, "AutoTokenizer", checkpoint.policy):
        raise UnsupportedCheckpointError(
            settings.location, "names Python code of its own, which only transformers can run"
        )
    tokenizer = open_tokenizer(checkpoint)
    defaults = _defaults(checkpoint, settings)
    padding = tokenizer.padding or {}
    tokens = _special_tokens(checkpoint, settings, defaults, padding)
    try:
        _add_tokens(tokenizer, settings, tokens)
        if defaults.wordpiece:
            _remake_wordpiece(tokenizer, settings, tokens)
    except CheckpointError:
        raise
    # The tokenizers library raises what it likes for tokens that it cannot read.
    except Exception as error:
        raise CheckpointError(
            settings.location, f"names special tokens that cannot be read: {error}"
        ) from error
    side = settings.text("padding_side")
    cut_side = settings.text("truncation_side")
    truncation = tokenizer.truncation or {}
    names = settings.texts("model_input_names")
    pads = side.value if side else padding.get("direction")
    return text_tokenizer(
        tokenizer,
        lower_case=lower_case,
        special_ids={
            key: None if token is None else tokenizer.token_to_id(token)
            for key, token in tokens.items()
        },
        pads_left=defaults.pads_left if pads is None else pads == "left",
        cuts_left=(cut_side.value if cut_side else truncation.get("direction")) == "left",
        input_names=names.value if names else defaults.input_names,
    )


def open_tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    """Return what `tokenizer.json` holds, as it is.

    Raises:
        UnsupportedCheckpointError: there is no such file.
        CheckpointError: it is damaged.
    """
    path = checkpoint.folder / TOKENIZER_FILE
    if not path.is_file():
        raise UnsupportedCheckpointError(
            checkpoint.location,
            f"has no {TOKENIZER_FILE}; other vocabularies are converted by transformers only: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes the file",
        )
    try:
        return Tokenizer.from_file(str(path))
    # The tokenizers library raises bare exceptions for files that it cannot read.
    except Exception as error:
        raise CheckpointError(str(path), f"cannot be read as a tokenizer: {error}") from error


def text_tokenizer(
    tokenizer: Tokenizer,
    *,
    lower_case: bool,
    special_ids: Mapping[str, int | None],
    pads_left: bool,
    cuts_left: bool,
    input_names: tuple[str, ...],
) -> TextTokenizer:
    """Finish a tokenizer that nobody else holds.

    Args:
        tokenizer: changed here: it neither cuts nor pads afterwards.
        lower_case: whether texts are put in lower case before anything else.
        special_ids: the ids of special tokens by the names of their settings.
        pads_left: see `TextTokenizer`.
        cuts_left: whether what is too long is cut at its beginning.
        input_names: see `TextTokenizer`.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if lower_case:
        _put_in_lower_case(tokenizer)
    pad_id, end_id, mask_id = (special_ids.get(f"{name}_token") for name in ("pad", "eos", "mask"))
    return TextTokenizer(
        tokenizer,
        pad_id=next((known for known in (pad_id, end_id) if known is not None), 0),
        fill_id=mask_id if mask_id is not None else end_id,
        pads_left=pads_left,
        cuts_left=cuts_left,
        input_names=input_names,
    )


def _put_in_lower_case(tokenizer: Tokenizer) -> None:
    present: Normalizer | None = tokenizer.normalizer
    steps = [Lowercase()] if present is None else [Lowercase(), present]
    tokenizer.normalizer = NormalizerSequence(steps)


def _defaults(checkpoint: Checkpoint, settings: JsonFile) -> TokenizerClass:
    config = checkpoint.json("config.json", optional=True)
    stated = settings.text("tokenizer_class") or config.text("tokenizer_class")
    architecture = config.text("model_type")
    name = class_name(_value(stated), _value(architecture))
    found = TOKENIZER_CLASSES.get(name)
    if found is None:
        raise UnsupportedCheckpointError(
            settings.location,
            f"names the tokenizer {name!r}, which only transformers can load; known without it "
            f"are {', '.join(known for known in TOKENIZER_CLASSES if known != GENERIC)}",
        )
    return found


def _value(setting: Setting[str] | None) -> str | None:
    return setting.value if setting else None


def _special_tokens(
    checkpoint: Checkpoint, settings: JsonFile, defaults: TokenizerClass, padding: Mapping[str, Any]
) -> dict[str, str | None]:
    """Return the special tokens by their settings: the files' own, else those of the class."""
    stated = dict(settings.values)
    if "added_tokens_decoder" not in stated:
        # Files of old; newer ones say everything in one place.
        stated |= checkpoint.json(_MAP_FILE, optional=True).values
    if padding.get("pad_token") is not None and "pad_token" not in defaults.tokens:
        stated.setdefault("pad_token", padding["pad_token"])
    found: dict[str, str | None] = {}
    for key in SPECIAL_TOKENS:
        token = stated[key] if key in stated else defaults.tokens.get(key)
        if isinstance(token, dict):
            token = token.get("content")
        if token is not None and not isinstance(token, str):
            raise settings.wrong(key, token, "a token")
        found[key] = token
    return found


def _add_tokens(
    tokenizer: Tokenizer, settings: JsonFile, special: Mapping[str, str | None]
) -> None:
    """Add the tokens that only the settings name."""
    known = set(map(repr, tokenizer.get_added_tokens_decoder().values()))
    stated = settings.part("added_tokens_decoder")
    described: Mapping[str, Any] = stated.values if stated else {}
    try:
        tokens = [AddedToken(**described[id]) for id in sorted(described, key=int)]
    except (TypeError, ValueError) as error:
        raise settings.wrong("added_tokens_decoder", described, "tokens by their ids") from error
    added = [token for token in tokens if repr(token) not in known]
    present = {token.content for token in (*tokenizer.get_added_tokens_decoder().values(), *added)}
    for name in special.values():
        if name is not None and name not in present:
            added.append(AddedToken(name, special=True))
            present.add(name)
    if added:
        tokenizer.add_tokens(added)


def _remake_wordpiece(
    tokenizer: Tokenizer, settings: JsonFile, special: Mapping[str, str | None]
) -> None:
    chinese, accents = settings.boolean("tokenize_chinese_chars"), settings.boolean("strip_accents")
    lower = settings.boolean("do_lower_case")
    tokenizer.normalizer = BertNormalizer(
        clean_text=True,
        handle_chinese_chars=chinese.value if chinese else True,
        strip_accents=accents.value if accents else None,
        lowercase=lower.value if lower else True,
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    if special["bos_token"] is not None:
        # MPNet's, which marks pairs in a way of its own.
        return
    first, last = special["cls_token"], special["sep_token"]
    if first is None or last is None:
        raise settings.wrong("cls_token", first, "the tokens at the ends of a text")
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first}:0 $A:0 {last}:0",
        pair=f"{first}:0 $A:0 {last}:0 $B:1 {last}:1",
        special_tokens=[
            (token, tokenizer.token_to_id(token)) for token in dict.fromkeys((first, last))
        ],
    )
