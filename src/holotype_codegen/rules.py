"""Rules about one entry that the schema cannot express, each a small function.

Every rule runs on every entry, even one that breaks the schema, so that all problems are reported at
once. A rule ignores values that are missing or of the wrong type. Rules about sizes are in
`holotype_codegen.size_rules`, those about values that cannot be in
`holotype_codegen.plausibility_rules`, those about pictures in `holotype_codegen.image_rules`, those
about all entries in `holotype_codegen.catalogue_rules`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from holotype_codegen import hub_ids, standards
from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.image_rules import IMAGE_RULES
from holotype_codegen.licences import HUB_LICENCES
from holotype_codegen.naming import is_kebab_case, kebab_case
from holotype_codegen.plausibility_rules import PLAUSIBILITY_RULES
from holotype_codegen.positions import child_pointer
from holotype_codegen.report import quote_json
from holotype_codegen.schema import known_kinds, meant_kind
from holotype_codegen.size_rules import SIZE_RULES
from holotype_codegen.wording import join_quoted, nearest

Rule: TypeAlias = Callable[[Entry, Entries], Iterator[Breach]]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_KEBAB_CASE = "expected lower-case letters and digits, joined by single hyphens or dots"
_INSTRUCTION = "{instruction}"
_PLACE = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_ENDINGS = {
    "/files/config": (".json",),
    "/files/weights/safetensors": (".safetensors", ".safetensors.index.json"),
    "/files/weights/pytorch": (".bin", ".bin.index.json", ".ckpt", ".pkl", ".pt", ".pth"),
    "/files/weights/onnx": (".onnx",),
}
_PATHS = (
    "/files/tokenizer",
    "/files/config",
    "/files/weights/safetensors",
    "/files/weights/pytorch",
    "/files/weights/onnx",
)


def ids_are_kebab_case(entry: Entry, _: Entries) -> Iterator[Breach]:
    """An id, and an alias, is lower-case letters and digits, joined by single hyphens or dots."""
    names = [("/id", entry.id or ""), *entry.texts("/lineage/aliases")]
    for pointer, name in names:
        if name and not is_kebab_case(name):
            what = "id" if pointer == "/id" else "alias"
            yield entry.breach(
                pointer,
                f"the {what} {quote_json(name)} is not kebab-case",
                _KEBAB_CASE,
                _kebab_case_action(name, f"choose another {what}"),
            )


def _kebab_case_action(name: str, otherwise: str) -> str:
    suggestion = kebab_case(name)
    return f"write {quote_json(suggestion)}" if is_kebab_case(suggestion) else otherwise


def kinds_are_kebab_case(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A kind of model is kebab-case, and not a known kind in another spelling."""
    kind = entry.text("/type")
    if not kind or kind in known_kinds():
        return
    meant = meant_kind(kind)
    if meant:
        yield entry.breach(
            "/type",
            f"the type {quote_json(kind)} is another spelling of a known one",
            f"expected {quote_json(meant)}",
            f"write {quote_json(meant)}",
        )
    elif not is_kebab_case(kind):
        yield entry.breach(
            "/type",
            f"the type {quote_json(kind)} is not kebab-case",
            f"expected one of {join_quoted(known_kinds())}, or a further kind in kebab-case",
            _kebab_case_action(kind, "use one of these"),
        )


