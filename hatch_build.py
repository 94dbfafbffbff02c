"""Build hook of holotype itself: the generator is imported from the source tree, since it is not installed yet."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "src"))

from holotype_codegen.hook import CatalogueBuildHook


class HolotypeBuildHook(CatalogueBuildHook):
    """The hook that everybody can use, found here under hatchling's name for local hooks."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Do what the hook does, and say if the distribution will have no web page."""
        super().initialize(version, build_data)
        page = Path(self.root, "src", "holotype", "server", "page", "index.html")
        if version != "editable" and not page.is_file():
            self.app.display_warning(
                "The web page is not built, so this distribution has none: its server has only "
                "APIs. To include it, run `make page` first."
            )


def get_build_hook() -> type[HolotypeBuildHook]:
    """Tell hatchling which of the classes in this file is the hook."""
    return HolotypeBuildHook
