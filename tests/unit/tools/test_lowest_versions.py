from __future__ import annotations

import pytest

from lowest_versions import ROOT, lowest_versions

PYPROJECT = """
[project.optional-dependencies]
hub = ["holotype[artifacts]", "Some_Package>=1.2"]
exact = ["other[extra]==3.4"]
ranged = ["tests>=5,<6"]
[dependency-groups]
test = ["unread>=1"]
"""


def test_every_package_is_pinned_to_the_lowest_version_that_is_allowed() -> None:
    assert lowest_versions(PYPROJECT, []) == ["other==3.4", "Some_Package==1.2", "tests==5"]


def test_a_package_can_be_pinned_to_another_version() -> None:
    replaced = ["some-package==7", "other"]
    assert lowest_versions(PYPROJECT, replaced) == ["other==3.4", "some-package==7", "tests==5"]


def test_a_requirement_without_a_lowest_version_is_refused() -> None:
    with pytest.raises(ValueError, match="other<2 has no lowest version"):
        lowest_versions(PYPROJECT.replace("other[extra]==3.4", "other<2"), [])


def test_every_extra_of_ours_has_lowest_versions() -> None:
    pinned = lowest_versions((ROOT / "pyproject.toml").read_text(encoding="utf-8"), [])
    assert any(constraint.startswith("torch==") for constraint in pinned)