def repositories_have_hub_ids(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Every Hugging Face id is `organization/name` as the Hub allows it."""
    pointers = ["/huggingface_id", "/lineage/adapted_from", "/dependencies/tokenizer_model"]
    pointers += [f"{pointer}/huggingface_id" for pointer, _ in _variants(entry)]
    for pointer in pointers:
        name = entry.text(pointer)
        fault = hub_ids.fault(name) if name else None
        if fault:
            yield entry.breach(
                pointer,
                f"{quote_json(name)} is not a Hugging Face id: {fault}",
                "expected organization/name, as in the address of the repository on the Hub",
                "copy it from there",
            )


def revisions_are_commits(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A revision is a commit: a branch or a tag can move."""
    revision = entry.text("/revision")
    if revision and not _COMMIT.fullmatch(revision):
        lower = revision.lower()
        yield entry.breach(
            "/revision",
            f"the revision {quote_json(revision)} is not a commit",
            "expected 40 hexadecimal digits in lower case, since branches and tags can move",
            f"write {quote_json(lower)}"
            if _COMMIT.fullmatch(lower)
            else "copy the commit from the history of the repository, or write null",
        )


def languages_are_tags(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Languages are registered BCP 47 tags, in their shortest form.

    With one spelling per language, every query finds it.
    """
    for pointer, tag in entry.texts("/capabilities/languages"):
        better = standards.better_language(tag)
        if better == tag:
            continue
        yield entry.breach(
            pointer,
            f"the language {quote_json(tag)} is not a registered BCP 47 tag in its shortest form",
            "expected a tag such as en for English, pt-BR or zh-Hans",
            f"write {quote_json(better)}" if better else "look up the tag in IANA's registry",
        )


def licenses_are_known(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A licence is an SPDX expression or one of the Hub's licence ids."""
    license = entry.text("/license")
    if license and not standards.is_license(license):
        meant = nearest(license, HUB_LICENCES)
        yield entry.breach(
            "/license",
            f"the licence {quote_json(license)} is unknown",
            "expected an SPDX expression, or one of the Hub's licence ids",
            (f"did you mean {quote_json(meant)}? " if meant else "")
            + "write null where no source names one, other for a licence with no id, and "
            "licenseref-NAME for one of your own",
        )


def dates_are_iso_8601(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A date is a year, a month or a day."""
    date = entry.text("/release_date")
    if date and not standards.is_date(date):
        yield entry.breach(
            "/release_date",
            f"the date {quote_json(date)} is not in ISO 8601",
            "expected YYYY, YYYY-MM or YYYY-MM-DD",
            "write the part of it that a source states",
        )
    elif date and standards.is_to_come(date):
        yield entry.breach(
            "/release_date",
            f"the date {quote_json(date)} is in the future",
            "expected the day, month or year of a release",
            "correct the date, or write null",
        )


def files_lie_in_the_repository(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A file is a path within the repository, which it does not leave."""
    pointers = [*_PATHS, *(f"{pointer}/file" for pointer, _ in _variants(entry))]
    for pointer in pointers:
        path = entry.text(pointer)
        if path and ("\\" in path or not {"", ".", ".."}.isdisjoint(path.split("/"))):
            yield entry.breach(
                pointer,
                f"{quote_json(path)} is not a path within a repository",
                'expected names joined by single slashes, such as "onnx/model.onnx"',
                "copy the path from the repository's list of files",
            )


def variants_have_ids_of_their_own(entry: Entry, _: Entries) -> Iterator[Breach]:
    """No two variants of a model have the same id."""
    first: dict[str, str] = {}
    for pointer, variant in _variants(entry):
        name = variant.get("id")
        if not isinstance(name, str):
            continue
        other = first.setdefault(name.lower(), pointer)
        if other != pointer:
            yield entry.breach(
                f"{pointer}/id",
                f"there are two variants {quote_json(name)}",
                f"expected an id that {entry.pointer + other} does not have",
                "choose another id, or delete one of the variants",
            )


def _variants(entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield pointer and members of each variant."""
    variants = entry.value("/variants")
    for n, variant in enumerate(variants if isinstance(variants, list) else ()):
        if isinstance(variant, dict):
            yield f"/variants/{n}", variant


def files_are_of_their_format(entry: Entry, _: Entries) -> Iterator[Breach]:
    """The name of a file has the suffix of its format."""
    for pointer, endings in _ENDINGS.items():
        path = entry.text(pointer)
        if path and not path.lower().endswith(endings):
            yield entry.breach(
                pointer,
                f"{quote_json(path)} is not a file of this format",
                f"expected a name that ends in {' or '.join(endings)}",
                "move it to the field for its format, or correct the name",
            )


def prompts_have_known_places(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A prompt has no placeholder but `{instruction}`; the text itself follows it."""
    for name in ("query_prompt", "document_prompt"):
        prompt = entry.text(f"/encoding/{name}")
        unknown = [place for place in _PLACE.findall(prompt or "") if place != _INSTRUCTION]
        if unknown:
            yield entry.breach(
                f"/encoding/{name}",
                f"the prompt has the placeholder {quote_json(unknown[0])}, which nothing fills",
                f"expected text, with at most {_INSTRUCTION} in it; the query or the document is "
                "put after it",
                f"write {_INSTRUCTION} for the description of the task, and remove other placeholders",
            )


def several_labels_are_no_softmax(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A multi-label model does not use softmax: its probabilities do not add up to 1."""
    several = entry.flag("/encoding/multi_label")
    if several and entry.text("/encoding/activation") == "softmax":
        yield entry.breach(
            "/encoding/activation",
            'activation is "softmax", and multi_label is true',
            'expected "sigmoid" or "identity" where a text may have several labels',
            "correct the wrong one",
        )


def models_are_adapted_from_others(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A model is not adapted from itself."""
    name, origin = entry.text("/huggingface_id"), entry.text("/lineage/adapted_from")
    if name and origin and name.lower() == origin.lower():
        yield entry.breach(
            "/lineage/adapted_from",
            f"adapted_from is {quote_json(origin)}, the model itself",
            "expected the repository of another model",
            "write the model that it was trained from, or null",
        )


def provenance_names_sources(entry: Entry, entries: Entries) -> Iterator[Breach]:
    """Every value of `provenance` starts with the key of a source."""
    if entries.sources is None:
        return
    for key, source in entry.members("/provenance").items():
        if not isinstance(source, str) or not source:
            continue
        name = source.partition(":")[0]
        if name not in entries.sources:
            meant = nearest(name, entries.sources)
            yield entry.breach(
                child_pointer("/provenance", key),
                f"provenance names the source {quote_json(name)}, which the catalogue does not list",
                f"expected one of {join_quoted(entries.sources) or 'the sources, of which there are none'}",
                f"did you mean {quote_json(meant)}?"
                if meant
                else "add it to the sources at the top of the file, or correct the name",
            )


def provenance_speaks_of_fields(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Every key of `provenance` is `*` or points to a value of the entry."""
    for key in entry.members("/provenance"):
        if key != "*" and not (key.startswith("/") and entry.has(key)):
            yield entry.breach(
                child_pointer("/provenance", key),
                f"provenance names {quote_json(key)}, which is not a field of the entry",
                "expected * or a JSON pointer within the entry, such as /encoding/pooling",
                "correct the pointer, or delete the line",
                at_key=True,
            )


def texts_stand_alone(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Texts other than prompts are one line, without surrounding or repeated blanks.

    In prompts, markers and skiplists, every blank matters.
    """
    for path, text in _texts(entry.members("")):
        if path[0] in ("encoding", "provenance"):
            continue
        tidy = " ".join(text.split())
        if text != tidy:
            yield entry.breach(
                functools.reduce(child_pointer, path, ""),
                f"{quote_json(text)} has leading, trailing or repeated spaces, or a line break",
                "expected one line of words separated by single spaces",
                f"write {quote_json(tidy)}" if tidy else "write what it is, or null",
            )


def _texts(container: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path and the value of every string within an object or a list."""
    members = container.items() if isinstance(container, dict) else enumerate(container)
    for key, member in members:
        if isinstance(member, str):
            yield (key,), member
        elif isinstance(member, dict | list):
            for path, text in _texts(member):
                yield (key, *path), text


RULES: tuple[Rule, ...] = (
    ids_are_kebab_case,
    kinds_are_kebab_case,
    repositories_have_hub_ids,
    *SIZE_RULES,
    *PLAUSIBILITY_RULES,
    *IMAGE_RULES,
    revisions_are_commits,
    languages_are_tags,
    licenses_are_known,
    dates_are_iso_8601,
    files_lie_in_the_repository,
    variants_have_ids_of_their_own,
    files_are_of_their_format,
    prompts_have_known_places,
    several_labels_are_no_softmax,
    models_are_adapted_from_others,
    provenance_names_sources,
    provenance_speaks_of_fields,
    texts_stand_alone,
)
"""The rules about one entry."""
