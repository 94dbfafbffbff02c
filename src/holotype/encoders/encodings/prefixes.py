"""What stands before queries and documents of late interaction: a marker, a prompt, or both.

Two formats name the marker on its own; it is put into the tokens by its id, as in training.
sentence-transformers writes it into the prompt, as text that its tokenizer reads as one token.
"""

from __future__ import annotations

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.late_interaction import LateInteraction
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.encodings.merge import Merge
from holotype.encoders.encodings.prompts import Prompt, is_filled
from holotype.records import AnyColbertModel


def query_prefix(
    record: AnyColbertModel, settings: CheckpointSettings, known: LateInteraction, merge: Merge
) -> tuple[str | None, Prompt]:
    """Return the marker and the prompt of queries."""
    return _prefix(
        merge,
        "query",
        (record.query_marker, record.query_prompt),
        (known.query_marker, settings.query_prompt),
        known,
        known.defaults.query_marker,
    )


def document_prefix(
    record: AnyColbertModel, settings: CheckpointSettings, known: LateInteraction, merge: Merge
) -> tuple[str | None, Prompt]:
    """Return the marker and the prompt of documents."""
    return _prefix(
        merge,
        "document",
        (record.document_marker, record.document_prompt),
        (known.document_marker, settings.document_prompt),
        known,
        known.defaults.document_marker,
    )


def _prefix(
    merge: Merge,
    side: str,
    ours: tuple[str | None, str | None],
    theirs: tuple[Setting[str] | None, Setting[str] | None],
    known: LateInteraction,
    usual: str | None,
) -> tuple[str | None, Prompt]:
    our_marker, our_prompt = ours
    their_marker, their_prompt = theirs
    marker_field, prompt_field = f"{side}_marker", f"{side}_prompt"
    if not known.markers_in_prompts:
        marker = merge.choose(marker_field, our_marker, their_marker, usual)
        if their_prompt is not None:
            # A prompt that begins with the marker names it a second time.
            text = their_prompt.value.removeprefix(marker or "")
            their_prompt = Setting(text, their_prompt.file)
        prompt = merge.prompt(prompt_field, our_prompt, their_prompt)
        return marker, _after(known.gap if marker else "", prompt)
    if our_marker is None or their_prompt is None:
        return our_marker, merge.prompt(prompt_field, our_prompt, their_prompt)
    text = their_prompt.value
    template = our_marker + (our_prompt or "")
    if is_filled(template, text):
        _agree(merge, marker_field, our_marker, their_prompt.file)
        merge.compare(prompt_field, our_prompt, their_prompt, agrees=True)
        return None, Prompt(template, filled=text)
    if not text.startswith(our_marker):
        merge.differ(marker_field, our_marker, text, their_prompt.file)
    elif our_prompt is not None and text[len(our_marker) :].strip() != our_prompt.strip():
        _agree(merge, marker_field, our_marker, their_prompt.file)
        merge.differ(prompt_field, our_prompt, text[len(our_marker) :], their_prompt.file)
    else:
        _agree(merge, marker_field, our_marker, their_prompt.file)
        rest = Setting(text[len(our_marker) :], their_prompt.file)
        merge.compare(prompt_field, our_prompt, rest, agrees=True)
    # The marker stays in the prompt, as the checkpoint's own library reads it.
    return None, Prompt(text)


def _after(gap: str, prompt: Prompt) -> Prompt:
    filled = None if prompt.filled is None else gap + prompt.filled
    return Prompt(gap + prompt.text, filled=filled)


def _agree(merge: Merge, field: str, value: str, file: str) -> None:
    merge.compare(field, value, Setting(value, file), agrees=True)
