"""Run the tests of the kernels with a library that gcc has compiled with its sanitizers.

python tools/sanitize_kernels.py [PYTEST_OPTION ...]

AddressSanitizer finds reads and writes beside what a call was given, UndefinedBehaviorSanitizer
what C leaves undefined. The processor must have AVX2; what else it has is tested, too.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_KERNELS = _ROOT / "kernels"
_FLAGS = (
    *("-std=c11", "-O1", "-g", "-fPIC", "-fvisibility=hidden"),
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"),
)


def main() -> None:
    """Compile, and run the tests."""
    with tempfile.TemporaryDirectory(prefix="holotype-sanitized-") as place:
        package = Path(place, "holotype_kernels")
        shutil.copytree(
            _KERNELS / "src" / "holotype_kernels",
            package,
            ignore=shutil.ignore_patterns("*.so", "__pycache__"),
        )
        _compile(package / "kernels.so")
        runtime = _run("gcc", "-print-file-name=libasan.so").stdout.strip()
        environment = {
            **os.environ,
            "HOLOTYPE_TESTED_KERNELS": place,
            "LD_PRELOAD": runtime,
            # Python keeps what it has taken until it ends.
            "ASAN_OPTIONS": "detect_leaks=0",
        }
        command = [sys.executable, "-m", "pytest", str(_ROOT / "tests" / "kernels"), *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, cwd=_ROOT, check=False).returncode)


def _compile(library: Path) -> None:
    build = runpy.run_path(str(_KERNELS / "hatch_build.py"))
    by_set: dict[str, str] = build["_SOURCES"]
    sets: dict[str, str] = build["_SETS"]
    compiled = [
        (_KERNELS / "c" / source, [*_instructions(processor), f"-DNAME={function}_{name}"])
        for name, processor in sets.items()
        for source, function in by_set.items()
    ]
    compiled += [
        (_KERNELS / "c" / source, _instructions(processor))
        for source, processor in build["_ONCE"].items()
    ]
    objects = []
    for at, (source, options) in enumerate(compiled):
        objects.append(str(library.with_name(f"{at}.o")))
        _run("gcc", *_FLAGS, *options, "-c", "-o", objects[-1], str(source))
    _run("gcc", *_FLAGS, "-shared", "-o", str(library), *objects, "-lm")


def _instructions(processor: str) -> list[str]:
    """Return gcc's options for a processor as zig names it, such as ``x86_64+avx2``."""
    return [f"-m{one}" for one in processor.split("+")[1:]]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)


if __name__ == "__main__":
    main()
