"""The steps of a model after its transformer, as a checkpoint lists them in `modules.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.errors import CheckpointError, UnsafeCheckpointError, UnsupportedCheckpointError

MASK_MODULE = "MultiVectorMask"
MERGING_MODULE = "HierarchicalTokenPooling"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSpec:
    """The vectors of some tokens are dropped; the sides are ``query`` and ``document``."""

    skiplist: tuple[str, ...]
    sides: tuple[str, ...]
    kept_ids: tuple[int, ...] | None
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPoolingSpec:
    """Tokens that say nearly the same become one; see `holotype.encoders.vectors.token_pooling`.

    Attributes:
        factor: how many times fewer vectors are left.
        n_protected: how many tokens at the beginning stay as they are.
        normalize: whether what is left has length 1 again.
        sides: of ``query`` and ``document``, those that it is done to.
    """

    factor: float
    n_protected: int
    normalize: bool
    sides: tuple[str, ...]


def read_mask(config: JsonFile) -> MaskSpec:
    """Read the settings of a mask.

    Raises:
        CheckpointError: a value is none that it can have.
    """
    skiplist, sides = config.texts("skiplist_words"), config.texts("skiplist_tasks")
    kept = config.values.get("keep_only_token_ids")
    if kept is not None and not (
        isinstance(kept, list) and all(isinstance(item, int) for item in kept)
    ):
        raise config.wrong("keep_only_token_ids", kept, "a list of token ids")
    return MaskSpec(
        skiplist=skiplist.value if skiplist else (),
        sides=sides.value if sides else ("document",),
        kept_ids=tuple(kept) if kept else None,
        file=config.name,
    )


def read_token_pooling(config: JsonFile) -> TokenPoolingSpec:
    """Read the settings of a module that merges tokens.

    Raises:
        CheckpointError: a value is none that it can have.
    """
    factor = config.values.get("pool_factor", 1)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or factor < 1:
        raise config.wrong("pool_factor", factor, "a number, at least 1")
    protected, normalize = (
        config.integer("num_protected_tokens"),
        config.boolean("normalize_embeddings"),
    )
    if protected is not None and protected.value < 0:
        raise config.wrong("num_protected_tokens", protected.value, "at least 0")
    sides = config.texts("tasks")
    return TokenPoolingSpec(
        factor=float(factor),
        n_protected=protected.value if protected else 1,
        # The files of older versions do not say it, and mean that nothing is normalised.
        normalize=normalize.value if normalize else False,
        sides=sides.value if sides else ("document",),
    )


MODULES_FILE = "modules.json"
_MOST_MODULES = 100
ROUTERS = ("Router", "Asym")
"""The modules that choose among lists of modules, by their classes."""

_POOLING_NAMES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean-sqrt-len",
    "weightedmean": "weighted-mean",
    "lasttoken": "last-token",
}
# The flags of older files, in the order in which several of them are concatenated.
_POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean-sqrt-len",
    "pooling_mode_weightedmean_tokens": "weighted-mean",
    "pooling_mode_lasttoken": "last-token",
}
# What each library takes where the file of a linear layer names no activation.
_DEFAULT_ACTIVATIONS = {
    "sentence_transformers": "torch.nn.modules.activation.Tanh",
    "pylate": "torch.nn.modules.linear.Identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolingSpec:
    """Token vectors become one vector; several modes are concatenated."""

    modes: tuple[str, ...]
    with_prompt: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSpec:
    """A linear layer with an activation, whose weights lie in a folder of their own."""

    folder: Checkpoint
    in_dim: int
    out_dim: int
    bias: bool
    activation: str
    residual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizeSpec:
    """Vectors are scaled to length 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNormSpec:
    """Vectors are centred and scaled by learnt weights, which lie in a folder of their own."""

    folder: Checkpoint
    dim: int


LayerSpec: TypeAlias = PoolingSpec | LinearSpec | LayerNormSpec | NormalizeSpec
ModuleSpec: TypeAlias = LayerSpec | MaskSpec | TokenPoolingSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleList:
    """What `modules.json` lists: the transformer's folder, then the steps in order.

    `files` names the file that describes each step, relative to the checkpoint.
    """

    transformer_folder: str
    steps: tuple[ModuleSpec, ...]
    files: tuple[str, ...]


