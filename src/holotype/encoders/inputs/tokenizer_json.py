"""Loading a tokenizer without transformers, from the `tokenizer.json` of a checkpoint.

Texts become the same tokens as with the class of transformers 5 that the checkpoint names. Those
classes make most steps anew from their settings instead of taking them from `tokenizer.json`; what
they decide differently is done here, too. A class that is not known here is an error.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import tokenizers
from tokenizers import Encoding, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import Lowercase, Normalizer
from tokenizers.normalizers import Sequence as NormalizerSequence
from tokenizers.processors import TemplateProcessing

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.inputs.special_tokens import NamedTokens, read_tokens
from holotype.encoders.inputs.tokenizer import TextTokenizer, is_failure
from holotype.encoders.inputs.tokenizer_classes import (
    GENERIC,
    SETTINGS_FILE,
    TOKENIZER_CLASSES,
    TOKENIZER_FILE,
    TokenizerClass,
    stated_class,
)
from holotype.encoders.inputs.tokenizer_making import (
    MAKINGS,
    Making,
    fits,
    make_tokenizer,
    set_special_tokens,
)
from holotype.encoders.inputs.tokenizer_sharing import share
from holotype.encoders.inputs.tokenizer_steps import Stated
from holotype.errors import CheckpointError, UnsupportedCheckpointError, reason_of

# Replacements of real files make an ellipsis three dots, at most.
_MOST_GROWTH = 10_000
_N_TRIED = 1_000


def read_tokenizer(checkpoint: Checkpoint, *, lower_case: bool) -> TextTokenizer:
    """Load the tokenizer of a checkpoint; neither transformers nor torch is imported.

    It is shared with the encoders whose files say the same; see `tokenizer_sharing`.

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
    content = _content(checkpoint)
    location = checkpoint.where(TOKENIZER_FILE)
    return share(
        checkpoint,
        content,
        lower_case=lower_case,
        location=location,
        read=lambda: _read(checkpoint, settings, content, location, lower_case=lower_case),
    )


def _read(
    checkpoint: Checkpoint, settings: JsonFile, content: bytes, location: str, *, lower_case: bool
) -> TextTokenizer:
    file = _parsed(content, location)
    stated = Stated(file=file, content=content, settings=settings, tokens={})
    defaults, making = _class(checkpoint, settings, stated)
    padding, truncation = file.padding or {}, file.truncation or {}
    try:
        tokens = read_tokens(checkpoint, settings, file, defaults, keeps_file=making is None)
    except UnicodeEncodeError as error:
        raise CheckpointError(
            checkpoint.location, f"names a special token that is no text: {error.reason}"
        ) from error
    stated = dataclasses.replace(stated, tokens=tokens.named)
    side = settings.text("padding_side")
    cut_side = settings.text("truncation_side")
    names = settings.texts("model_input_names")
    pads = side.value if side else padding.get("direction")
    try:
        tokenizer = _made(stated, making, tokens)
        made = text_tokenizer(
            tokenizer,
            location=location,
            lower_case=lower_case,
            special_ids={
                key: None if token is None else tokenizer.token_to_id(token)
                for key, token in tokens.named.items()
            },
            all_special_ids=[tokenizer.token_to_id(token) for token in tokens.special],
            pads_left=defaults.pads_left if pads is None else pads == "left",
            cuts_left=(cut_side.value if cut_side else truncation.get("direction")) == "left",
            input_names=names.value if names else defaults.input_names,
            cleans=stated.flag("clean_up_tokenization_spaces", default=False),
        )
        _check_segments(checkpoint, tokenizer, made)
        return made
    except CheckpointError:
        raise
    except BaseException as error:
        raise _unreadable(location, error) from error


def _check_segments(checkpoint: Checkpoint, tokenizer: Tokenizer, made: TextTokenizer) -> None:
    """Check that a text's segments are among those that the transformer knows."""
    known = checkpoint.json("config.json", optional=True).integer("type_vocab_size")
    if known is None or "token_type_ids" not in made.input_names:
        return
    largest = max(tokenizer.encode("a").type_ids, default=0)
    if known.value and largest >= known.value:
        raise CheckpointError(
            made.location,
            f"its post_processor gives tokens the segment {largest}, but the model has only "
            f"{known.value} ('type_vocab_size' of {known.file})",
        )


