"""Build hook of holotype itself: the generator is imported from the source tree, since it is not installed yet."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from holotype_codegen.hook import CatalogueBuildHook


class HolotypeBuildHook(CatalogueBuildHook):
    """The hook that everybody can use, found here under hatchling's name for local hooks."""

    PLUGIN_NAME = "custom"


def get_build_hook() -> type[HolotypeBuildHook]:
    """Tell hatchling which of the classes in this file is the hook."""
    return HolotypeBuildHook
