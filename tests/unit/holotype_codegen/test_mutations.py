"""No mutation of a catalogue crashes the validator, or passes a rule that it breaks."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    text_of,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen.catalogue_rules import CATALOGUE_RULES
from holotype_codegen.naming import RESERVED_NAMES, is_kebab_case
from holotype_codegen.positions import child_pointer
from holotype_codegen.report import CatalogueError, format_json, format_text
from holotype_codegen.rules import RULES
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems

CATALOGUE = valid_catalogue()
DATA = text_of(CATALOGUE).encode()

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp")))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2**53)
    | st.floats(-2.0, 1e6)
    | TEXTS
    | st.sampled_from(["tiny-dense-v1", "Dense", "lab", "x: y", "/id", "~", "*", "0", "acme/x"])
)
VALUES = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "*", "/id", "a/b", ""]), children, max_size=3
        )
    ),
    max_leaves=5,
)


def containers(value: Any, above: str = "") -> list[tuple[str, Any]]:
    """The pointer and the value of every object and list."""
    found = [(above, value)]
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        if isinstance(child, dict | list):
            found += containers(child, child_pointer(above, key))
    return found


@st.composite
def mutated_catalogues(draw: st.DrawFn) -> Any:
    """A valid catalogue in which up to three values are dropped, replaced or inserted."""
    catalogue = CATALOGUE
    for _ in range(draw(st.integers(1, 3))):
        if not isinstance(catalogue, dict | list):
            break
        above, container = draw(st.sampled_from(containers(catalogue)))
        keys = [
            str(key)
            for key in (container if isinstance(container, dict) else range(len(container)))
        ]
        action = draw(st.sampled_from(["drop", "replace", "insert"]))
        if action == "insert" or not keys:
            key = draw(TEXTS) if isinstance(container, dict) else str(len(container))
        else:
            key = draw(st.sampled_from(keys))
        value = ... if action == "drop" and keys else draw(VALUES)
        catalogue = changed(catalogue, child_pointer(above, key), value)
    return catalogue


@given(mutated_catalogues())
def test_any_mutation_of_the_values_is_reported_or_allowed_but_never_crashes(
    catalogue: Any,
) -> None:
    problems = problems_of(catalogue)
    lines = text_of(catalogue).split("\n")
    for problem in problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1])
        assert problem.found
        assert problem.expected.startswith("expected ")
        assert problem.action
    assert list(problems) == sorted(problems, key=lambda problem: (problem.line, problem.column))
    assert len(format_text(problems).splitlines()) == len(problems)
    assert len(json.loads(format_json(problems))["problems"]) == len(problems)


@given(
    start=st.integers(0, len(DATA)),
    length=st.integers(0, 40) | st.just(len(DATA)),
    inserted=st.binary(max_size=4)
    | st.sampled_from(
        [b'"', b"}", b"]", b",", b"\\", b"NaN", b"\\ud800", b"\xef\xbb\xbf", b"[" * 40]
    ),
)
def test_any_mutation_of_the_bytes_is_reported_or_read_as_python_reads_it(
    start: int, length: int, inserted: bytes
) -> None:
    data = DATA[:start] + inserted + DATA[start + length :]
    try:
        source = parse_source(data)
    except CatalogueError as error:
        assert error.problems
        assert len(format_text(error.problems).splitlines()) == len(error.problems)
        return
    assert source.value == json.loads(data)
    find_problems(source)


def is_date(text: str) -> bool:
    """Whether a text is a date, said in other words than the validator's."""
    padded = text + "0000-01-01"[len(text) :]
    try:
        return len(text) in (4, 7, 10) and text.isascii() and bool(date.fromisoformat(padded))
    except ValueError:
        return False


NAMES = st.text(st.characters(codec="ascii", categories=("Ll", "Nd")), min_size=1, max_size=6)
NUMBERS = st.integers(1, 10**6)


