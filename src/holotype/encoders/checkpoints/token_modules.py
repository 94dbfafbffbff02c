"""The modules of late interaction that leave tokens out, or merge them."""

from __future__ import annotations

from dataclasses import dataclass

from holotype.encoders.checkpoints.json_file import JsonFile

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
    """Tokens that say nearly the same become one; see `holotype.encoders.token_pooling`.

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
