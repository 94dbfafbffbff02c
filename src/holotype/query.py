"""`select`: one query that combines all criteria."""

from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Unpack, get_args, overload

from holotype.catalogue import language_ranges, nearest
from holotype.models import CATALOGUE, ModelType
from holotype.records import (
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ModelInfo,
    SparseModel,
)

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:
    from typing import TypedDict

SortKey: TypeAlias = Literal[
    "id",
    "name",
    "release_date",
    "parameters",
    "embedding_dim",
    "context_length",
    "beir_avg",
    "ms_marco_mrr10",
]
"""The fields that `select` can sort by."""


class _Criteria(TypedDict, total=False):
    organization: str | None
    """Who made the model."""
    language: str | None
    """A BCP 47 tag; `zh` also finds `zh-Hans`."""
    modality: str | None
    """`text`, `image`, `audio` or `video`."""
    license: str | Collection[str] | None
    """One licence id, or several acceptable ones."""
    min_embedding_dim: int | None
    """The smallest native dimension."""
    max_embedding_dim: int | None
    """The largest native dimension."""
    max_truncated_dim: int | None
    """The largest dimension, using a Matryoshka model's smallest size."""
    matryoshka: bool | None
    """Whether vectors can be truncated."""
    min_context_length: int | None
    """The smallest context length, in tokens."""
    min_parameters: int | None
    """The smallest number of parameters."""
    max_parameters: int | None
    """The largest number of parameters."""
    min_beir_avg: float | None
    """The smallest mean nDCG@10 on BEIR, as a fraction."""
    min_ms_marco_mrr10: float | None
    """The smallest MRR@10 on MS MARCO dev, as a fraction."""
    allow_remote_code: bool | None
    """False excludes models that are known to need code from their repository."""


# Closed for the reason that `holotype.run_options` gives.
if TYPE_CHECKING:

    class Criteria(_Criteria, closed=True):
        """The criteria of `select` besides the kind of model; those that are None are not asked."""

else:

    class Criteria(_Criteria):
        """The criteria of `select` besides the kind of model; those that are None are not asked."""


_Check: TypeAlias = Callable[[ModelInfo, Any], bool]


def _at_least(field: str) -> _Check:
    value_of = attrgetter(field)
    return lambda record, bound: (value := value_of(record)) is not None and value >= bound


def _at_most(field: str) -> _Check:
    value_of = attrgetter(field)
    return lambda record, bound: (value := value_of(record)) is not None and value <= bound


def _has_license(record: ModelInfo, wanted: str | Collection[str]) -> bool:
    names = (wanted,) if isinstance(wanted, str) else wanted
    return record.license is not None and record.license.lower() in {n.lower() for n in names}


_CHECKS: dict[str, _Check] = {
    "type": lambda record, kind: record.type == kind,
    "organization": lambda record, name: record.organization.lower() == name.lower(),
    "language": lambda record, tag: tag.lower() in language_ranges(record),
    "modality": lambda record, modality: modality.lower() in record.modalities,
    "license": _has_license,
    "min_embedding_dim": _at_least("embedding_dim"),
    "max_embedding_dim": _at_most("embedding_dim"),
    "max_truncated_dim": _at_most("smallest_dim"),
    "matryoshka": lambda record, wanted: record.matryoshka is wanted,
    "min_context_length": _at_least("context_length"),
    "min_parameters": _at_least("parameters"),
    "max_parameters": _at_most("parameters"),
    "min_beir_avg": _at_least("beir_avg"),
    "min_ms_marco_mrr10": _at_least("ms_marco_mrr10"),
    "allow_remote_code": lambda record, allowed: allowed or not record.requires_remote_code,
}
"""The check of each criterion; an unknown value satisfies no bound."""

_YES_OR_NO = frozenset({"matryoshka", "allow_remote_code"})
_NUMBERS = frozenset(name for name in _CHECKS if name.startswith(("min_", "max_")))
_KINDS = frozenset(str(kind) for kind in ModelType)
_MODALITIES = ("text", "image", "audio", "video")


# The result's type follows `type`.
@overload
def select(
    *,
    type: Literal[ModelType.DENSE],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[DenseModel[Any], ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.COLBERT],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ColbertModel[Any], ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.SPARSE],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[SparseModel, ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.CROSS_ENCODER],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[CrossEncoderModel, ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.CLASSIFIER],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ClassifierModel, ...]: ...
