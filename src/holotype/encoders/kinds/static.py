"""What the files of a table of token vectors say: those of model2vec or sentence-transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from holotype.encoders.checkpoints.checkpoint import WEIGHTS_FILE, Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.modules import (
    MODULES_FILE,
    NormalizeSpec,
    PoolingSpec,
    module_entries,
)
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    cut_width,
    read_default_prompt,
    read_prompts,
    read_truncation,
)
from holotype.encoders.kinds.dense import DenseEncoding
from holotype.encoders.kinds.merge import Comparer
from holotype.errors import (
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    WrongKindError,
)
from holotype.records import AnyDenseModel

STATIC_MODULE = "StaticEmbedding"
_MODEL2VEC_TABLE = "embeddings"
TABLE_NAMES = ("embedding.weight", _MODEL2VEC_TABLE)
"""What the two libraries call the table."""
MAPPING_NAME = "mapping"
"""What model2vec calls the row of every token, where several tokens share one."""
_MODEL2VEC = "model2vec"
_TOKENIZER_FILE = "tokenizer.json"
_MODEL2VEC_LENGTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticCheckpoint:
    """What the files say; None where no file says it.

    Attributes:
        checkpoint: the checkpoint.
        table: where the table and its tokenizer lie, mostly the same folder.
        file: the file that says that this is a table.
        is_model2vec: whether model2vec wrote it, which drops unknown tokens and cuts texts.
        shape: how many tokens have a vector, and how wide it is.
        max_length: the length in tokens at which texts are cut.
        usual_length: the same where no file says it; None where nothing limits it.
    """

    checkpoint: Checkpoint
    table: Checkpoint
    file: str
    is_model2vec: bool
    dim: Setting[int] | None
    normalize: Setting[bool] | None
    similarity: Setting[str] | None
    query_prompt: Setting[str] | None
    document_prompt: Setting[str] | None
    default_prompt: Setting[str] | None
    truncate_dim: Setting[int] | None
    shape: Setting[tuple[int, int]] | None
    max_length: Setting[int] | None
    usual_length: int | None


def module_kinds(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the classes of the modules; none where there is no list, or it names own code."""
    if not checkpoint.has(MODULES_FILE):
        return ()
    try:
        return tuple(kind for _, kind, _ in module_entries(checkpoint))
    except UnsafeCheckpointError:
        return ()


