"""`python -m holotype_codegen`: validate a catalogue, generate its module, explain an entry."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

try:
    from holotype_codegen.explain import explain
    from holotype_codegen.generate import (
        OutputError,
        generate,
        generated_texts,
        stale_files,
        stub_path,
    )
    from holotype_codegen.render import LINE_LENGTH
    from holotype_codegen.report import CatalogueError, format_json
    from holotype_codegen.validate import load_catalogue
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing not in ("jinja2", "jsonschema", "langcodes", "packaging"):
        raise
    sys.exit(
        f"error: the generator needs {missing!r}, which is not installed; "
        "run: pip install 'holotype[codegen]'"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 if the catalogue has problems or a file is stale."""
    options = _parser().parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout has gone, as `head` does; the interpreter flushes again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _run(options: argparse.Namespace) -> int:
    try:
        return int(options.run(options))
    except OutputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except CatalogueError as error:
        if getattr(options, "json", False):
            print(format_json(error.problems))
        else:
            print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m holotype_codegen",
        description="Turn a models.json into a typed Python module.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="report every problem of a catalogue")
    validate.add_argument("source", nargs="?", type=Path, default=Path("models.json"))
    validate.add_argument("--json", action="store_true", help="print the problems as JSON")
    validate.set_defaults(run=_validate)

    make = commands.add_parser("generate", help="write the module of a catalogue, and its stub")
    make.add_argument("source", nargs="?", type=Path, default=Path("models.json"))
    make.add_argument("--output", type=Path, help="the module, such as src/acme/models.py")
    make.add_argument("--line-length", type=int, default=LINE_LENGTH, metavar="COLUMNS")
    what = make.add_mutually_exclusive_group()
    what.add_argument("--stdout", action="store_true", help="print the module, write nothing")
    what.add_argument(
        "--check", action="store_true", help="only say whether module and stub are stale"
    )
    make.set_defaults(run=_generate)

    describe = commands.add_parser("explain", help="show what an entry becomes, and its sources")
    describe.add_argument("id", help="the id of the entry")
    describe.add_argument("--source", type=Path, default=Path("models.json"))
    describe.set_defaults(run=_explain)
    return parser


def _validate(options: argparse.Namespace) -> int:
    catalogue = load_catalogue(options.source)
    if options.json:
        print(format_json(()))
    else:
        n_models = len(catalogue.value["models"])
        counted = "1 model" if n_models == 1 else f"{n_models:,} models"
        print(f"{options.source}: {counted}, no problems")
    return 0


def _generate(options: argparse.Namespace) -> int:
    if options.output is None and not options.stdout:
        print("generate: give --output FILE, or --stdout", file=sys.stderr)
        return 2
    output = options.output or Path("models.py")
    root = Path.cwd()
    if options.stdout or options.check:
        texts = generated_texts(options.source, output, root=root, line_length=options.line_length)
        return _print_module(texts[output]) if options.stdout else _check(options.source, texts)
    changed = generate(options.source, output, root=root, line_length=options.line_length)
    stub = stub_path(output)
    print(f"{output} and {stub}: {'written' if changed else 'already up to date'}")
    if _ignores_module_alone(root / ".gitignore", output, stub):
        print(
            f"note: .gitignore names {output.name} and not {stub.name}, which is generated as well: "
            f"add {stub}. Type checkers read it in place of the module, so wheels need both",
            file=sys.stderr,
        )
    return 0


def _ignores_module_alone(ignored: Path, module: Path, stub: Path) -> bool:
    if not ignored.is_file():
        return False
    lines = ignored.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {line.strip().rpartition("/")[2] for line in lines}
    return module.name in names and not names & {stub.name, "*.pyi"}


def _print_module(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _check(source: Path, texts: Mapping[Path, str]) -> int:
    stale = stale_files(texts)
    for path in stale:
        print(
            f"{path} is stale: it is not what {source} generates; "
            "run the same command without --check",
            file=sys.stderr,
        )
    return 1 if stale else 0


def _explain(options: argparse.Namespace) -> int:
    print(explain(load_catalogue(options.source), options.id))
    return 0


if __name__ == "__main__":
    sys.exit(main())
