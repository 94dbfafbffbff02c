"""`holotype new`: makes a package with a catalogue of one's own."""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from holotype.cli.output import fail, note, write_lines
from holotype.errors import ArtifactError
from holotype.naming import kebab_case
from holotype.references.staging import occupation, stage_empty_folder

_DISTRIBUTION = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE | re.ASCII)
_TAKEN = frozenset({"holotype", "holotype_codegen", "test", "tests", "src"})
"""Names that would hide a package which the catalogue or its users need."""

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27", "holotype[codegen]"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = "A typed catalogue of our embedding models"
requires-python = ">=3.11"
dependencies = ["holotype"]

[tool.hatch.build]
dev-mode-dirs = ["src"]

[tool.hatch.build.hooks.holotype]
source = "models.json"
output = "src/{package}/models.py"

[tool.hatch.build.targets.wheel]
packages = ["src/{package}"]
"""

_README = """\
# {name}

`models.json` says what each of our models is and how to run it. Every build turns it into the typed
module `{package}.models` and its stub, which are not in git.

```sh
pip install -e .                                       # validates models.json, writes the module
holotype --catalogue {package}.models list             # what is in it
holotype add org/model                                 # another entry, and the module again
holotype generate models.json --output src/{package}/models.py   # after you edit models.json
```

The entry `example` shows the fields; replace it with a model of yours. What no source says is null.

```python
from {package}.models import EXAMPLE, get_model

assert get_model("example") is EXAMPLE
```
"""

_INIT = '"""A typed catalogue of our embedding models: `{package}.models`."""\n'


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the package, such as my-models.")
    ],
) -> None:
    """Make a package with a catalogue of your own: the folder NAME, with one example entry.

    The package builds and installs with pip, which generates its typed module from models.json.
    An existing file, or folder with something in it, is never changed: the exit code is then 1.
    """
    package = _package_name(name)
    folder = Path(name)
    problem = occupation(folder)
    if problem is not None:
        fail(f"{folder} {problem}, and is left as it is; give another NAME, or delete it")
    try:
        with stage_empty_folder(folder) as made:
            for name_of_file, text in _files(name, package).items():
                (made / name_of_file).parent.mkdir(parents=True, exist_ok=True)
                (made / name_of_file).write_text(text, encoding="utf-8")
    except ArtifactError as error:
        fail(f"{folder} cannot be made: {error}")
    except OSError as error:
        fail(f"{folder} cannot be made: {error.strerror or error}")
    write_lines([str(folder / place)] for place in _files(name, package))
    note(f"install it with: pip install -e ./{folder}")


def _package_name(name: str) -> str:
    """Return the name to import for the name of a package; exit if it is no valid name."""
    package = re.sub(r"[-.]+", "_", name).lower()
    if not _DISTRIBUTION.fullmatch(name):
        problem = "a name has ASCII letters, digits and - only, and is not a path"
    elif not package.isidentifier():
        problem = "a name that Python imports does not start with a digit"
    elif keyword.iskeyword(package) or package in keyword.softkwlist:
        problem = "it is a word of Python"
    elif package in sys.stdlib_module_names:
        problem = "Python has a module of that name"
    elif package in _TAKEN:
        problem = "it would hide another package"
    else:
        return package
    raise typer.BadParameter(
        f"{name!r} is not a name for a package: {problem}; write {_suggested(name)!r}",
        param_hint="NAME",
    )


def _suggested(name: str) -> str:
    """Return the valid name that is nearest to one that is not."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    split = unicodedata.normalize("NFKD", last)
    plain = kebab_case(split.encode("ascii", "ignore").decode()).replace(".", "-")
    if not plain:
        return "my-models"
    if plain[0].isdigit():
        return f"models-{plain}"
    package = plain.replace("-", "_")
    is_free = not (
        keyword.iskeyword(package)
        or package in keyword.softkwlist
        or package in sys.stdlib_module_names
        or package in _TAKEN
    )
    return plain if is_free and plain != name else f"{plain}-models"


def _files(name: str, package: str) -> dict[str, str]:
    """Return the text of each file of the package, by its place in the folder."""
    names = {"name": name, "package": package}
    return {
        "pyproject.toml": _PYPROJECT.format(**names),
        "README.md": _README.format(**names),
        ".gitignore": f"src/{package}/models.py\nsrc/{package}/models.pyi\n__pycache__/\ndist/\n",
        "models.json": json.dumps(_catalogue(name), indent=2) + "\n",
        f"src/{package}/__init__.py": _INIT.format(**names),
        f"src/{package}/py.typed": "",
    }


def _catalogue(name: str) -> Mapping[str, Any]:
    """Return a catalogue with one entry, in which everything that may be unknown is null."""
    return {
        "version": "0.1.0",
        "sources": {"own": {"title": "Our own training runs and measurements", "url": None}},
        "models": [
            {
                "id": "example",
                "type": "dense",
                "name": "Example",
                "huggingface_id": f"{kebab_case(name)}/example",
                "organization": name,
                "release_date": None,
                "license": None,
                "description": "An example that shows the fields of a dense model.",
                "architecture": {"type": None, "variant": None, "has_projection": None},
                "specs": {
                    "parameters": None,
                    "embedding_dim": 384,
                    "hidden_dim": None,
                    "context_length": None,
                    "max_position_embeddings": None,
                    "vocab_size": None,
                },
                "files": {
                    "tokenizer": None,
                    "config": None,
                    "weights": {"safetensors": None, "pytorch": None, "onnx": None},
                },
                "capabilities": {
                    "languages": None,
                    "modalities": ["text"],
                    "multi_vector": False,
                    "quantization": None,
                },
                "performance": {"beir_avg": None, "ms_marco_mrr10": None},
                "revision": None,
                "encoding": {
                    "pooling": "mean",
                    "normalize": True,
                    "similarity": "cosine",
                    "query_prompt": "",
                    "document_prompt": "",
                },
                "provenance": {"*": "own"},
            }
        ],
    }
