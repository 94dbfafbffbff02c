"""The hatchling build hook that generates a typed module from a `models.json`.

In any project's `pyproject.toml`:

    [build-system]
    requires = ["hatchling", "holotype[codegen]"]

    [tool.hatch.build.hooks.holotype]
    source = "models.json"
    output = "src/acme_models/models.py"
    line-length = 88
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from holotype_codegen.generate import generate
from holotype_codegen.render import LINE_LENGTH
from holotype_codegen.report import CatalogueError


class CatalogueBuildHook(BuildHookInterface[Any]):
    """Generates the module before a wheel or an editable install is built, and includes it."""

    PLUGIN_NAME = "holotype"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the module.

        Raises:
            TypeError: an option is missing or of the wrong type.
            SystemExit: the catalogue has problems; all are printed, and nothing is written.
        """
        if self.target_name != "wheel":
            return
        source, output = self._option("source", str), self._option("output", str)
        line_length = self._option("line-length", int, LINE_LENGTH)
        root = Path(self.root)
        try:
            generate(root / source, root / output, root=root, line_length=line_length)
        except CatalogueError as error:
            raise SystemExit(str(error)) from None
        build_data["artifacts"].append(f"/{output}")

    def _option(self, name: str, expected: type, default: object = None) -> Any:
        value = self.config.get(name, default)
        if type(value) is not expected:
            raise TypeError(
                f"option {name!r} of the build hook {self.PLUGIN_NAME!r} is {value!r}; "
                f"it must be of type {expected.__name__}; set it in pyproject.toml under "
                f"[tool.hatch.build.hooks.{self.PLUGIN_NAME}]"
            )
        return value


@hookimpl
def hatch_register_build_hook() -> type[CatalogueBuildHook]:
    """Register the hook with hatchling."""
    return CatalogueBuildHook
