"""What the id of a licence says of commercial use."""

from __future__ import annotations

import pytest

from holotype import MODEL_REGISTRY
from holotype.languages import known_licences
from holotype.licences import allows_commercial_use, permits


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", True),
        ("gpl-3.0-or-later WITH gcc-exception-3.1", True),
        ("cc-by-sa-4.0", True),
        ("cc-by-nc-4.0", False),
        ("CC-BY-NC-ND-3.0-DE", False),
        ("apple-amlr", False),
        ("gemma", None),
        ("other", None),
        ("cc", None),
        ("licenseref-acme", None),
        (None, None),
        ("mit or cc-by-nc-4.0", True),
        ("mit AND cc-by-nc-4.0", False),
        ("mit and apache-2.0", True),
        ("gemma or cc-by-nc-4.0", None),
        ("mit and gemma", None),
        ("gemma or mit and cc-by-nc-4.0", None),
        ("mit or gemma and cc-by-nc-4.0", True),
        ("(MIT OR Apache-2.0)", True),
        ("(mit or cc-by-nc-4.0) and isc", True),
        ("(mit or gemma) and cc-by-nc-4.0", False),
        ("(mit and (isc or (gemma)))", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("cc-by-nc-4.0 with llvm-exception", False),
        ("apache-2.0 with commons-clause", None),
        ("gpl-2.0+ with classpath-exception-2.0 and mit", True),
        ("openrail++", None),
        *((text, None) for text in ("", "(mit", "mit)", "mit isc", "mit or", "()", "(" * 9_999)),
    ],
)
def test_the_answer_is_what_the_text_of_the_licence_says(
    licence: str | None, expected: bool | None
) -> None:
    assert allows_commercial_use(licence) is expected


def test_every_licence_with_non_commercial_in_its_name_forbids_it() -> None:
    named = {each for each in known_licences() if "-nc-" in each or "noncommercial" in each}
    assert len(named) > 20
    assert {allows_commercial_use(each) for each in named} == {False}


def test_a_licence_that_allows_it_is_known() -> None:
    allowing = {each.license for each in MODEL_REGISTRY if each.commercial_use}
    assert {"apache-2.0", "mit"} <= allowing <= known_licences()


def test_a_licence_with_later_versions_may_be_accepted_under_that_name() -> None:
    assert permits("GPL-2.0+ OR gemma", {"gpl-2.0+"}.__contains__)
