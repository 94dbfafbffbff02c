"""Loading the chat template of a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from transformers import AutoTokenizer

from holotype.encoders.checkpoints.head_settings import TemplateSettings
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.remote_code import CodePolicy, runs_own_code
from holotype.encoders.tokens.pair_template import Message, PairTemplate
from holotype.errors import UnsupportedCheckpointError


def load_template(folder: Path, settings: TemplateSettings, *, policy: CodePolicy) -> PairTemplate:
    """Load the chat template by which a checkpoint writes pairs.

    Args:
        folder: where the tokenizer's files are.
        settings: how the template is used.
        policy: what becomes of code that the checkpoint brings along.

    Raises:
        UnsupportedCheckpointError: there is no template, or it cannot write pairs.
    """
    own = runs_own_code(
        JsonFile.read(folder, "tokenizer_config.json", optional=True), "AutoTokenizer", policy
    )
    wrapper: Any = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=own
    )
    if wrapper.chat_template is None:
        raise UnsupportedCheckpointError(
            str(folder), "puts pairs through a chat template, but has none"
        )

    def render(messages: Sequence[Message]) -> str:
        text: str = wrapper.apply_chat_template(
            list(messages), tokenize=False, **settings.arguments
        )
        return text

    template = PairTemplate(render, structured=settings.structured)
    try:
        dropped = template.drops()
    except (TemplateError, TypeError, ValueError) as error:
        raise UnsupportedCheckpointError(
            str(folder), f"its chat template cannot write a pair: {error}"
        ) from error
    if dropped:
        raise UnsupportedCheckpointError(
            str(folder),
            f"its chat template leaves out the {' and the '.join(dropped)} of a pair; expected one "
            "with the roles 'query' and 'document'",
        )
    return template
