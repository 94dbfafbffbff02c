"""What the schema cannot say: rules over the fields of one entry, one small function each.

Every rule runs on every entry, also on one that breaks the schema, so that all problems are reported at
once; a rule is silent about values that are missing or of the wrong type. Rules over all entries are
in `holotype_codegen.catalogue_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from holotype_codegen import hub_ids, standards
from holotype_codegen.entries import Entries, Entry, Finding
from holotype_codegen.naming import is_kebab_case
from holotype_codegen.report import quoted
from holotype_codegen.schema import known_kinds

Rule: TypeAlias = Callable[[Entry, Entries], Iterator[Finding]]

_COMMIT = re.compile(r"[0-9a-f]{40}")


def ids_are_kebab_case(entry: Entry, _: Entries) -> Iterator[Finding]:
    """An id is lower-case letters and digits, joined by single hyphens or dots."""
    if entry.id and not is_kebab_case(entry.id):
        suggestion = re.sub(r"[^a-z0-9.]+", "-", entry.id.lower()).strip("-.")
        yield entry.finding(
            "/id",
            f"the id {quoted(entry.id)} is not kebab-case",
            "expected lower-case letters and digits, joined by single hyphens or dots",
            f"write {quoted(suggestion)}" if is_kebab_case(suggestion) else "choose another id",
        )


def kinds_are_kebab_case(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A kind of model is kebab-case, and not a known kind in another spelling."""
    if not entry.kind:
        return
    spelt = re.sub(r"[^a-z0-9]", "", entry.kind.lower())
    meant = next((k for k in known_kinds() if k.replace("-", "") == spelt), None)
    if meant and entry.kind != meant:
        yield entry.finding(
            "/type",
            f"the type {quoted(entry.kind)} is another spelling of a known one",
            f"expected {quoted(meant)}",
            f"write {quoted(meant)}",
        )
    elif not is_kebab_case(entry.kind):
        yield entry.finding(
            "/type",
            f"the type {quoted(entry.kind)} is not kebab-case",
            f"expected one of {', '.join(known_kinds())}, or a further kind in kebab-case",
            "choose one",
        )


def repositories_have_hub_ids(entry: Entry, _: Entries) -> Iterator[Finding]:
    """Every Hugging Face id is `organization/name` as the Hub allows it."""
    pointers = ["/huggingface_id", "/lineage/adapted_from", "/dependencies/tokenizer_model"]
    variants = entry.value("/variants")
    if isinstance(variants, list):
        pointers += [f"/variants/{n}/huggingface_id" for n in range(len(variants))]
    for pointer in pointers:
        name = entry.text(pointer)
        fault = hub_ids.fault(name) if name else None
        if fault:
            yield entry.finding(
                pointer,
                f"{quoted(name)} is no Hugging Face id: {fault}",
                "expected organization/name, as in the address of the repository on the Hub",
                "copy it from there",
            )


def projections_have_dims(entry: Entry, _: Entries) -> Iterator[Finding]:
    """`projection_dims` is there exactly where `has_projection` is true."""
    has_projection = entry.flag("/architecture/has_projection")
    dims = entry.value("/architecture/projection_dims")
    if has_projection and dims is None:
        yield entry.finding(
            "/architecture/has_projection",
            "has_projection is true, and there is no projection_dims",
            "expected the width that the projection ends in",
            "add projection_dims, or set has_projection to false",
        )
    elif dims is not None and not has_projection:
        yield entry.finding(
            "/architecture/projection_dims",
            f"projection_dims is {quoted(dims)}, and has_projection is not true",
            "expected projection_dims only where there is a projection",
            "set has_projection to true, or delete projection_dims",
        )


def projections_end_in_the_embedding(entry: Entry, _: Entries) -> Iterator[Finding]:
    """The projection makes the vector, so its width is that of the vector."""
    projected = entry.count("/architecture/projection_dims")
    width = entry.count("/specs/embedding_dim")
    if projected and width and projected != width:
        yield entry.finding(
            "/architecture/projection_dims",
            f"projection_dims is {projected}, embedding_dim is {width}",
            "expected them to be equal",
            "correct the wrong one",
        )


