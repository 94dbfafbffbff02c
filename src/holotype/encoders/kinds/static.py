"""What the files of a table of token vectors say, as model2vec and sentence-transformers save it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import (
    MODULES_FILE,
    NormalizeSpec,
    PoolingSpec,
    module_entries,
)
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    read_default_prompt,
    read_prompts,
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
TABLE_NAMES = ("embedding.weight", "embeddings")
"""What the two libraries call the table."""
MAPPING_NAME = "mapping"
"""What model2vec calls the row of every token, where several tokens share one."""
_MODEL2VEC = "model2vec"
_MODEL2VEC_LENGTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticCheckpoint:
    """What the files say; None where no file says it.

    Attributes:
        folder: the checkpoint.
        table_folder: where the table and its tokenizer lie, mostly the same folder.
        file: the file that says that this is a table.
        is_model2vec: whether model2vec wrote it, which drops unknown tokens and cuts texts.
        max_length: the length in tokens at which texts are cut.
        usual_length: the same where no file says it; None where nothing limits it.
    """

    folder: Path
    table_folder: Path
    file: str
    is_model2vec: bool
    dim: Setting[int] | None
    normalize: Setting[bool] | None
    similarity: Setting[str] | None
    query_prompt: Setting[str] | None
    document_prompt: Setting[str] | None
    default_prompt: Setting[str] | None
    truncate_dim: Setting[int] | None
    max_length: Setting[int] | None
    usual_length: int | None


def module_kinds(folder: Path) -> tuple[str, ...]:
    """Return the classes of the modules; none where there is no list, or it names own code."""
    if not (folder / MODULES_FILE).is_file():
        return ()
    try:
        return tuple(kind for _, kind, _ in module_entries(folder))
    except UnsafeCheckpointError:
        return ()


def is_static(folder: Path) -> bool:
    """Whether a checkpoint is a table of token vectors, without a transformer."""
    if STATIC_MODULE in module_kinds(folder):
        return True
    config = JsonFile.read(folder, CONFIG_FILE, optional=True)
    return config.values.get("model_type") == _MODEL2VEC


def read_static(folder: Path) -> StaticCheckpoint:
    """Read every file that says how a table is run; the table itself is not touched.

    Raises:
        CheckpointError: a file is missing or damaged.
        WrongKindError: this is no table.
        UnsafeCheckpointError: a module is code of its own.
        UnsupportedCheckpointError: a module has no equivalent here.
    """
    config = JsonFile.read(folder, CONFIG_FILE, optional=True)
    library = JsonFile.read(folder, LIBRARY_FILE, optional=True)
    entries = module_entries(folder) if (folder / MODULES_FILE).is_file() else []
    # Only model2vec writes such a file beside a table; it names itself in most of them.
    by_model2vec = bool(config.values) and config.values.get("model_type") in (None, _MODEL2VEC)
    kinds = [kind for _, kind, _ in entries]
    stated = config.values.get("model_type")
    if kinds[:1] != [STATIC_MODULE] and (kinds or stated != _MODEL2VEC):
        raise WrongKindError(
            str(folder),
            f"is no table of token vectors: neither does {MODULES_FILE} begin with "
            f"{STATIC_MODULE}, nor does {CONFIG_FILE} name {_MODEL2VEC}",
        )
    others = [kind for kind in kinds[1:] if kind not in ("Normalize", "Dropout")]
    if others:
        raise UnsupportedCheckpointError(
            str(folder / MODULES_FILE),
            f"lists {', '.join(others)} after {STATIC_MODULE}; only Normalize is run so far",
        )
    table_folder = folder / entries[0][2] if entries else folder
    normalize = config.boolean("normalize") if by_model2vec else None
    if normalize is None and entries:
        normalize = Setting("Normalize" in kinds, MODULES_FILE)
    query_prompt, document_prompt = read_prompts(library)
    usual = config.values.get("max_length", _MODEL2VEC_LENGTH)
    return StaticCheckpoint(
        folder=folder,
        table_folder=table_folder,
        file=MODULES_FILE if entries else CONFIG_FILE,
        is_model2vec=by_model2vec,
        dim=config.integer("hidden_dim"),
        normalize=normalize,
        similarity=library.text("similarity_fn_name"),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        default_prompt=read_default_prompt(library),
        truncate_dim=library.integer("truncate_dim"),
        max_length=config.integer("max_length") if by_model2vec else None,
        usual_length=_MODEL2VEC_LENGTH if by_model2vec and usual is not None else None,
    )


def compare_table(
    comparer: Comparer, static: StaticCheckpoint, table: Setting[tuple[int, int]] | None
) -> None:
    """Compare what says whether this is the table of the record at all.

    Args:
        comparer: the record.
        static: what the files say.
        table: the numbers of tokens and of dimensions, where the table is at hand.
    """
    record = comparer.record
    comparer.choose("architecture_type", record.architecture_type, Setting("static", static.file))
    if table is not None:
        n_tokens, width = table.value
        returned = static.truncate_dim or Setting(width, table.file)
        comparer.choose("embedding_dim", record.embedding_dim, returned)
        comparer.choose("vocab_size", record.vocab_size, Setting(n_tokens, table.file))
    comparer.choose("embedding_dim", record.embedding_dim, static.dim)


def compare_static(
    comparer: Comparer,
    static: StaticCheckpoint,
    table: Setting[tuple[int, int]] | None,
    *,
    length: Setting[int] | None,
) -> DenseEncoding:
    """Compare a dense record with a table of token vectors, and keep the comparisons.

    Args:
        comparer: the record, of a dense model.
        static: what the files say.
        table: the numbers of tokens and of dimensions, where the table is at hand.
        length: the length in tokens at which the tokenizer's file cuts texts, if it does.

    Raises:
        UnsupportedCheckpointError: vectors are compared by another function than cosine or dot.
    """
    record = cast(AnyDenseModel, comparer.record)
    compare_table(comparer, static, table)
    comparer.choose("pooling", record.pooling, Setting("mean", static.file))
    normalized = comparer.choose("normalize", record.normalize, static.normalize, usual=False)
    similarity = comparer.choose("similarity", record.similarity, static.similarity, "cosine")
    if similarity not in ("cosine", "dot"):
        raise UnsupportedCheckpointError(
            str(static.folder), f"compares vectors by {similarity!r}; supported are cosine and dot"
        )
    pooling = PoolingSpec(modes=("mean",))
    default = static.default_prompt
    return DenseEncoding(
        layers=(pooling, NormalizeSpec()) if normalized else (pooling,),
        native_dim=table.value[1] if table else record.embedding_dim,
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
            static.max_length or length,
            static.usual_length,
        ),
    )
