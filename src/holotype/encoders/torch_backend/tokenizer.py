"""Tokenizers and chat templates as transformers reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import TemplateSettings
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.completeness import VOCABULARIES
from holotype.encoders.inputs.template import Message, PairTemplate
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_json import text_tokenizer
from holotype.errors import CheckpointError, UnsupportedCheckpointError


def load_tokenizer(checkpoint: Checkpoint, *, lower_case: bool) -> TextTokenizer:
    """Load the tokenizer of a checkpoint.

    Args:
        checkpoint: the folder of the tokenizer's files.
        lower_case: whether texts are put in lower case before anything else.

    Raises:
        CheckpointError: its files are missing or damaged.
        UnsafeCheckpointError: it is code of the checkpoint, and that is not allowed.
        UnsupportedCheckpointError: it has no fast implementation.
    """
    if not any(checkpoint.has(name) for name in VOCABULARIES):
        raise CheckpointError(
            checkpoint.location, f"has no tokenizer; expected one of {', '.join(VOCABULARIES)}"
        )
    settings = checkpoint.json("tokenizer_config.json", optional=True)
    own = runs_own_code(settings, "AutoTokenizer", checkpoint.policy)
    try:
        wrapper = AutoTokenizer.from_pretrained(
            checkpoint.folder, local_files_only=True, trust_remote_code=own
        )
    # The tokenizers library raises bare exceptions for files that it cannot read.
    except Exception as error:
        raise CheckpointError(
            checkpoint.location, f"its tokenizer cannot be read: {error}"
        ) from error
    tokenizer = getattr(wrapper, "backend_tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise UnsupportedCheckpointError(
            checkpoint.location,
            f"its tokenizer {type(wrapper).__name__} has no fast implementation",
        )
    return text_tokenizer(
        tokenizer,
        lower_case=lower_case,
        special_ids={
            "pad_token": wrapper.pad_token_id,
            "eos_token": wrapper.eos_token_id,
            "mask_token": wrapper.mask_token_id,
        },
        pads_left=wrapper.padding_side == "left",
        cuts_left=wrapper.truncation_side == "left",
        input_names=tuple(wrapper.model_input_names),
    )


def load_template(checkpoint: Checkpoint, settings: TemplateSettings) -> PairTemplate:
    """Load the chat template by which a checkpoint writes pairs.

    Args:
        checkpoint: the folder of the tokenizer's files.
        settings: how the template is used.

    Raises:
        UnsupportedCheckpointError: there is no template, or it cannot write pairs.
    """
    own = runs_own_code(
        checkpoint.json("tokenizer_config.json", optional=True), "AutoTokenizer", checkpoint.policy
    )
    try:
        wrapper: Any = AutoTokenizer.from_pretrained(
            checkpoint.folder, local_files_only=True, trust_remote_code=own
        )
    # See above.
    except Exception as error:
        raise CheckpointError(
            checkpoint.location, f"its tokenizer cannot be read: {error}"
        ) from error
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