def on(kind: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Catalogues of one entry with other values at pointers, in which `__` stands for a slash."""

    def catalogue(drawn: dict[str, Any]) -> Any:
        entry = valid_entry(kind)
        for name, value in drawn.items():
            entry = changed(entry, "/" + name.replace("__", "/"), value)
        return valid_catalogue(entry)

    return st.fixed_dictionaries(values).map(catalogue)


def pair(pointer: str, values: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[Any]:
    """Catalogues of two entries, each with its own value at one pointer."""
    return values.map(
        lambda both: valid_catalogue(
            *(
                changed(valid_entry("two-tower", n), pointer, value)
                for n, value in enumerate(both, start=1)
            )
        )
    )


def child_of(name: str, pointer: str, own: Any, of_base: Any) -> Any:
    """A catalogue of a model and its base, each with its own value at one pointer."""
    base = changed(valid_entry("two-tower"), "/huggingface_id", f"acme/{name}")
    child = changed(valid_entry("two-tower", 2), "/lineage/adapted_from", f"Acme/{name}")
    return valid_catalogue(changed(base, pointer, of_base), changed(child, pointer, own))


def provenance(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> Any:
    """Catalogues whose entry has one more line of provenance."""
    return st.tuples(keys, values).map(
        lambda line: valid_catalogue(valid_entry() | {"provenance": {"*": "lab", line[0]: line[1]}})
    )


def other_case(text: str) -> st.SearchStrategy[str]:
    """The text with some letters in upper case."""
    return st.lists(st.booleans(), min_size=len(text), max_size=len(text)).map(
        lambda upper: "".join(
            letter.upper() if up else letter for letter, up in zip(text, upper, strict=True)
        )
    )


BREAKING: dict[str, st.SearchStrategy[Any]] = {
    "ids_are_kebab_case": on(
        "dense", id=TEXTS.filter(lambda text: text and not is_kebab_case(text))
    ),
    "kinds_are_kebab_case": on(
        "sparse", type=other_case("sparse").filter(lambda kind: kind != "sparse")
    )
    | on("two-tower", type=TEXTS.filter(lambda text: text and not is_kebab_case(text))),
    "repositories_have_hub_ids": on(
        "dense", huggingface_id=TEXTS.filter(lambda text: text and text.count("/") != 1)
    )
    | on("dense", lineage__adapted_from=NAMES.map(lambda name: f"acme/{name}.git")),
    "projections_have_dims": on("dense", architecture__projection_dims=NUMBERS)
    | on("dense", architecture__has_projection=st.just(True)),
    "projections_end_in_the_embedding": on(
        "colbert", architecture__projection_dims=NUMBERS.filter(lambda dim: dim != 128)
    ),
    "unprojected_vectors_keep_their_width": on(
        "dense", specs__hidden_dim=NUMBERS.filter(lambda dim: dim != 384)
    ),
    "sparse_vectors_span_the_vocabulary": on(
        "sparse", specs__vocab_size=NUMBERS.filter(lambda size: size != 30522)
    ),
    "projections_are_required_where_they_exist": on(
        "dense", dependencies__requires_projection=st.just(True)
    ),
    "multi_vector_follows_the_kind": on("colbert", capabilities__multi_vector=st.just(False))
    | on("sparse", capabilities__multi_vector=st.just(True)),
    "matryoshka_sizes_ascend_to_the_embedding": on(
        "colbert",
        architecture__matryoshka_dims=st.lists(st.integers(1, 128), min_size=1).filter(
            lambda dims: dims != sorted(set(dims)) or dims[-1] != 128
        ),
    ),
    "matryoshka_ranges_end_in_the_embedding": on(
        "dense",
        architecture__matryoshka_range=st.lists(NUMBERS, min_size=2, max_size=2).filter(
            lambda sizes: sizes[0] >= sizes[1] or sizes[1] != 384
        ),
    ),
    "matryoshka_sizes_are_a_list_or_a_range": on(
        "colbert",
        architecture__matryoshka_range=st.integers(1, 127).map(lambda smallest: [smallest, 128]),
    ),
    "the_matryoshka_flag_agrees_with_the_sizes": on(
        "colbert", capabilities__matryoshka=st.just(False)
    )
    | on("dense", capabilities__matryoshka=st.just(True)),
    "contexts_fit_the_positions": on(
        "dense", specs__context_length=NUMBERS.filter(lambda length: length > 512)
    ),
    "lengths_fit_the_context": on(
        "colbert", encoding__query_length=NUMBERS.filter(lambda length: length > 512)
    )
    | on("colbert", encoding__document_length=NUMBERS.filter(lambda length: length > 512)),
    "static_models_have_no_layers": on(
        "dense", architecture__type=st.just("static"), specs__layers=NUMBERS
    ),
    "sparse_vectors_are_never_truncated": on(
        "sparse", architecture__matryoshka_dims=NUMBERS.map(lambda dim: [dim, 30522])
    )
    | on("sparse", architecture__matryoshka_range=NUMBERS.map(lambda dim: [dim, 30522])),
    "parameters_hold_the_vocabulary": on("dense", specs__parameters=NUMBERS)
    | on("sparse", specs__vocab_size=NUMBERS.map(lambda size: size + 10**6)),
    "contexts_leave_out_unused_positions": on(
        "dense",
        architecture__type=st.sampled_from(["roberta", "xlm-roberta", "mpnet"]),
        specs__context_length=st.sampled_from([130, 514, 1026, 8194]),
        specs__max_position_embeddings=st.none(),
    ),
    "scores_are_within_reach": on("dense", performance__beir_avg=st.floats(0.76, 1.0))
    | on("dense", performance__ms_marco_mrr10=st.floats(0.51, 1.0)),
    "languages_agree_with_the_name": on(
        "dense",
        id=NAMES.map(lambda name: f"{name}-multilingual"),
        capabilities__languages=st.sampled_from([["en"], ["zh-Hans", "zh-Hant"]]),
    )
    | on(
        "dense",
        id=NAMES.map(lambda name: f"{name}-korean-v1"),
        capabilities__languages=st.just(["en", "ja"]),
    ),
    "models_for_pictures_read_them": on(
        "image-text", capabilities__modalities=st.sampled_from([["text"], ["image"], ["audio"]])
    ),
    "pictures_are_resized_in_one_way": on("image-text", image__max_patches=st.integers(1, 4096)),
    "crops_lie_in_the_picture": on(
        "image-text",
        image__crop=st.integers(225, 4096).map(lambda side: [side, 9])
        | st.integers(1, 224).map(lambda side: [side]),
    ),
    "patches_fit_the_picture": on("image-text", image__tokens=st.integers(169, 10**6))
    | on("image-text", image__patch_size=st.integers(193, 10**6)),
    "channels_are_of_the_rescaled_values": on("image-text", image__rescale=st.floats(1.01, 1000))
    | on("image-text", image__mean=st.floats(1.01, 255).map(lambda mean: [0.5, 0.5, mean])),
    "biases_belong_to_sigmoids": on(
        "image-text", encoding__similarity=st.sampled_from(["cosine", "dot"])
    ),
    "text_lengths_fit_the_context": on("image-text", encoding__text_length=st.integers(513, 9999)),
    "captions_have_one_limit": on("captioner", encoding__max_new_tokens=st.integers(1, 500))
    | on("captioner", encoding__min_length=st.integers(21, 500)),
    "captions_fit_the_network": on("captioner", encoding__num_beams=st.integers(30523, 10**6))
    | on("captioner", encoding__max_length=st.integers(513, 10**6)),
    "revisions_are_commits": on(
        "dense",
        revision=TEXTS.filter(bool)
        | st.text("0123456789abcdefg", min_size=1).filter(
            lambda text: len(text) != 40 or "g" in text
        ),
    ),
    "languages_are_tags": on(
        "dense", capabilities__languages=st.lists(NAMES.map(lambda name: f"a{name}-x"), min_size=1)
    )
    | on(
        "dense",
        capabilities__languages=other_case("zh-hans")
        .map(lambda tag: [tag])
        .filter(lambda tags: tags != ["zh-Hans"]),
    ),
    "licenses_are_known": on("dense", license=NAMES.map(lambda name: f"my-{name}-license")),
    "dates_are_iso_8601": on(
        "dense",
        release_date=st.from_regex(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", fullmatch=True).filter(
            lambda text: not is_date(text)
        )
        | TEXTS.filter(lambda text: text and not is_date(text))
        | st.dates(min_value=date(2999, 1, 1)).map(date.isoformat),
    ),
    "files_lie_in_the_repository": on(
        "dense",
        files__config=st.lists(st.sampled_from(["a", "..", ".", ""]), min_size=1, max_size=4)
        .filter(lambda parts: parts != [""] and set(parts) != {"a"})
        .map("/".join),
    ),
    "variants_have_ids_of_their_own": on(
        "dense", variants=NAMES.map(lambda name: [{"id": name}, {"id": name.upper()}])
    ),
    "files_are_of_their_format": on(
        "dense", files__weights__safetensors=NAMES.map(lambda name: f"{name}.onnx")
    )
    | on("dense", files__weights__onnx=NAMES)
    | on("dense", files__weights__pytorch=NAMES.map(lambda name: f"{name}.safetensors"))
    | on("dense", files__config=NAMES),
    "prompts_have_known_places": on(
        "dense",
        encoding__query_prompt=NAMES.map(lambda name: f"{{q{name}}}: "),
    )
    | on("dense", encoding__document_prompt=NAMES.map(lambda name: f"{{instruction}}{{d{name}}}")),
    "several_labels_are_no_softmax": on("classifier", encoding__multi_label=st.just(True)),
    "models_are_adapted_from_others": on(
        "dense", lineage__adapted_from=other_case("acme/tiny-dense-v1")
    ),
    "provenance_names_sources": provenance(
        st.just("/id"), TEXTS.filter(lambda text: text and text.partition(":")[0] != "lab")
    ),
    "provenance_speaks_of_fields": provenance(
        TEXTS.filter(lambda text: text != "*" and not text.startswith("/"))
        | NAMES.map(lambda name: f"/specs/{name}"),
        st.just("lab"),
    ),
    "texts_stand_alone": on(
        "dense",
        name=TEXTS.flatmap(lambda text: st.sampled_from([f" {text}", f"{text}\n", f"a\t{text}"])),
    ),
    "ids_are_unique": pair("/id", NAMES.flatmap(lambda id: st.tuples(st.just(id), other_case(id)))),
    "aliases_are_unique": pair(
        "/lineage/aliases", NAMES.map(lambda alias: ([alias], [alias.upper()]))
    ),
    "repositories_have_one_entry_of_a_kind": pair(
        "/huggingface_id", NAMES.map(lambda name: (f"acme/{name}", f"ACME/{name.upper()}"))
    ),
    "constants_are_unique": pair("/id", NAMES.map(lambda name: (f"x-{name}", f"x.{name}")))
    | on(
        "dense",
        id=st.sampled_from(sorted(RESERVED_NAMES)).map(lambda name: re.sub("_", "-", name.lower())),
    ),
    "kinds_have_names_of_their_own": pair(
        "/type", NAMES.map(lambda name: (f"x-{name}", f"x.{name}"))
    ),
    "successors_exist": on("dense", lineage__superseded_by=NAMES),
    "successors_are_of_the_same_kind": NAMES.map(
        lambda kind: valid_catalogue(
            changed(valid_entry("two-tower"), "/lineage/superseded_by", "tiny-x-v2"),
            changed(valid_entry("two-tower", 2), "/type", f"x-{kind}") | {"id": "tiny-x-v2"},
        )
    ),
    "successors_come_to_an_end": pair(
        "/lineage/superseded_by",
        st.sampled_from(
            [
                ("tiny-two-tower-v2", "tiny-two-tower-v1"),
                ("tiny-two-tower-v1", None),
                ("tiny-two-tower-v2", "tiny-two-tower-v2"),
            ]
        ),
    ),
    "sources_are_dated_and_licensed": (
        TEXTS.filter(lambda text: text and not is_date(text)).map(
            lambda text: changed(CATALOGUE, "/sources/lab/retrieved", text)
        )
        | NAMES.map(lambda name: changed(CATALOGUE, "/sources/lab/license", f"my-{name}"))
    ),
    "models_are_not_older_than_their_base": NAMES.map(
        lambda name: child_of(name, "/release_date", "2023-01", "2024")
    ),
    "models_are_not_larger_than_their_base": NAMES.flatmap(
        lambda name: st.sampled_from(
            [
                child_of(name, "/specs/layers", 12, 6),
                child_of(name, "/specs/hidden_dim", 768, 384),
            ]
        )
    ),
}
"""For each rule, catalogues that break it."""


def test_every_rule_has_mutations_that_break_it() -> None:
    assert list(BREAKING) == [rule.__name__ for rule in (*RULES, *CATALOGUE_RULES)]


@pytest.mark.parametrize("rule", BREAKING)
def test_no_mutation_passes_a_rule_that_it_breaks(rule: str) -> None:
    @settings(max_examples=settings().max_examples // 3)
    @given(BREAKING[rule])
    def check(catalogue: Any) -> None:
        assert rule in {problem.rule for problem in problems_of(catalogue)}

    check()
