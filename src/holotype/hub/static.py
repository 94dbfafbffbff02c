"""Static embeddings: a table of token vectors, as model2vec and sentence-transformers save it."""

from __future__ import annotations

from holotype.encoders.checkpoint import CONFIG_FILE, LIBRARY_FILE
from holotype.encoders.json_file import JsonFile, Setting
from holotype.encoders.kinds import module_kinds
from holotype.encoders.merge import Comparer
from holotype.hub.checkpoint_files import CheckpointFiles
from holotype.hub.fields import compare_field

_TABLES = ("embeddings", "embedding.weight")


def compare_static(comparer: Comparer, files: CheckpointFiles) -> None:
    """Compare a record with a table of token vectors.

    Raises:
        CheckpointError: a file is damaged.
    """
    record = comparer.record
    config = JsonFile.read(files.folder, CONFIG_FILE, optional=True)
    modules = module_kinds(files.folder)
    stated = config.text("model_type")
    file = "modules.json" if modules else stated.file if stated else CONFIG_FILE
    comparer.choose("architecture_type", record.architecture_type, Setting("static", file))
    for name, header in files.headers.items():
        shapes = [header[table].shape for table in _TABLES if table in header]
        if shapes and len(shapes[0]) == 2:
            rows, width = shapes[0]
            comparer.choose("embedding_dim", record.embedding_dim, Setting(width, name))
            comparer.choose("vocab_size", record.vocab_size, Setting(rows, name))
    comparer.choose("embedding_dim", record.embedding_dim, config.integer("hidden_dim"))
    if record.type != "dense":
        return
    normalize = config.boolean("normalize")
    if normalize is None and modules:
        normalize = Setting(modules[-1] == "Normalize", "modules.json")
    library = JsonFile.read(files.folder, LIBRARY_FILE, optional=True)
    compare_field(comparer, "pooling", Setting("mean", file))
    compare_field(comparer, "normalize", normalize)
    compare_field(comparer, "similarity", library.text("similarity_fn_name"))
