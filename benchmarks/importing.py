"""What reading metadata costs: an import and a lookup, against the peers' own registries."""

from __future__ import annotations

import importlib.util
import marshal
import tempfile
from pathlib import Path

from report import Table
from synthetic import package
from timing import processes_s

N_MODELS = 600

HOLOTYPE = "import holotype; holotype.get_model('bge-m3').embedding_dim"
PEERS = {
    "fastembed": (
        "from fastembed import TextEmbedding; "
        "next(m for m in TextEmbedding.list_supported_models() "
        "if m['model'] == 'BAAI/bge-small-en-v1.5')['dim']"
    ),
    "mteb": "import mteb; mteb.get_model_meta('BAAI/bge-m3').embed_dim",
    "sentence-transformers": "import sentence_transformers",
}


def table() -> Table:
    """Measure, and return one row for each way to learn the dimension of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = package(Path(folder), N_MODELS)
        module = (path / "holotype" / "models.py").read_text(encoding="utf-8")
        bytecode = len(marshal.dumps(compile(module, "models.py", "exec")))
        quick = processes_s({"bare": "pass", "holotype": HOLOTYPE}, path=path, rounds=31)
        installed = {name: code for name, code in PEERS.items() if _is_installed(name)}
        slow = processes_s({"bare": "pass", "holotype": HOLOTYPE} | installed, path=path, rounds=7)
    ours_ms = (quick["holotype"] - quick["bare"]) * 1000
    rows = [
        ["a bare interpreter", f"{quick['bare'] * 1000:.1f} ms", ""],
        [f"holotype, {N_MODELS} models", f"{quick['holotype'] * 1000:.1f} ms", "1"],
    ]
    rows += [
        [name, f"{slow[name] * 1000:.0f} ms", f"{slow[name] / slow['holotype']:.0f}"]
        for name in installed
    ]
    notes = [
        f"Above the bare interpreter: {ours_ms:.1f} ms (target: at most 20 ms).",
        f"Bytecode of the module: {bytecode / N_MODELS:.0f} bytes a record (target: 1,300).",
        "sentence-transformers has no registry; its row is the import alone.",
    ]
    return Table(
        "Import and one lookup, a whole process", ["", "time", "times holotype"], rows, notes
    )


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name.replace("-", "_")) is not None