def stanford_linear(folder: Checkpoint, shape: Sequence[int], *, bias: bool) -> LinearSpec:
    """Return the projection of a Stanford ColBERT, which lies among the transformer's weights.

    Args:
        folder: the transformer's.
        shape: that of its weight, ``[out_dim, in_dim]``.
        bias: whether it has one.
    """
    out_dim, in_dim = shape
    return LinearSpec(
        folder=folder,
        in_dim=in_dim,
        out_dim=out_dim,
        bias=bias,
        activation="torch.nn.Identity",
        residual=False,
    )


def read_modules(
    checkpoint: Checkpoint, *, token_level: bool, with_scores: bool = False
) -> ModuleList | None:
    """Read `modules.json` and the settings of every module; None where there is no such file.

    Args:
        checkpoint: the checkpoint.
        token_level: whether a linear layer that does not say so works on token vectors, as in
            late-interaction models, and not on pooled ones.
        with_scores: whether the last linear layer may turn vectors into scores.

    Raises:
        CheckpointError: a file is missing or damaged.
        UnsafeCheckpointError: a module is code of its own.
        UnsupportedCheckpointError: a module has no equivalent here.
    """
    if not checkpoint.has(MODULES_FILE):
        return None
    entries = module_entries(checkpoint)
    return describe_modules(checkpoint, entries, token_level=token_level, with_scores=with_scores)


def describe_modules(
    checkpoint: Checkpoint,
    entries: Sequence[tuple[str, str, str]],
    *,
    token_level: bool,
    with_scores: bool = False,
) -> ModuleList:
    """Read the settings of modules, given by package, class and path; see `read_modules`."""
    (package, kind, transformer_path), *rest = entries
    if any(kind in ROUTERS for _, kind, _ in entries):
        raise UnsupportedCheckpointError(
            checkpoint.where(MODULES_FILE),
            "has modules of their own for queries and for documents, which only dense and sparse "
            "models on torch may have so far",
        )
    if kind != "Transformer":
        raise UnsupportedCheckpointError(
            checkpoint.where(MODULES_FILE),
            f"begins with {kind!r}, which is not run; supported are Transformer, and "
            "StaticEmbedding in dense models",
        )
    steps: list[ModuleSpec] = []
    files: list[str] = []
    for package, kind, path in rest:
        pooled = any(isinstance(step, PoolingSpec) for step in steps)
        level = "token_embeddings" if token_level or not pooled else "sentence_embedding"
        usual = "token_embeddings" if token_level else "sentence_embedding"
        ends = ("scores",) if with_scores and (package, kind, path) == rest[-1] else ()
        step = _step(checkpoint, path, kind, package, level=level, usual_level=usual, ends=ends)
        if step is not None:
            steps.append(step)
            has_config = checkpoint.part(path).has("config.json")
            files.append(f"{path}/config.json" if has_config else MODULES_FILE)
    return ModuleList(transformer_folder=transformer_path, steps=tuple(steps), files=tuple(files))


def module_entries(checkpoint: Checkpoint) -> list[tuple[str, str, str]]:
    """Return the package, the class and the path of every module that `modules.json` lists.

    Raises:
        CheckpointError: the file is missing or damaged.
        UnsafeCheckpointError: a module is code of its own, or lies outside of the checkpoint.
    """
    return checkpoint.once("modules", lambda: _module_entries(checkpoint))


def _module_entries(checkpoint: Checkpoint) -> list[tuple[str, str, str]]:
    entries = checkpoint.value(MODULES_FILE)
    where = checkpoint.where(MODULES_FILE)
    if not isinstance(entries, list) or not entries:
        raise CheckpointError(where, "expected a list of modules")
    if len(entries) > _MOST_MODULES:
        raise CheckpointError(
            where, f"lists {len(entries):,} modules; expected at most {_MOST_MODULES}"
        )
    found = []
    for entry in entries:
        reference = entry.get("type") if isinstance(entry, dict) else None
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(reference, str) or not isinstance(path, str):
            raise CheckpointError(where, f"holds {entry!r}; expected an object with type and path")
        path = checkpoint.within(path, MODULES_FILE)
        package, kind = reference.partition(".")[0], reference.rpartition(".")[2]
        if package not in ("sentence_transformers", "pylate"):
            raise UnsafeCheckpointError(
                where,
                f"needs the module {reference!r}, which is code of the checkpoint itself; such "
                "modules are not run. Use a checkpoint made of standard modules",
            )
        found.append((package, kind, path))
    return found


