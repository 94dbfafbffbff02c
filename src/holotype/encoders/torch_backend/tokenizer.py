"""Tokenizers of vocabularies that only transformers knows, and chat templates."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import TemplateSettings
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.inputs.template import Message, PairTemplate
from holotype.encoders.inputs.tokenizer import TextTokenizer, is_failure
from holotype.encoders.inputs.tokenizer_classes import (
    SETTINGS_FILE,
    TOKENIZER_FILE,
    VOCABULARIES,
    require_vocabulary,
)
from holotype.encoders.inputs.tokenizer_json import read_tokenizer, text_tokenizer
from holotype.errors import CheckpointError, UnsupportedCheckpointError


def load_tokenizer(checkpoint: Checkpoint, *, lower_case: bool) -> TextTokenizer:
    """Load the tokenizer of a checkpoint.

    `tokenizer.json` decides where there is one, and is read without transformers, so that the
    tokens are those of every other backend. transformers makes the file from other vocabularies,
    and runs what `read_tokenizer` does not know.

    Args:
        checkpoint: the folder of the tokenizer's files.
        lower_case: whether texts are put in lower case before anything else.

    Raises:
        CheckpointError: its files are missing or damaged.
        UnsafeCheckpointError: it is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: it has no fast implementation.
    """
    require_vocabulary(checkpoint)
    if checkpoint.has(TOKENIZER_FILE):
        try:
            return read_tokenizer(checkpoint, lower_case=lower_case)
        except UnsupportedCheckpointError:
            return _wrapped(checkpoint, _opened(checkpoint), lower_case=lower_case)
    opened = _opened(checkpoint)
    _require_file_of_class(checkpoint, opened)
    with tempfile.TemporaryDirectory(prefix="holotype-") as made:
        opened.save_pretrained(made)
        if checkpoint.has("config.json"):
            shutil.copyfile(checkpoint.folder / "config.json", Path(made) / "config.json")
        written = Checkpoint(Path(made), policy=checkpoint.policy, location=checkpoint.location)
        try:
            return read_tokenizer(written, lower_case=lower_case)
        except UnsupportedCheckpointError:
            return _wrapped(checkpoint, opened, lower_case=lower_case)


def _opened(checkpoint: Checkpoint) -> Any:
    # Importing transformers takes seconds, and is left until nothing goes without it.
    from transformers import AutoTokenizer

    settings = checkpoint.json(SETTINGS_FILE, optional=True)
    own = runs_own_code(settings, "AutoTokenizer", checkpoint.policy)
    try:
        return AutoTokenizer.from_pretrained(
            checkpoint.folder, local_files_only=True, trust_remote_code=own
        )
    except BaseException as error:
        if not is_failure(error):
            raise
        found = [name for name in VOCABULARIES if checkpoint.has(name)]
        problem = f"its tokenizer ({', '.join(found)}) cannot be read by transformers: {error}"
        if any(name.endswith(".model") for name in found) and find_spec("sentencepiece") is None:
            problem += "; such a file needs sentencepiece and protobuf, which pip installs"
        raise CheckpointError(checkpoint.location, problem) from error


def _require_file_of_class(checkpoint: Checkpoint, opened: Any) -> None:
    """Check that a folder has a file that the class of its tokenizer reads.

    Without one, transformers makes a tokenizer of a few special tokens, and every word is unknown.
    """
    read = {*opened.vocab_files_names.values()}
    # transformers takes this one for every class.
    if read and not any(checkpoint.has(name) for name in (*read, "tokenizer.model")):
        found = sorted(name for name in VOCABULARIES if checkpoint.has(name))
        raise CheckpointError(
            checkpoint.location,
            f"its tokenizer {type(opened).__name__} reads {' or '.join(sorted(read))}; found "
            f"{', '.join(found)}",
        )


def _wrapped(checkpoint: Checkpoint, opened: Any, *, lower_case: bool) -> TextTokenizer:
    """Return a tokenizer of transformers as it is."""
    tokenizer = getattr(opened, "backend_tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise UnsupportedCheckpointError(
            checkpoint.location,
            f"its tokenizer {type(opened).__name__} has no fast implementation",
        )
    return text_tokenizer(
        tokenizer,
        location=checkpoint.location,
        lower_case=lower_case,
        special_ids={
            "bos_token": opened.bos_token_id,
            "pad_token": opened.pad_token_id,
            "eos_token": opened.eos_token_id,
            "mask_token": opened.mask_token_id,
        },
        all_special_ids=opened.all_special_ids,
        pads_left=opened.padding_side == "left",
        cuts_left=opened.truncation_side == "left",
        input_names=tuple(opened.model_input_names),
        cleans=bool(opened.clean_up_tokenization_spaces),
    )


def load_template(checkpoint: Checkpoint, settings: TemplateSettings) -> PairTemplate:
    """Load the chat template by which a checkpoint writes pairs.

    Args:
        checkpoint: the folder of the tokenizer's files.
        settings: how the template is used.

    Raises:
        CheckpointError: the files of the tokenizer are damaged.
        UnsupportedCheckpointError: there is no template, or it cannot write pairs.
    """
    # What most models never need is left until then.

    wrapper = _opened(checkpoint)
    if wrapper.chat_template is None:
        raise UnsupportedCheckpointError(
            checkpoint.location, "puts pairs through a chat template, but has none"
        )

    def render(messages: Sequence[Message]) -> str:
        text: str = wrapper.apply_chat_template(
            list(messages), tokenize=False, **settings.arguments
        )
        return text

    template = PairTemplate(render, structured=settings.structured)
    try:
        dropped = template.drops()
    # A template calls methods of Python's values, which raise whatever they raise.
    except Exception as error:
        raise UnsupportedCheckpointError(
            checkpoint.location, f"its chat template cannot write a pair: {error}"
        ) from error
    if dropped:
        raise UnsupportedCheckpointError(
            checkpoint.location,
            f"its chat template leaves out the {' and the '.join(dropped)} of a pair; expected one "
            "with the roles 'query' and 'document'",
        )
    return template
