"""The text that is put before queries and documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from holotype.errors import InstructionError

PLACEHOLDER = "{instruction}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of one side.

    Attributes:
        text: the prompt; ``{instruction}`` in it stands for a description of the task.
        filled: the prompt with the authors' own instruction, for calls that give none.
    """

    text: str
    filled: str | None = None

    @property
    def takes_instruction(self) -> bool:
        """Whether the prompt has a place for a description of the task."""
        return PLACEHOLDER in self.text

    def fill(self, model_id: str, instruction: str | None) -> str:
        """Return the text to put before every text of a call.

        Raises:
            InstructionError: an instruction is needed and not given, or has no place.
        """
        if not self.takes_instruction:
            if instruction is not None:
                raise InstructionError(model_id, self.text, instruction)
            return self.text
        if instruction is not None:
            return self.text.replace(PLACEHOLDER, instruction)
        if self.filled is None:
            raise InstructionError(model_id, self.text, None)
        return self.filled


class Prompted(Protocol):
    """How a model is run whose sides have prompts."""

    @property
    def query_prompt(self) -> Prompt:
        """The prompt of queries."""
        ...

    @property
    def document_prompt(self) -> Prompt:
        """The prompt of documents."""
        ...

    @property
    def default_prompt(self) -> str:
        """The prompt of texts that are neither."""
        ...


def needed_instruction(prompt: Prompt) -> str | None:
    """Return some instruction for a prompt that cannot go without, None for others."""
    return "Find what matches." if prompt.takes_instruction and prompt.filled is None else None


def is_filled(template: str, prompt: str) -> bool:
    """Return whether a prompt is a template with some instruction in its place."""
    if PLACEHOLDER not in template:
        return False
    pattern = ".*".join(map(re.escape, template.split(PLACEHOLDER)))
    return re.fullmatch(pattern, prompt, flags=re.DOTALL) is not None
