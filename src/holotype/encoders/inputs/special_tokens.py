"""The tokens that are added to a vocabulary, from the four files that may name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.inputs.tokenizer_classes import (
    ADDED_FILE,
    DESCRIBED,
    MAP_FILE,
    SPECIAL_TOKENS,
    TokenizerClass,
    has_files_of_old,
)

_EXTRA, _EXTRA_OF_OLD = "extra_special_tokens", "additional_special_tokens"
# The values that a token has besides its text.
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")
# More than any id has, and few enough for Python to read.
_MOST_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTokens:
    """The tokens that are added, and those that have a name.

    Attributes:
        named: the special tokens by the names of their settings.
        special: these, and the special tokens without a name of their own.
        to_add: what is added to the vocabulary, in this order.
        to_add_plain: what is added once more, without what a file says of it.
    """

    named: Mapping[str, str | None]
    special: frozenset[str]
    to_add: tuple[AddedToken, ...]
    to_add_plain: tuple[AddedToken, ...] = ()


def read_tokens(
    checkpoint: Checkpoint,
    settings: JsonFile,
    file: Tokenizer,
    defaults: TokenizerClass,
    *,
    keeps_file: bool,
) -> NamedTokens:
    """Read the added tokens of a checkpoint as transformers does.

    Args:
        checkpoint: the folder of the tokenizer's files.
        settings: `tokenizer_config.json`.
        file: `tokenizer.json`, read.
        defaults: the class of the tokenizer.
        keeps_file: whether what the file adds is there already.

    Raises:
        CheckpointError: a file names something else than tokens.
    """
    old = has_files_of_old(settings)
    # The first that names a token decides.
    sources = [settings]
    if old:
        sources.insert(0, checkpoint.json(MAP_FILE, optional=True))
    special = _named(sources, file, defaults)
    extra = _extra(sources, defaults)
    if old:
        names = {token.content for token in (*special.values(), *extra)}
        by_id = _of_old(checkpoint.json(ADDED_FILE, optional=True), names)
        by_id |= file.get_added_tokens_decoder()
    else:
        by_id = _described(settings)
    known = {token.content: token for token in by_id.values()}
    added = [by_id[id] for id in sorted(by_id)]
    names = {token.content for token in special.values()}
    for token in added:
        token.special = token.special or token.content in names
    present = {*known}
    if keeps_file:
        present |= {token.content for token in file.get_added_tokens_decoder().values()}
    for token in (*special.values(), *extra):
        if token.content not in present:
            added.append(token)
            present.add(token.content)
    named = {key: special[key].content if key in special else None for key in SPECIAL_TOKENS}
    plain: tuple[AddedToken, ...] = ()
    if defaults.adds_plain:
        plain = tuple(AddedToken(t.content, special=True) for t in (*special.values(), *extra))
    all_special = frozenset(token.content for token in (*special.values(), *extra))
    return NamedTokens(named=named, special=all_special, to_add=tuple(added), to_add_plain=plain)


def _named(
    sources: list[JsonFile], file: Tokenizer, defaults: TokenizerClass
) -> dict[str, AddedToken]:
    """Return the special tokens by their settings: the files' own, else those of the class."""
    found: dict[str, AddedToken] = {}
    padding = file.padding or {}
    for key in SPECIAL_TOKENS:
        source = next((source for source in sources if key in source.values), None)
        if source is not None:
            value, where = source.values[key], source
        else:
            value, where = defaults.tokens.get(key), sources[-1]
            if key == "pad_token" and value is None and defaults.pads_as_file:
                value = padding.get("pad_token")
        if value is not None:
            takes_blank = key == "mask_token" and defaults.mask_takes_blank
            found[key] = _token(where, key, value, takes_blank=takes_blank)
    for source in reversed(sources):
        for key, value in source.values.items():
            own = key.endswith("_token") and key not in SPECIAL_TOKENS
            if own and isinstance(value, str | dict):
                found[key] = _token(source, key, value)
        more = source.values.get(_EXTRA)
        if isinstance(more, dict):
            found |= {str(key): _token(source, _EXTRA, value) for key, value in more.items()}
    return found


def _extra(sources: list[JsonFile], defaults: TokenizerClass) -> tuple[AddedToken, ...]:
    *map_file, settings = sources
    key = _EXTRA
    if _EXTRA_OF_OLD in settings.values and not settings.values.get(_EXTRA):
        key = _EXTRA_OF_OLD
    stated = isinstance(settings.values.get(key), list)
    found = list(_tokens(settings, key))
    for source in map_file:
        if isinstance(source.values.get(_EXTRA), list):
            stated = True
            found += _tokens(source, _EXTRA)
        elif not stated and source.values.get(_EXTRA_OF_OLD) is not None:
            stated = True
            found += _tokens(source, _EXTRA_OF_OLD)
    if not stated:
        found += [AddedToken(name, special=True) for name in defaults.extra_tokens(settings)]
    return tuple(found)


def _tokens(source: JsonFile, key: str) -> Iterator[AddedToken]:
    value = source.values.get(key)
    if value is None or isinstance(value, dict):
        return
    if not isinstance(value, list):
        raise source.wrong(key, value, "a list of tokens")
    for item in value:
        yield _token(source, key, item)


def _token(source: JsonFile, key: str, value: object, *, takes_blank: bool = False) -> AddedToken:
    """Return a special token that a file states by its text, or with what else it does."""
    if isinstance(value, str) and value:
        return AddedToken(value, lstrip=takes_blank, special=True)
    if isinstance(value, dict):
        return _with_flags(source, key, value, special=True)
    raise source.wrong(key, value, "a token")


def _with_flags(
    source: JsonFile, key: str, value: Mapping[str, object], *, special: bool
) -> AddedToken:
    content = value.get("content")
    flags = {name: value[name] for name in _FLAGS if value.get(name) is not None}
    if not isinstance(content, str) or not content or not _are_booleans(flags.values()):
        raise source.wrong(key, value, 'a token, as in {"content": "[MASK]", "lstrip": false}')
    return AddedToken(content, special=special, **{name: bool(flags[name]) for name in flags})


def _are_booleans(values: Iterable[object]) -> bool:
    return all(isinstance(value, bool) for value in values)


def _described(settings: JsonFile) -> dict[int, AddedToken]:
    """Return the tokens that `tokenizer_config.json` describes by their ids."""
    part = settings.part(DESCRIBED)
    found: dict[int, AddedToken] = {}
    for id, value in (part.values if part else {}).items():
        if not id.isdecimal() or len(id) > _MOST_DIGITS or not isinstance(value, dict):
            raise settings.wrong(DESCRIBED, {id: value}, "tokens by their ids")
        special = value.get("special") is True
        found[int(id)] = _with_flags(settings, DESCRIBED, value, special=special)
    return found


def _of_old(file: JsonFile, special: set[str]) -> dict[int, AddedToken]:
    """Return the tokens of `added_tokens.json`, which has their ids by their texts."""
    found: dict[int, AddedToken] = {}
    for token, id in file.values.items():
        if not token or isinstance(id, bool) or not isinstance(id, int) or id < 0:
            raise file.wrong(token, id, "the id of a token")
        found[id] = AddedToken(token, normalized=token not in special, special=token in special)
    return found