def open_tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    """Return what `tokenizer.json` holds, as it is.

    Raises:
        UnsupportedCheckpointError: there is no such file.
        CheckpointError: it is damaged.
    """
    return _parsed(_content(checkpoint), checkpoint.where(TOKENIZER_FILE))


def _content(checkpoint: Checkpoint) -> bytes:
    if not checkpoint.has(TOKENIZER_FILE):
        raise UnsupportedCheckpointError(
            checkpoint.location,
            f"has no {TOKENIZER_FILE}; other vocabularies are converted by transformers only: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes the file",
        )
    try:
        return (checkpoint.folder / TOKENIZER_FILE).read_bytes()
    except OSError as error:
        location = checkpoint.where(TOKENIZER_FILE)
        raise CheckpointError(location, f"cannot be read: {reason_of(error)}") from error


def _parsed(content: bytes, location: str) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except BaseException as error:
        raise _unreadable(location, error) from error
    if _is_empty(tokenizer):
        raise CheckpointError(
            location,
            "has no vocabulary, or a vocabulary of special tokens alone; expected the tokens of "
            "texts, too. transformers saves such a tokenizer where it found no file that its class "
            "reads",
        )
    growth = _growth(tokenizer)
    if growth > _MOST_GROWTH:
        raise CheckpointError(
            location,
            f"its normalizer can make a text {growth:,} times as long; expected at most "
            f"{_MOST_GROWTH:,} times",
        )
    return tokenizer


def _is_empty(tokenizer: Tokenizer) -> bool:
    """Return whether a vocabulary has no tokens of which a text could consist."""
    added = tokenizer.get_added_tokens_decoder().values()
    special = {token.content for token in added if token.special}
    if tokenizer.get_vocab_size() > len(special):
        return False
    return tokenizer.get_vocab().keys() <= special


def _growth(tokenizer: Tokenizer) -> int:
    """Return how many times as long the replacements of a normalizer can make a text."""
    return math.prod(max(len(step.get("content", "")), 1) for step in _normalizers(tokenizer))


