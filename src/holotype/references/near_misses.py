"""Handles texts that are almost references: suggestions, and secrets to hide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_SECRETS = (
    (re.compile(r"://[^/]*@"), "://***@"),
    (re.compile(r"\?.*", re.DOTALL), "?***"),
    (re.compile(r"&[\w-]+=.*", re.DOTALL), "&***"),
    (re.compile(r"hf_[A-Za-z0-9]{20,}"), "hf_***"),
    (re.compile(r"(AKIA|ASIA)[0-9A-Z]{16}"), r"\1***"),
)
_WEB_PAGE = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<name>[^/]+/[^/]+)"
    r"(?:/(?:tree|blob|resolve|commit)/(?P<revision>[^/]+).*)?/?"
)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_OTHER_NAMES = {
    "huggingface": "hf:",
    "hub": "hf:",
    "hf": "hf:",
    "file": "local:",
    "path": "local:",
    "folder": "local:",
    "local": "local:",
    "gcs": "gs://",
    "gs": "gs://",
    "s3a": "s3://",
    "s3": "s3://",
    "catalog": "catalogue:",
    "catalogue": "catalogue:",
    "holotype": "catalogue:",
}


def redact(text: str) -> str:
    """Return a text without what may be a password, a token or a signature in it."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def suggestions(text: str, parses: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the references that a text may mean, best first.

    Args:
        text: a text that is not a reference.
        parses: returns whether a proposal is a reference.
    """
    proposals = dict.fromkeys(proposal for proposal in _proposals(text.strip()) if proposal != text)
    return tuple(proposal for proposal in proposals if parses(proposal))


def _proposals(text: str) -> Iterator[str]:
    page = _WEB_PAGE.fullmatch(text)
    if page is not None:
        yield f"hf:{page['name']}" + (f"@{page['revision']}" if page["revision"] else "")
        return
    yield text
    if _DRIVE.match(text) or text.startswith((".", "/", "~", "\\")):
        yield f"local:{text}"
        return
    scheme, colon, rest = text.partition(":")
    if colon:
        start = _OTHER_NAMES.get(scheme.lower())
        if start is not None:
            yield from _with_other_start(start, rest)
        return
    if text.partition("@")[0].count("/") == 1:
        yield f"hf:{text}"
    elif "/" not in text:
        yield f"catalogue:{text.lower()}"
    yield f"local:{text}"


def _with_other_start(start: str, rest: str) -> Iterator[str]:
    without_host = rest.removeprefix("//")
    if start == "local:" and rest.startswith("///"):
        without_host = rest[2:]
    yield start + without_host
    if start != "local:":  # the names of files differ by case
        yield start + without_host.lower()