def unprojected_vectors_keep_their_width(entry: Entry, _: Entries) -> Iterator[Finding]:
    """Without a projection, a dense or ColBERT vector is as wide as the transformer."""
    width, hidden = entry.count("/specs/embedding_dim"), entry.count("/specs/hidden_dim")
    unprojected = entry.flag("/architecture/has_projection") is False
    if entry.kind in ("dense", "colbert") and unprojected and width and hidden and width != hidden:
        yield entry.finding(
            "/specs/embedding_dim",
            f"embedding_dim is {width}, hidden_dim is {hidden}, and there is no projection",
            "expected them to be equal without a projection",
            "correct the wrong one, or describe the projection",
        )


def sparse_vectors_span_the_vocabulary(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A sparse vector has one weight for each word of the vocabulary."""
    width, words = entry.count("/specs/embedding_dim"), entry.count("/specs/vocab_size")
    if entry.kind == "sparse" and width and words and width != words:
        yield entry.finding(
            "/specs/embedding_dim",
            f"embedding_dim is {width}, vocab_size is {words}",
            "expected them to be equal in a sparse model",
            "correct the wrong one",
        )


def projections_are_required_where_they_exist(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A model cannot require a projection that it does not have."""
    required = entry.flag("/dependencies/requires_projection")
    if required and entry.flag("/architecture/has_projection") is False:
        yield entry.finding(
            "/dependencies/requires_projection",
            "requires_projection is true, and has_projection is false",
            "expected a projection where one is required",
            "correct the wrong one",
        )


def multi_vector_follows_the_kind(entry: Entry, _: Entries) -> Iterator[Finding]:
    """ColBERT makes several vectors of a text; the other known kinds do not."""
    stated = entry.flag("/capabilities/multi_vector")
    if stated is None or entry.kind not in known_kinds():
        return
    implied = entry.kind == "colbert"
    if stated is not implied:
        yield entry.finding(
            "/capabilities/multi_vector",
            f"multi_vector is {quoted(stated)} for a {entry.kind} model",
            f"expected {quoted(implied)}",
            f"write {quoted(implied)}, or correct the type",
        )


def matryoshka_sizes_ascend_to_the_embedding(entry: Entry, _: Entries) -> Iterator[Finding]:
    """Matryoshka sizes ascend, each once, and end in the native width."""
    pointer = "/architecture/matryoshka_dims"
    dims = entry.value(pointer)
    if not isinstance(dims, list) or any(type(dim) is not int for dim in dims) or not dims:
        return
    if dims != sorted(set(dims)):
        yield entry.finding(
            pointer,
            f"matryoshka_dims is {quoted(dims)}",
            "expected ascending sizes, each once",
            f"write {quoted(sorted(set(dims)))}",
        )
    width = entry.count("/specs/embedding_dim")
    if width and max(dims) != width:
        yield entry.finding(
            pointer,
            f"matryoshka_dims ends in {max(dims)}, embedding_dim is {width}",
            "expected the native width as the last size",
            f"add {width}, or correct embedding_dim",
        )


def the_matryoshka_flag_agrees_with_the_sizes(entry: Entry, _: Entries) -> Iterator[Finding]:
    """`capabilities.matryoshka` is true exactly where sizes are listed, or is not stated."""
    flag = entry.flag("/capabilities/matryoshka")
    has_sizes = bool(entry.value("/architecture/matryoshka_dims"))
    if flag is not None and flag is not has_sizes:
        yield entry.finding(
            "/capabilities/matryoshka",
            f"matryoshka is {quoted(flag)}, and matryoshka_dims "
            + ("lists sizes" if has_sizes else "lists none"),
            "expected true with sizes, false without, null where it is unknown",
            "add the sizes to architecture, or correct the flag",
        )


def contexts_fit_the_positions(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A checkpoint cannot encode more tokens than its architecture has positions."""
    context = entry.count("/specs/context_length")
    positions = entry.count("/specs/max_position_embeddings")
    if context and positions and context > positions:
        yield entry.finding(
            "/specs/context_length",
            f"context_length is {context}, max_position_embeddings is {positions}",
            "expected a context no longer than the positions",
            "correct the wrong one",
        )


def revisions_are_commits(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A revision is a commit: a branch or a tag can move."""
    revision = entry.text("/revision")
    if revision and not _COMMIT.fullmatch(revision):
        yield entry.finding(
            "/revision",
            f"the revision {quoted(revision)} is no commit",
            "expected 40 hexadecimal digits in lower case; branches and tags can move",
            "copy the commit from the history of the repository, or write null",
        )


def languages_are_tags(entry: Entry, _: Entries) -> Iterator[Finding]:
    """Languages are BCP 47 tags that are registered, in their shortest form."""
    for pointer, tag in entry.texts("/capabilities/languages"):
        better = standards.better_language(tag)
        if better != tag:
            yield entry.finding(
                pointer,
                f"the language {quoted(tag)} is no BCP 47 tag in its shortest form",
                "expected a tag such as en, pt-BR or zh-Hans",
                f"write {quoted(better)}" if better else "look the tag up in IANA's registry",
            )


def licenses_are_known(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A licence is an SPDX expression or one of the Hub's licence ids."""
    license = entry.text("/license")
    if license and not standards.is_license(license):
        yield entry.finding(
            "/license",
            f"the licence {quoted(license)} is unknown",
            "expected an SPDX expression, or one of the Hub's licence ids",
            "write null where no source names one, and other for a licence with no id",
        )


def dates_are_iso_8601(entry: Entry, _: Entries) -> Iterator[Finding]:
    """A date is a year, a month or a day."""
    date = entry.text("/release_date")
    if date and not standards.is_date(date):
        yield entry.finding(
            "/release_date",
            f"the date {quoted(date)} is not one of ISO 8601",
            "expected YYYY, YYYY-MM or YYYY-MM-DD",
            "write as much of it as a source says",
        )


def provenance_names_sources(entry: Entry, entries: Entries) -> Iterator[Finding]:
    """Every value of `provenance` begins with the key of a source."""
    for key, source in entry.members("/provenance").items():
        if not isinstance(source, str):
            continue
        name = source.partition(":")[0]
        if name not in entries.sources:
            yield entry.finding(
                _provenance_pointer(key),
                f"provenance names the source {quoted(name)}, which is not among the sources",
                f"expected one of {', '.join(entries.sources) or 'the sources, of which none is listed'}",
                "add it to the sources at the top of the file, or correct the name",
            )


def provenance_speaks_of_fields(entry: Entry, _: Entries) -> Iterator[Finding]:
    """Every key of `provenance` is `*` or points to a value of the entry."""
    for key in entry.members("/provenance"):
        if key == "*":
            continue
        if not key.startswith("/") or not _points_to_a_value(entry, key):
            yield entry.finding(
                _provenance_pointer(key),
                f"provenance speaks of {quoted(key)}, which is no field of the entry",
                "expected * or a JSON pointer within the entry, such as /encoding/pooling",
                "correct the pointer, or delete the line",
            )


def _provenance_pointer(key: str) -> str:
    return "/provenance/" + key.replace("~", "~0").replace("/", "~1")


def _points_to_a_value(entry: Entry, pointer: str) -> bool:
    parent, _, last = pointer.rpartition("/")
    above = entry.value(parent)
    if isinstance(above, dict):
        return last.replace("~1", "/").replace("~0", "~") in above
    return isinstance(above, list) and last.isdigit() and int(last) < len(above)


def texts_stand_alone(entry: Entry, _: Entries) -> Iterator[Finding]:
    """Names and descriptions are one line, without blanks around them."""
    for pointer in ("/name", "/organization", "/description"):
        text = entry.text(pointer)
        if text and text != " ".join(text.split()):
            yield entry.finding(
                pointer,
                f"{quoted(text)} has blanks around it, or more than one in a row",
                "expected one line of words with single blanks between them",
                f"write {quoted(' '.join(text.split()))}",
            )


RULES: tuple[Rule, ...] = (
    ids_are_kebab_case,
    kinds_are_kebab_case,
    repositories_have_hub_ids,
    projections_have_dims,
    projections_end_in_the_embedding,
    unprojected_vectors_keep_their_width,
    sparse_vectors_span_the_vocabulary,
    projections_are_required_where_they_exist,
    multi_vector_follows_the_kind,
    matryoshka_sizes_ascend_to_the_embedding,
    the_matryoshka_flag_agrees_with_the_sizes,
    contexts_fit_the_positions,
    revisions_are_commits,
    languages_are_tags,
    licenses_are_known,
    dates_are_iso_8601,
    provenance_names_sources,
    provenance_speaks_of_fields,
    texts_stand_alone,
)
"""The rules over one entry."""
