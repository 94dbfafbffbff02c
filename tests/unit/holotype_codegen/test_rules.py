"""What breaks a rule over one entry is found at its place, once, in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    sentence,
    text_at,
    text_of,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen import hub_ids, standards
from holotype_codegen.licences import HUB_LICENCES
from holotype_codegen.rules import RULES

# The kind of the entry, what is changed in it, the rule that it breaks, and some of the words. The
# place of the problem is that of the change.
Breach = tuple[str, str, Any, str, str]

IDS: list[Breach] = [
    ("dense", "/id", value, "ids_are_kebab_case", words)
    for value, words in [
        ("Tiny", 'the id "Tiny" is not kebab-case; expected lower-case letters and digits'),
        ("tiny_v1", 'write "tiny-v1"'),
        ("tiny v1.5", 'write "tiny-v1.5"'),
        ("tiny--v1", 'write "tiny-v1"'),
        ("tiny..v1", 'write "tiny-v1"'),
        ("-tiny", 'write "tiny"'),
        ("tiny.", 'write "tiny"'),
        ("org/tiny", 'write "org-tiny"'),
        ("tiny-é", "is not kebab-case"),
        ("é", "choose another id"),
        ("tiny\n", r'the id "tiny\n" is not kebab-case'),
    ]
]

KINDS: list[Breach] = [
    ("cross-encoder", "/type", "cross_encoder", "kinds_are_kebab_case", 'write "cross-encoder"'),
    ("cross-encoder", "/type", "CrossEncoder", "kinds_are_kebab_case", 'write "cross-encoder"'),
    ("colbert", "/type", "ColBERT", "kinds_are_kebab_case", 'write "colbert"'),
    ("two-tower", "/type", "two tower", "kinds_are_kebab_case", 'write "two-tower"'),
    ("two-tower", "/type", "Two-Tower", "kinds_are_kebab_case", "or a further kind in kebab-case"),
    ("two-tower", "/type", "é", "kinds_are_kebab_case", "use one of these"),
]

REPOSITORIES: list[Breach] = [
    ("dense", "/huggingface_id", value, "repositories_have_hub_ids", words)
    for value, words in [
        ("tiny", "it has no organization; expected organization/name"),
        ("a/b/c", "it has more than one slash"),
        ("acme/", "one side of its slash is empty"),
        ("/tiny", "one side of its slash is empty"),
        ("acme/a b", "it contains characters other than ASCII letters"),
        ("acme/é", "it contains characters other than ASCII letters"),
        ("acme/a--b", "it contains '--'"),
        ("acme/a..b", "it contains '..'"),
        ("-acme/ab", "a part begins or ends with"),
        ("acme-/ab", "a part begins or ends with"),
        ("acme/.ab", "a part begins or ends with"),
        ("acme/ab.", "a part begins or ends with"),
        ("acme/ab.git", "it ends in '.git'"),
        ("acme/" + "a" * 97, "a part has 97 characters, and the Hub allows 96"),
        ("https://huggingface.co/acme/tiny", "it has more than one slash"),
    ]
] + [
    ("dense", pointer, "bert", "repositories_have_hub_ids", "it has no organization")
    for pointer in (
        "/lineage/adapted_from",
        "/dependencies/tokenizer_model",
        "/variants/0/huggingface_id",
    )
]

FACTS: list[Breach] = [
    *(
        ("dense", "/revision", value, "revisions_are_commits", words)
        for value, words in [
            ("main", 'the revision "main" is not a commit; expected 40 hexadecimal digits'),
            ("0123456", "or write null"),
            ("0123456789ABCDEF0123456789ABCDEF01234567", 'write "0123456789abcdef'),
            ("g123456789abcdef0123456789abcdef01234567", "is not a commit"),
            ("0123456789abcdef0123456789abcdef012345678", "is not a commit"),
        ]
    ),
    *(
        ("dense", "/capabilities/languages/1", value, "languages_are_tags", words)
        for value, words in [
            ("xx", "look up the tag in IANA's registry"),
            ("english", "expected a tag such as en for English, pt-BR or zh-Hans"),
            ("eng-Latn", 'write "en"'),
            ("en-Latn", 'write "en"'),
            ("zho-Hans", 'write "zh-Hans"'),
            ("zh-hans", 'write "zh-Hans"'),
            ("pt_BR", 'write "pt-BR"'),
            ("iw", 'write "he"'),
            ("und", "is not a registered BCP 47 tag"),
            ("go-Code", "is not a registered BCP 47 tag"),
        ]
    ),
    *(
        ("dense", "/license", value, "licenses_are_known", words)
        for value, words in [
            ("apache", 'the licence "apache" is unknown; expected an SPDX expression'),
            ("apache2", 'did you mean "apache-2.0"?'),
            ("cc-by-nc-5.0", 'did you mean "cc-by-nc-4.0"?'),
            ("unknown", "write null where no source names one"),
            ("https://example.com/license", "other for a licence with no id"),
            ("mit or", "is unknown"),
            ("((((mit", "is unknown"),
        ]
    ),
    *(
        ("dense", "/release_date", value, "dates_are_iso_8601", "YYYY, YYYY-MM or YYYY-MM-DD")
        for value in [
            "17.5.2024",
            "2024-02-30",
            "2024-13",
            "2024-00",
            "24",
            "2024-5",
            "20240517",
            "2024-W20",
            "2024-05-17T00:00",
            "0000",
            "٢٠٢٤",
        ]
    ),
    *(
        ("dense", pointer, value, "files_lie_in_the_repository", "not a path within a repository")
        for pointer, value in [
            ("/files/tokenizer", "/etc/passwd"),
            ("/files/config", "../config.json"),
            ("/files/weights/safetensors", "a/../../b"),
            ("/files/weights/onnx", "onnx\\model.onnx"),
            ("/files/weights/pytorch", "weights//pytorch_model.bin"),
            ("/variants/0/file", "./model.onnx"),
        ]
    ),
    *(
        ("dense", pointer, value, "texts_stand_alone", words)
        for pointer, value, words in [
            ("/description", " two\nlines ", 'write "two lines"'),
            ("/name", "Tiny  v1", 'write "Tiny v1"'),
            ("/name", " ", "write what it is, or null"),
            ("/organization", "Acme\t", "has leading, trailing"),
            ("/architecture/type", "bert ", 'write "bert"'),
            ("/license", " mit", 'write "mit"'),
            ("/capabilities/quantization", [" int8"], 'write "int8"'),
        ]
    ),
]


@pytest.mark.parametrize(
    "breach",
    [*IDS, *KINDS, *REPOSITORIES, *FACTS],
    ids=lambda breach: f"{breach[0]}{breach[1]}={str(breach[2])[:30]!r}",
)
def test_a_value_that_breaks_a_rule_is_found_at_its_place(breach: Breach) -> None:
    kind, pointer, value, rule, words = breach
    entry = changed(valid_entry(kind), pointer, value)
    catalogue = valid_catalogue(valid_entry("two-tower", 2), entry)
    (problem,) = [found for found in problems_of(catalogue) if found.rule == rule]
    assert problem.pointer.startswith(f"/models/1{pointer}")
    assert words in sentence(problem)
    assert text_at(text_of(catalogue), problem)[0] in '"['


@pytest.mark.parametrize(
    ("pointer", "value", "rule", "words", "spot"),
    [
        ("/provenance/*", "memory", "provenance_names_sources", 'the source "memory"', '"memory"'),
        ("/provenance/*", "labb: x", "provenance_names_sources", 'did you mean "lab"?', '"labb'),
        ("/provenance/*", ": x", "provenance_names_sources", 'the source ""', '": x"'),
        ("/provenance/~1id", "Lab", "provenance_names_sources", 'did you mean "lab"?', '"Lab"'),
        ("/provenance/~1specs~1x", "lab", "provenance_speaks_of_fields", "/specs/x", '"/specs/x"'),
        ("/provenance/pooling", "lab", "provenance_speaks_of_fields", "pooling", '"pooling"'),
        ("/provenance/", "lab", "provenance_speaks_of_fields", 'names ""', '""'),
        ("/provenance/~1variants~11", "lab", "provenance_speaks_of_fields", "of the ent", '"/var'),
        ("/provenance/~1variants~1-", "lab", "provenance_speaks_of_fields", "of the ent", '"/var'),
        ("/provenance/~1id~1x", "lab", "provenance_speaks_of_fields", "of the entry", '"/id/x"'),
    ],
)
def test_provenance_that_leads_nowhere_is_found(
    pointer: str, value: str, rule: str, words: str, spot: str
) -> None:
    catalogue = valid_catalogue(changed(valid_entry(), pointer, value))
    (problem,) = problems_of(catalogue)
    assert (problem.pointer, problem.rule) == (f"/models/0{pointer}", rule)
    assert words in sentence(problem)
    assert text_at(text_of(catalogue), problem).startswith(spot)


def test_provenance_may_speak_of_groups_items_and_values_that_are_null() -> None:
    provenance = {
        "*": "lab",
        "/specs": "lab:",
        "/variants/0/id": "lab: x: y",
        "/files/config": "lab",
    }
    assert problems_of(valid_catalogue(valid_entry() | {"provenance": provenance})) == ()


def test_a_catalogue_without_sources_cannot_name_one() -> None:
    catalogue = changed(valid_catalogue(valid_entry()), "/sources", {})
    assert {problem.rule for problem in problems_of(catalogue)} == {"provenance_names_sources"}


@pytest.mark.parametrize("sources", [..., [], None])
def test_sources_that_are_missing_are_one_problem_not_one_for_each_value(sources: Any) -> None:
    (problem,) = problems_of(changed(valid_catalogue(), "/sources", sources))
    assert problem.pointer == "/sources"


def test_variants_with_one_id_are_found() -> None:
    variants = [{"id": "int8"}, {"id": "int4"}, {"id": "INT8"}]
    (problem,) = problems_of(valid_catalogue(valid_entry() | {"variants": variants}))
    assert problem.pointer == "/models/0/variants/2/id"
    assert problem.rule == "variants_have_ids_of_their_own"


def test_blanks_count_in_prompts_markers_and_skiplists() -> None:
    entry = changed(valid_entry(), "/encoding/query_prompt", "Instruct: {instruction}\nQuery:  ")
    other = changed(valid_entry("colbert"), "/encoding/skiplist", [" ", "\t"])
    assert problems_of(valid_catalogue(entry, other)) == ()


@pytest.mark.parametrize(
    "license",
    [
        "apache-2.0",
        "Apache-2.0",
        "MIT OR Apache-2.0",
        "gpl-3.0-or-later WITH Classpath-exception-2.0",
        "LicenseRef-Proprietary",
        *sorted(HUB_LICENCES),
    ],
)
def test_spdx_expressions_and_the_hubs_ids_are_licences(license: str) -> None:
    assert standards.is_license(license)


@pytest.mark.parametrize("date", ["2024", "2024-02", "2024-02-29", "1999-12-31"])
def test_years_months_and_days_are_dates(date: str) -> None:
    assert standards.is_date(date)


@pytest.mark.parametrize("tag", ["en", "zh", "zh-Hans", "pt-BR", "sr-Latn", "yue", "arz", "mul"])
def test_registered_tags_in_their_shortest_form_are_languages(tag: str) -> None:
    assert standards.better_language(tag) == tag


def test_further_kinds_are_allowed_in_kebab_case() -> None:
    kinds = ["generative", "late-interaction-v2", "denser"]
    entries = [valid_entry("two-tower", n) | {"type": kind} for n, kind in enumerate(kinds)]
    assert problems_of(valid_catalogue(*entries)) == ()


HUB_NAMES = st.text(st.sampled_from("aZ0-._/ é"), max_size=12) | st.builds(
    "{}/{}{}".format,
    st.sampled_from(["acme", "a", "a" * 96, "a" * 97]),
    st.sampled_from(["b", "b" * 96, "b" * 97, "_b_", "b.c-d"]),
    st.sampled_from(["", ".git", "--", "..", ".GIT", "\n"]),
)


@given(HUB_NAMES)
def test_ids_are_refused_exactly_where_the_hubs_own_library_refuses_them(name: str) -> None:
    try:
        validate_repo_id(name)
        accepted = name.count("/") == 1
    except HFValidationError:
        accepted = False
    assert (hub_ids.fault(name) is None) == accepted


@pytest.mark.parametrize(
    "is_known", [standards.is_license, standards.is_date, standards.better_language, hub_ids.fault]
)
def test_any_text_is_judged_without_an_error(is_known: Callable[[str], object]) -> None:
    @given(st.text(max_size=20) | st.text(st.sampled_from("mit()+- WITHandorx0u_"), max_size=20))
    def judge(text: str) -> None:
        is_known(text)

    judge()


def test_every_rule_is_documented() -> None:
    assert all(rule.__doc__ for rule in RULES)