def _normalizers(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """Return the settings of each step of a normalizer, as `tokenizer.json` would have them."""
    if tokenizer.normalizer is None:
        return []
    state = json.loads(tokenizer.normalizer.__getstate__())
    steps: list[dict[str, Any]] = state.get("normalizers", [state])
    return steps


def _unreadable(location: str, error: BaseException) -> BaseException:
    """Return the error for what the tokenizers library raises, which may be any exception."""
    if not is_failure(error):
        return error
    return CheckpointError(
        location,
        f"cannot be read as a tokenizer by tokenizers {tokenizers.__version__}: {error}; expected "
        "what that version or an older one writes. Fetch the file again, or, where a newer "
        "version has written it, update tokenizers",
    )


def _made(stated: Stated, making: Making | None, tokens: NamedTokens) -> Tokenizer:
    tokenizer = stated.file if making is None else make_tokenizer(making, stated)
    tokenizer.add_tokens(list(tokens.to_add))
    tokenizer.add_tokens(list(tokens.to_add_plain))
    set_special_tokens(making, stated, tokenizer)
    split = stated.settings.boolean("split_special_tokens")
    tokenizer.encode_special_tokens = split is not None and split.value
    return tokenizer


def text_tokenizer(
    tokenizer: Tokenizer,
    *,
    location: str,
    lower_case: bool,
    special_ids: Mapping[str, int | None],
    all_special_ids: Iterable[int | None],
    pads_left: bool,
    cuts_left: bool,
    input_names: tuple[str, ...],
    cleans: bool,
) -> TextTokenizer:
    """Finish a tokenizer that nobody else holds.

    Args:
        tokenizer: changed here: it neither cuts nor pads afterwards.
        location: the file or folder that it was made of, for errors.
        lower_case: whether texts are put in lower case before anything else.
        special_ids: the ids of special tokens by the names of their settings.
        all_special_ids: these, and the ids of special tokens without a name of their own.
        pads_left: see `TextTokenizer`.
        cuts_left: whether what is too long is cut at its beginning.
        input_names: see `TextTokenizer`.
        cleans: whether the checkpoint asks for texts of tokens without blanks before punctuation,
            which transformers does only where the vocabulary is no BPE.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if lower_case:
        _put_in_lower_case(tokenizer)
    _check_around(tokenizer, location)
    pad_id, end_id, mask_id = (special_ids.get(f"{name}_token") for name in ("pad", "eos", "mask"))
    return TextTokenizer(
        tokenizer,
        pad_id=next((known for known in (pad_id, end_id) if known is not None), 0),
        fill_id=mask_id if mask_id is not None else end_id,
        pads_left=pads_left,
        cuts_left=cuts_left,
        input_names=input_names,
        location=location,
        bos_id=special_ids.get("bos_token"),
        special_ids={id for id in all_special_ids if id is not None},
        cleans=cleans and not isinstance(tokenizer.model, BPE),
    )


def _check_around(tokenizer: Tokenizer, location: str) -> None:
    """Check that special tokens stand around a text, which is there once and whole.

    Otherwise all texts would get one vector, or be longer than they may be.
    """
    around = tokenizer.post_processor
    # It may drop a text even where no special tokens are asked for.
    tokenizer.post_processor = TemplateProcessing(single="$A:0", pair="$A:0 $B:1")
    text = next((found for found in _encoded(tokenizer) if found.ids), None)
    tokenizer.post_processor = around
    if text is None:
        return
    whole = tokenizer.post_process(text, add_special_tokens=True)
    own = [
        id for id, special in zip(whole.ids, whole.special_tokens_mask, strict=True) if not special
    ]
    unknown = [id for id in whole.ids if tokenizer.id_to_token(id) is None]
    if unknown:
        raise CheckpointError(
            location,
            f"its post_processor adds the token ids {unknown[:8]}, which its vocabulary lacks",
        )
    if own != text.ids:
        raise CheckpointError(
            location,
            f"its post_processor makes the tokens {whole.ids[:20]} of a text of the tokens "
            f"{text.ids[:20]}; expected the text once, with special tokens around it",
        )


def _encoded(tokenizer: Tokenizer) -> Iterator[Encoding]:
    """Yield the tokens of a few texts without special ones; a small vocabulary may lack some."""
    for text in ("a", "1", ".", "the", "\u4e00"):
        yield tokenizer.encode(text, add_special_tokens=False)
    for text in sorted(tokenizer.get_vocab())[:_N_TRIED]:
        yield tokenizer.encode(text, add_special_tokens=False)


def _put_in_lower_case(tokenizer: Tokenizer) -> None:
    # Once is enough, and twice is not the same for a few Greek letters.
    if any(step["type"] == "Lowercase" for step in _normalizers(tokenizer)):
        return
    present: Normalizer | None = tokenizer.normalizer
    steps = [Lowercase()] if present is None else [Lowercase(), present]
    tokenizer.normalizer = NormalizerSequence(steps)


def _class(
    checkpoint: Checkpoint, settings: JsonFile, stated: Stated
) -> tuple[TokenizerClass, Making | None]:
    """Return a checkpoint's class, and how it makes the tokenizer; None where the file says all."""
    name = stated_class(checkpoint, settings, byte_level=stated.byte_level)
    found = TOKENIZER_CLASSES.get(name)
    if found is None:
        raise UnsupportedCheckpointError(
            settings.location,
            f"names the tokenizer {name!r}, which only transformers can load; known without it "
            f"are {', '.join(known for known in TOKENIZER_CLASSES if known != GENERIC)}",
        )
    making = MAKINGS.get(name)
    if making is None or fits(making.kind, stated):
        return found, making
    # The file is of another kind than its class, which would make nonsense of it: the file decides,
    # and has the tokens that it was trained with, not those of the class.
    return dataclasses.replace(TOKENIZER_CLASSES[GENERIC], input_names=found.input_names), None
