"""Tables of token vectors, compared with their entries by the code that loads them."""

from __future__ import annotations

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.merge import Comparer
from holotype.encoders.kinds.static import (
    MAPPING_NAME,
    TABLE_NAMES,
    compare_static,
    compare_table,
    read_static,
)
from holotype.hub.checkpoint_files import CheckpointFiles
from holotype.records import DenseModel


def compare_static_files(comparer: Comparer, files: CheckpointFiles) -> None:
    """Compare a record with a table of token vectors.

    Raises:
        CheckpointError: a file is damaged, or says something that is not supported.
    """
    static, table = read_static(files.folder), _table(files)
    if isinstance(comparer.record, DenseModel):
        # The length that the tokenizer's file may set is not known: it is too big to be fetched.
        compare_static(comparer, static, table, length=None)
    else:
        compare_table(comparer, static, table)


def _table(files: CheckpointFiles) -> Setting[tuple[int, int]] | None:
    """Return how many tokens have a vector of which width, as the weights' headers tell."""
    for name, header in files.headers.items():
        shapes = [header[table].shape for table in TABLE_NAMES if table in header]
        if shapes and len(shapes[0]) == 2:
            n_rows, width = shapes[0]
            mapped = header[MAPPING_NAME].shape if MAPPING_NAME in header else ()
            return Setting((mapped[0] if len(mapped) == 1 else n_rows, width), name)
    return None
