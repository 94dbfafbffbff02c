"""Print constraints that pin what the extras name to the lowest versions they allow.

Arguments replace constraints of packages: `torch==2.13.0` where an older one is not to be had.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
_OWN = "holotype"


def lowest_versions(pyproject: str, replaced: list[str]) -> list[str]:
    """Return a constraint for each package, by name.

    Args:
        pyproject: the text of pyproject.toml.
        replaced: requirements that stand in the place of the constraints of their packages; one
            without a version changes nothing.

    Raises:
        ValueError: a requirement has no lowest version.
    """
    found = {canonicalize_name(each.name): _lowest(each) for each in _requirements(pyproject)}
    for requirement in map(Requirement, replaced):
        if requirement.specifier:
            found[canonicalize_name(requirement.name)] = str(requirement)
    return [found[name] for name in sorted(found)]


def _requirements(pyproject: str) -> Iterator[Requirement]:
    extras = tomllib.loads(pyproject)["project"]["optional-dependencies"].values()
    for requirement in (Requirement(text) for extra in extras for text in extra):
        if requirement.name != _OWN:
            yield requirement


def _lowest(requirement: Requirement) -> str:
    bounds = {each.operator: each.version for each in requirement.specifier}
    version = bounds.get("==") or bounds.get(">=")
    if version is None:
        raise ValueError(f"{requirement} has no lowest version")
    return f"{requirement.name}=={version}"


if __name__ == "__main__":
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    print("\n".join(lowest_versions(text, sys.argv[1:])))
