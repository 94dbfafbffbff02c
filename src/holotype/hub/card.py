"""What the front matter of a model's card says."""

from __future__ import annotations

import re
from typing import Any

from huggingface_hub import metadata_load

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.merge import Comparer
from holotype.errors import CheckpointError
from holotype.hub.checkpoint_files import CARD, CheckpointFiles

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
_NO_LANGUAGES = frozenset({"code", "multilingual"})


def compare_card(comparer: Comparer, files: CheckpointFiles) -> None:
    """Compare the licence and the languages.

    An entry's languages are more than a card's, which are tags for a search: they only fill gaps.

    Raises:
        CheckpointError: the front matter is damaged.
    """
    card = _front_matter(files)
    comparer.choose("license", comparer.record.license, _license(card))
    languages = _languages(card)
    if not comparer.record.languages and languages:
        comparer.compare("languages", None, Setting(languages, CARD), agrees=True)


def _front_matter(files: CheckpointFiles) -> dict[str, Any]:
    path = files.folder / CARD
    if not path.is_file():
        return {}
    try:
        values = metadata_load(path)
    except Exception as error:
        # The parser's own errors are not part of huggingface_hub's interface.
        first = str(error).partition("\n")[0]
        raise CheckpointError(str(path), f"its front matter is no YAML: {first}") from None
    return values if isinstance(values, dict) else {}


def _license(card: dict[str, Any]) -> Setting[str] | None:
    name = card.get("license")
    if name == "other":
        name = card.get("license_name")
    return Setting(name.lower(), CARD) if isinstance(name, str) and name else None


def _languages(card: dict[str, Any]) -> tuple[str, ...]:
    stated = card.get("language")
    tags = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    return tuple(
        dict.fromkeys(
            tag
            for tag in tags
            if isinstance(tag, str) and _LANGUAGE.fullmatch(tag) and tag not in _NO_LANGUAGES
        )
    )
