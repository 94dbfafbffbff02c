"""Writes frontend/src/api/schema.d.ts, the page's types of the management API, from its OpenAPI.

python tools/page_types.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from build_page import FRONTEND, find_node, install
from holotype.server import ServerSettings, ServerState, create_app

TYPES = FRONTEND / "src" / "api" / "schema.d.ts"
_HEADER = """\
/**
 * Generated from the server's OpenAPI; do not edit.
 * Again: python tools/page_types.py
 */

"""


def management_api() -> dict[str, Any]:
    """Return the part of the server's OpenAPI that the page uses."""
    state = ServerState.open(ServerSettings())
    try:
        described = create_app(state).openapi()
    finally:
        state.close()
    paths = {path: what for path, what in described["paths"].items() if path.startswith("/api/")}
    # The version of the package changes more often than its API.
    return {**described, "paths": paths, "info": {"title": "holotype", "version": "0"}}


def write_types(target: Path) -> None:
    """Write the types of the API into a file."""
    node = find_node()
    install(node)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "openapi.json"
        source.write_text(json.dumps(management_api()), encoding="utf-8")
        node.run(
            *("exec", "--", "openapi-typescript", str(source), "--output", str(target)),
            *("--default-non-nullable=false", "--alphabetize"),
        )
    target.write_text(_HEADER + _without_banner(target.read_text(encoding="utf-8")), "utf-8")


def _without_banner(text: str) -> str:
    return text.partition("*/")[2].lstrip() if text.startswith("/**") else text


if __name__ == "__main__":
    write_types(Path(sys.argv[1]) if sys.argv[1:] else TYPES)