@overload
def select(
    *,
    type: str | None = None,
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ModelInfo, ...]: ...
def select(
    *,
    type: str | None = None,
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Any,
) -> tuple[ModelInfo, ...]:
    """Return the models that meet every criterion.

    A record whose value is unknown satisfies no bound on that value. Deprecated models are left
    out. Text is compared in any letter case. A language may be named, too: ``"German"``; and where
    no model is made for a region or a script of it, it counts without these: ``"de-DE"`` as ``"de"``.

    Args:
        type: a kind of model; the static type of the result follows the member of `ModelType`.
        sort_by: the field to sort by, with unknown values last in either direction; None keeps
            the order of the catalogue.
        descending: whether the largest comes first.
        among: the records to choose from, such as another catalogue's `MODEL_REGISTRY` or several
            joined; None means holotype's own.
        **criteria: see `Criteria`.

    Raises:
        TypeError: there is no such criterion, or its value is of another type.
        ValueError: there is no such kind, modality or language, a score is no fraction, or
            `sort_by` names no field to sort by.
    """
    asked = {"type": type, **criteria}
    asked = {name: wanted for name, wanted in asked.items() if wanted is not None}
    records = (
        CATALOGUE.listed
        if among is None
        else tuple(record for record in among if not record.deprecated)
    )
    _require_possible(asked)
    _require_types(asked)
    _require_known(asked, records)
    if "language" in asked:
        asked["language"] = _known_language(asked["language"], records)
    candidates = _candidates(asked) if among is None else records
    checks = [(_CHECKS[name], wanted) for name, wanted in asked.items()]
    found = [
        record for record in candidates if all(holds(record, wanted) for holds, wanted in checks)
    ]
    return tuple(found if sort_by is None else _sorted(found, sort_by, descending))


def _require_possible(asked: dict[str, Any]) -> None:
    for name, wanted in asked.items():
        if name not in _CHECKS:
            near = nearest(name, _CHECKS)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_CHECKS)}"
            raise TypeError(f"select() has no criterion {name!r}; {hint}")
        if name in ("min_beir_avg", "min_ms_marco_mrr10") and not 0 <= wanted <= 1:
            raise ValueError(
                f"{name}={wanted!r} is no fraction from 0 to 1; write 0.6 for 60 points"
            )


def _require_types(asked: dict[str, Any]) -> None:
    """Refuse values that would satisfy no model, whatever it is."""
    for name, wanted in asked.items():
        if name in _YES_OR_NO:
            fits, expected = isinstance(wanted, bool), "True or False"
        elif name in _NUMBERS:
            fits = isinstance(wanted, int | float) and not isinstance(wanted, bool)
            expected = "a number"
        elif name == "license":
            fits = isinstance(wanted, Collection) and all(isinstance(each, str) for each in wanted)
            expected = "a licence id, or several of them"
        else:
            fits, expected = isinstance(wanted, str), "text"
        if not fits:
            match wanted:
                case [only]:
                    hint = f"; did you mean {name}={only!r}?"
                case _:
                    hint = ""
            raise TypeError(f"{name}={wanted!r} is not {expected}{hint}")


def _require_known(asked: dict[str, Any], records: Iterable[ModelInfo]) -> None:
    """Refuse a kind or a modality that neither holotype nor the records know."""
    if "type" in asked:
        _require_one_of("type", str(asked["type"]), _KINDS, (str(each.type) for each in records))
    if "modality" in asked:
        further = (modality for each in records for modality in each.modalities)
        _require_one_of("modality", asked["modality"].lower(), _MODALITIES, further)


def _require_one_of(name: str, wanted: str, known: Iterable[str], further: Iterable[str]) -> None:
    if wanted in known or wanted in (every := {*known, *further}):
        return
    near = nearest(wanted, sorted(every))
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"{name}={wanted!r} is unknown; {hint}there are {', '.join(sorted(every))}")


def _known_language(wanted: str, records: Iterable[ModelInfo]) -> str:
    """Return the tag that is meant, without what no record distinguishes: its region or script.

    Raises:
        ValueError: the text is neither a tag nor a name of a language.
    """
    # Few programs name languages.
    from holotype.languages import TAGS_BY_NAME, tag_named

    tag = tag_named(wanted)
    if tag is None:
        near = nearest(wanted, TAGS_BY_NAME)
        hint = f"did you mean {TAGS_BY_NAME[near[0]]!r} ({near[0]})? " if near else ""
        raise ValueError(
            f"language={wanted!r} is no language; {hint}write a BCP 47 tag, such as de or zh-Hans"
        )
    subtags = tag.split("-")
    shorter = ["-".join(subtags[:n]) for n in range(len(subtags), 0, -1)]
    if len(shorter) == 1:
        return tag
    known = {each for record in records for each in language_ranges(record)}
    return next((each for each in shorter if each in known), tag)


def _candidates(asked: dict[str, Any]) -> tuple[ModelInfo, ...]:
    """Return the shortest result that an index gives for one of the criteria."""
    indexed = (
        ("type", CATALOGUE.models_by_type),
        ("organization", CATALOGUE.models_by_organization),
        ("language", CATALOGUE.models_by_language),
    )
    answers = [query(asked[name]) for name, query in indexed if name in asked]
    return min(answers, key=len, default=CATALOGUE.listed)


def _sorted(records: list[ModelInfo], key: SortKey, descending: bool) -> list[ModelInfo]:
    if key not in get_args(SortKey):
        raise ValueError(f"sort_by={key!r}; expected one of {', '.join(get_args(SortKey))}")
    value_of = attrgetter(key)
    known = [record for record in records if value_of(record) is not None]
    unknown = [record for record in records if value_of(record) is None]
    return sorted(known, key=value_of, reverse=descending) + unknown