def _step(
    checkpoint: Checkpoint,
    path: str,
    kind: str,
    package: str,
    *,
    level: str,
    usual_level: str,
    ends: tuple[str, ...],
) -> ModuleSpec | None:
    if kind == "Dropout":
        return None
    if kind == "Pooling" and level == "token_embeddings":
        return _pooling(checkpoint, path)
    where = f"{checkpoint.where(MODULES_FILE)} ({path})"
    normed = ("LayerNorm",) if level == "sentence_embedding" else ()
    merged = (MERGING_MODULE,) if usual_level == "token_embeddings" else ()
    if kind not in ("Dense", "Normalize", MASK_MODULE, *normed, *merged):
        raise UnsupportedCheckpointError(
            where,
            f"the module {kind!r} has no equivalent here yet; supported are Pooling, Dense, "
            f"Normalize, LayerNorm after Pooling, Dropout, {MASK_MODULE} and, in late interaction, "
            f"{MERGING_MODULE}. Run such a model with sentence-transformers, or train one without it",
        )
    folder = checkpoint.part(path)
    config = folder.json("config.json", optional=kind == "Normalize")
    if kind == MASK_MODULE:
        return read_mask(config)
    if kind == MERGING_MODULE:
        return read_token_pooling(config)
    if kind == "LayerNorm":
        return _layer_norm(folder, config)
    source, target = config.text("module_input_name"), config.text("module_output_name")
    source_level = source.value if source else usual_level
    target_level = target.value if target else source_level
    if source_level != level or target_level not in (level, *ends):
        raise UnsupportedCheckpointError(
            where,
            f"{kind} turns {source_level!r} into {target_level!r}, where {level!r} is due; this "
            "order of modules has no equivalent here yet",
        )
    if kind == "Normalize":
        return NormalizeSpec()
    return _linear(folder, config, default_activation=_DEFAULT_ACTIVATIONS[package])


def _pooling(checkpoint: Checkpoint, path: str) -> PoolingSpec:
    config = checkpoint.part(path).json("config.json")
    mode = config.values.get("pooling_mode")
    names = [mode] if isinstance(mode, str) else mode
    if names is None:
        flags = [name for key, name in _POOLING_FLAGS.items() if config.boolean(key)]
        modes = tuple(
            name for key, name in _POOLING_FLAGS.items() if config.values.get(key) is True
        )
        if not flags:
            raise config.wrong("pooling_mode", mode, "the way in which tokens are pooled")
    elif isinstance(names, list) and names and all(name in _POOLING_NAMES for name in names):
        modes = tuple(_POOLING_NAMES[name] for name in names)
    else:
        raise config.wrong("pooling_mode", mode, f"one or several of {', '.join(_POOLING_NAMES)}")
    stated = config.boolean("include_prompt")
    with_prompt = stated.value if stated else True
    if not with_prompt and "weighted-mean" in modes:
        raise UnsupportedCheckpointError(
            config.location, "weighs tokens without those of the prompt"
        )
    # Files that turn every mode off mean the library's default.
    return PoolingSpec(modes=modes or ("mean",), with_prompt=with_prompt)


def _linear(folder: Checkpoint, config: JsonFile, *, default_activation: str) -> LinearSpec:
    in_dim, out_dim = config.integer("in_features"), config.integer("out_features")
    if in_dim is None or out_dim is None:
        raise config.wrong("in_features", config.values.get("in_features"), "the layer's sizes")
    activation = config.text("activation_function")
    bias, residual = config.boolean("bias"), config.boolean("use_residual")
    return LinearSpec(
        folder=folder,
        in_dim=in_dim.value,
        out_dim=out_dim.value,
        bias=bias.value if bias else True,
        activation=activation.value if activation else default_activation,
        residual=residual.value if residual else False,
    )


def _layer_norm(folder: Checkpoint, config: JsonFile) -> LayerNormSpec:
    dim = config.integer("dimension")
    if dim is None:
        raise config.wrong("dimension", None, "the width of the vectors")
    return LayerNormSpec(folder=folder, dim=dim.value)
