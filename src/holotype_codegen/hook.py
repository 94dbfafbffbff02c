"""The hatchling build hook that generates a typed module, and its stub, from a `models.json`.

In any project's `pyproject.toml`:

    [build-system]
    requires = ["hatchling", "holotype[codegen]"]

    [tool.hatch.build.hooks.holotype]
    source = "models.json"
    output = "src/acme_models/models.py"
    line-length = 88
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from holotype_codegen.generate import OutputError, generate, stub_path
from holotype_codegen.layout import layout_problem
from holotype_codegen.render import LINE_LENGTH
from holotype_codegen.report import CatalogueError


class CatalogueBuildHook(BuildHookInterface[Any]):
    """Generates the module before a wheel or an editable install is built, and includes both files.

    A source distribution gets the catalogue, so that wheels can be built from it.
    """

    PLUGIN_NAME = "holotype"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the module and its stub, or include the catalogue in a source distribution.

        Raises:
            TypeError: an option is missing or of the wrong type.
            SystemExit: the catalogue has problems, which are all printed, or is outside the
                project; or the module would be outside the project, or not be importable from the
                wheel, or a file that was not generated is in the way. Nothing is written.
        """
        source, output = self._option("source", str), self._option("output", str)
        line_length = self._option("line-length", int, LINE_LENGTH)
        root = Path(self.root)
        if self.target_name == "sdist":
            build_data["force_include"].update(self._catalogue(root, source))
        if self.target_name != "wheel":
            return
        path = _within(root, output)
        if path is None:
            raise SystemExit(
                f"the output {output!r} of the build hook {self.PLUGIN_NAME!r} lies outside the "
                f"project {root}; name a file in it, such as src/acme/models.py"
            )
        try:
            for file in (path, stub_path(Path(path)).as_posix()):
                build_data["artifacts"].append("/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", file))
            problem = layout_problem(self.build_config, root, path, build_data)
            if problem is not None:
                raise SystemExit(f"the project {root} would not be importable: {problem}")
            generate(root / source, root / path, root=root, line_length=line_length)
        except (CatalogueError, OutputError) as error:
            raise SystemExit(str(error)) from None

    def _catalogue(self, root: Path, source: str) -> dict[str, str]:
        """Map the path of the catalogue to its path in a source distribution."""
        path = _within(root, source)
        if path is None:
            raise SystemExit(
                f"the catalogue {source!r} lies outside the project {root}, so a source "
                "distribution, from which wheels are built elsewhere, cannot include it; move it into "
                "the project, or build the wheel alone: python -m build --wheel"
            )
        if not (root / path).is_file():
            raise SystemExit(f"there is no catalogue {path} in {root}; correct the option 'source'")
        return {str(root / path): path}

    def _option(self, name: str, expected: type, default: object = None) -> Any:
        value = self.config.get(name, default)
        if type(value) is not expected:
            raise TypeError(
                f"option {name!r} of the build hook {self.PLUGIN_NAME!r} is {value!r}; "
                f"it must be of type {expected.__name__}; set it in pyproject.toml under "
                f"[tool.hatch.build.hooks.{self.PLUGIN_NAME}]"
            )
        if isinstance(value, str) and not value.isprintable():
            raise ValueError(
                f"option {name!r} of the build hook {self.PLUGIN_NAME!r} is {value!r}; no path has "
                "such characters; correct it in pyproject.toml under "
                f"[tool.hatch.build.hooks.{self.PLUGIN_NAME}]"
            )
        return value


def _within(root: Path, path: str) -> str | None:
    """Return a path relative to the root, in its shortest form; None if it leaves the root.

    Hatchling recognises a file only in that form, not as ``./x``, ``a/../x`` or ``a//x``.
    """
    for target, top in ((root / path, root), ((root / path).resolve(), root.resolve())):
        short = Path(os.path.relpath(target, top))
        if ".." not in short.parts:
            is_inside = (root / short).resolve().is_relative_to(root.resolve())
            return short.as_posix() if is_inside else None
    return None


@hookimpl
def hatch_register_build_hook() -> type[CatalogueBuildHook]:
    """Register the hook with hatchling."""
    return CatalogueBuildHook
