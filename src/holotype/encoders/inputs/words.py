"""The tokens of words, remembered, for tokenizers that read every word by itself.

A tokenizer takes microseconds for a word, a look into a dict a hundredth of that. It serves the
tokenizers whose every step stays within a word, so that the tokens of a text are those of its
words; their settings say which these are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from tokenizers import Tokenizer

# A word with its tokens takes some 300 bytes.
_MOST_WORDS = 50_000
_LONGEST_WORD = 100
# Chinese, Japanese and Korean: what stands between blanks is rarely seen twice.
_SELDOM_BLANKS = re.compile("[\u2e80-\ud7ff\uf900-\uffef\U00020000-\U0003ffff]")
_BLANKS = "\n\t\r"
# A word that every tokenizer reads.
_NEIGHBOUR = "a"

_LOCAL_NORMALIZERS = frozenset(
    {
        *("BertNormalizer", "Lowercase", "Nmt", "Precompiled", "StripAccents"),
        *("NFC", "NFD", "NFKC", "NFKD"),
    }
)
_SPLIT_AT_BLANKS = frozenset({"BertPreTokenizer", "Whitespace", "WhitespaceSplit"})
_LOCAL_SPLITS = frozenset(
    {*_SPLIT_AT_BLANKS, "Punctuation", "Digits", "Split", "UnicodeScripts", "ByteLevel"}
)


class WordTokens:
    """What a tokenizer makes of words; several threads may share it."""

    def __init__(self, encode: Callable[[list[str]], list[list[int]]]) -> None:
        """Remember nothing yet.

        Args:
            encode: returns the token ids of texts, without special tokens, of a tokenizer that
                reads words by themselves; see `reads_words_alone`.
        """
        self._encode = encode
        self._known: dict[str, list[int]] = {}
        alone, neighbour = encode([_NEIGHBOUR, f"{_NEIGHBOUR} {_NEIGHBOUR}"])
        self._neighbour = alone
        self._usable = neighbour == alone + alone
        spaced = encode([f"{_NEIGHBOUR}{blank}{_NEIGHBOUR}" for blank in _BLANKS])
        self._blanks = "".join(
            blank for blank, ids in zip(_BLANKS, spaced, strict=True) if ids == neighbour
        )

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of every text.

        Raises:
            BaseException: what the tokenizer raises, for any of the texts.
        """
        if not self._usable:
            return self._encode(list(texts))
        words = [self._split(text) for text in texts]
        known = self._known
        found = [list(map(known.get, parts)) for parts in words]
        lacking = [at for at, parts in enumerate(found) if None in parts]
        whole: dict[int, list[int]] = {}
        if lacking:
            more = self._learn({word for at in lacking for word in words[at]} - known.keys())
            for at in lacking:
                found[at] = [
                    ids if ids is not None else more.get(word)
                    for word, ids in zip(words[at], found[at], strict=True)
                ]
            left = [at for at in lacking if None in found[at]]
            whole = dict(zip(left, self._encode([texts[at] for at in left]), strict=True))
        return [
            whole[at] if at in whole else list(chain.from_iterable(parts))  # type: ignore[arg-type]
            for at, parts in enumerate(found)
        ]

    def _split(self, text: str) -> list[str]:
        for blank in self._blanks:
            if blank in text:
                text = text.replace(blank, " ")
        return text.split(" ")

    def _learn(self, words: Iterable[str]) -> dict[str, list[int]]:
        """Return the tokens of the words that have the same ones in every text."""
        plain = [word for word in words if word.isascii()]
        # A mark at the edge of a word may merge with the blank beside it.
        other = [
            word
            for word in words
            if not word.isascii()
            and len(word) <= _LONGEST_WORD
            and _SELDOM_BLANKS.search(word) is None
        ]
        between = [f"{_NEIGHBOUR} {word} {_NEIGHBOUR}" for word in other]
        ids = self._encode([*plain, *other, *between]) if plain or other else []
        n_alone = len(plain) + len(other)
        found = dict(zip(plain, ids, strict=False))
        found |= {
            word: alone
            for word, alone, inside in zip(
                other, ids[len(plain) : n_alone], ids[n_alone:], strict=True
            )
            if inside == self._neighbour + alone + self._neighbour
        }
        self._remember(found)
        return found

    def _remember(self, found: Mapping[str, list[int]]) -> None:
        if len(self._known) + len(found) > _MOST_WORDS:
            self._known = {}
        short = {word: ids for word, ids in found.items() if len(word) <= _LONGEST_WORD}
        if len(short) <= _MOST_WORDS:
            self._known.update(short)


def reads_words_alone(tokenizer: Tokenizer) -> bool:
    """Return whether every step of a tokenizer stays within words, which blanks separate."""
    added = tokenizer.get_added_tokens_decoder().values()
    if any(any(map(str.isspace, token.content)) for token in added):
        return False
    normalizer, splitter = _state(tokenizer.normalizer), _state(tokenizer.pre_tokenizer)
    splits = _parts(splitter, "pretokenizers")
    return (
        getattr(tokenizer.model, "dropout", None) is None
        and all(map(_normalizes_within_words, _parts(normalizer, "normalizers")))
        and bool(splits)
        and splits[0]["type"] in _SPLIT_AT_BLANKS
        and all(map(_splits_within_words, splits))
    )


def _state(step: Any) -> dict[str, Any] | None:
    """Return the settings of a step, as `tokenizer.json` would have them."""
    found: dict[str, Any] | None = None if step is None else json.loads(step.__getstate__())
    return found


def _parts(step: dict[str, Any] | None, name: str) -> list[dict[str, Any]]:
    if step is None:
        return []
    if step["type"] != "Sequence":
        return [step]
    return [part for inner in step[name] for part in _parts(inner, name)]


def _normalizes_within_words(step: Mapping[str, Any]) -> bool:
    if step["type"] == "Replace":
        pattern = step["pattern"].get("String")
        return pattern is not None and bool(pattern) and not any(map(str.isspace, pattern))
    return step["type"] in _LOCAL_NORMALIZERS


def _splits_within_words(step: Mapping[str, Any]) -> bool:
    if step["type"] == "Metaspace":
        # One that is put before the first word alone tells it from the others.
        return step.get("prepend_scheme") in ("always", "never") and bool(step.get("split", True))
    return step["type"] in _LOCAL_SPLITS