def is_static(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is a table of token vectors, without a transformer."""
    if STATIC_MODULE in module_kinds(checkpoint):
        return True
    config = checkpoint.json(CONFIG_FILE, optional=True)
    return config.values.get("model_type") == _MODEL2VEC or _is_bare_table(checkpoint)


def _is_bare_table(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is a table as early versions of model2vec saved it, without its name."""
    config = checkpoint.json(CONFIG_FILE, optional=True)
    if checkpoint.has(MODULES_FILE) or "model_type" in config.values:
        return False
    if not (checkpoint.has(_TOKENIZER_FILE) and checkpoint.has(WEIGHTS_FILE)):
        return False
    names = set(checkpoint.header(WEIGHTS_FILE))
    return _MODEL2VEC_TABLE in names and names <= {_MODEL2VEC_TABLE, MAPPING_NAME, "weights"}


def read_static(checkpoint: Checkpoint) -> StaticCheckpoint:
    """Read every file that says how a table is run; the table itself is not touched.

    Raises:
        CheckpointError: a file is missing or damaged.
        WrongKindError: this is no table.
        UnsafeCheckpointError: a module is code of its own.
        UnsupportedCheckpointError: a module has no equivalent here.
    """
    config = checkpoint.json(CONFIG_FILE, optional=True)
    library = checkpoint.json(LIBRARY_FILE, optional=True)
    entries = module_entries(checkpoint) if checkpoint.has(MODULES_FILE) else []
    # Only model2vec writes such a file beside a table; it names itself in most of them.
    by_model2vec = bool(config.values) and config.values.get("model_type") in (None, _MODEL2VEC)
    by_model2vec = by_model2vec or _is_bare_table(checkpoint)
    kinds = [kind for _, kind, _ in entries]
    if kinds[:1] != [STATIC_MODULE] and (kinds or not is_static(checkpoint)):
        raise WrongKindError(
            checkpoint.location,
            f"is no table of token vectors: neither does {MODULES_FILE} begin with "
            f"{STATIC_MODULE}, nor does {CONFIG_FILE} name {_MODEL2VEC}",
        )
    others = [kind for kind in kinds[1:] if kind not in ("Normalize", "Dropout")]
    if others:
        raise UnsupportedCheckpointError(
            checkpoint.where(MODULES_FILE),
            f"lists {', '.join(others)} after {STATIC_MODULE}; only Normalize is run so far",
        )
    table = checkpoint.part(entries[0][2]) if entries else checkpoint
    normalize = config.boolean("normalize") if by_model2vec else None
    if normalize is None and entries:
        normalize = Setting("Normalize" in kinds, MODULES_FILE)
    query_prompt, document_prompt = read_prompts(library)
    usual = config.values.get("max_length", _MODEL2VEC_LENGTH)
    return StaticCheckpoint(
        checkpoint=checkpoint,
        table=table,
        file=MODULES_FILE if entries else CONFIG_FILE,
        is_model2vec=by_model2vec,
        dim=config.integer("hidden_dim"),
        normalize=normalize,
        similarity=library.text("similarity_fn_name"),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        default_prompt=read_default_prompt(library),
        truncate_dim=read_truncation(library),
        shape=table_shape(table),
        max_length=config.integer("max_length") if by_model2vec else cut_length(table),
        usual_length=_MODEL2VEC_LENGTH if by_model2vec and usual is not None else None,
    )


def table_shape(folder: Checkpoint) -> Setting[tuple[int, int]] | None:
    """Return how many tokens have a vector and how wide it is, by the header of a table's file."""
    if not folder.has(WEIGHTS_FILE):
        return None
    header = folder.header(WEIGHTS_FILE)
    shapes = [header[table].shape for table in TABLE_NAMES if table in header]
    if not shapes or len(shapes[0]) != 2:
        return None
    n_rows, width = shapes[0]
    mapped = header[MAPPING_NAME].shape if MAPPING_NAME in header else ()
    n_tokens = mapped[0] if len(mapped) == 1 else n_rows
    return Setting((n_tokens, width), folder.part(WEIGHTS_FILE).inside)


def cut_length(folder: Checkpoint) -> Setting[int] | None:
    """Return the length in tokens at which a tokenizer's file cuts texts, if it does."""
    # It is too large to be fetched where a checkpoint is only looked at.
    if not (folder.folder / _TOKENIZER_FILE).is_file():
        return None
    truncation = folder.json(_TOKENIZER_FILE).part("truncation")
    return truncation.integer("max_length") if truncation else None


def compare_static(comparer: Comparer, static: StaticCheckpoint) -> DenseEncoding:
    """Compare a dense record with a table of token vectors, and keep the comparisons.

    Args:
        comparer: the record, of a dense model.
        static: what the files say.

    Raises:
        UnsupportedCheckpointError: vectors are compared by another function than cosine or dot.
    """
    record, shape = cast(AnyDenseModel, comparer.record), static.shape
    comparer.choose("architecture_type", record.architecture_type, Setting("static", static.file))
    if shape is not None:
        n_tokens, width = shape.value
        returned = cut_width(Setting(width, shape.file), static.truncate_dim)
        comparer.choose("embedding_dim", record.embedding_dim, returned)
        comparer.choose("vocab_size", record.vocab_size, Setting(n_tokens, shape.file))
    comparer.choose("embedding_dim", record.embedding_dim, static.dim)
    comparer.choose("pooling", record.pooling, Setting("mean", static.file))
    normalized = comparer.choose("normalize", record.normalize, static.normalize, usual=False)
    similarity = comparer.choose("similarity", record.similarity, static.similarity, "cosine")
    if similarity not in ("cosine", "dot"):
        raise UnsupportedCheckpointError(
            static.checkpoint.location,
            f"compares vectors by {similarity!r}; supported are cosine and dot",
        )
    pooling = PoolingSpec(modes=("mean",))
    default = static.default_prompt
    return DenseEncoding(
        layers=(pooling, NormalizeSpec()) if normalized else (pooling,),
        native_dim=shape.value[1] if shape else record.embedding_dim,
        normalized=normalized,
        similarity=similarity,
        query_prompt=comparer.prompt("query_prompt", record.query_prompt, static.query_prompt),
        document_prompt=comparer.prompt(
            "document_prompt", record.document_prompt, static.document_prompt
        ),
        default_prompt=default.value if default else "",
        max_length=comparer.choose(
            "context_length",
            record.context_length,
            static.max_length,
            static.usual_length,
        ),
    )
