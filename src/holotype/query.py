"""`select`: one query that combines all criteria."""

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard, Unpack, get_args, overload

from holotype.catalogue import INDEXED, language_ranges, owners
from holotype.errors import CriterionError, CriterionTypeError
from holotype.models import CATALOGUE, ModelType
from holotype.naming import nearest, one_of
from holotype.records import (
    CaptionerModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ImageTextModel,
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
    """Who made the model, in any letter case."""
    language: str | None
    """A BCP 47 tag or a name such as `German`; `zh` also finds `zh-Hans`."""
    modality: str | None
    """`text`, `image`, `audio` or `video`."""
    license: str | Collection[str] | None
    """One licence id, or several acceptable ones; an expression such as `MIT OR GPL-3.0-only` is met
    by one of those that it lets you choose from, and by all of those that hold together."""
    commercial_use: bool | None
    """Whether the licence allows commercial use; models whose licence is unknown, or has to be read
    for that, meet neither."""
    min_embedding_dim: int | str | None
    """The smallest native dimension."""
    max_embedding_dim: int | str | None
    """The largest native dimension."""
    max_truncated_dim: int | str | None
    """The largest dimension, using a Matryoshka model's smallest size where its sizes are known."""
    matryoshka: bool | None
    """Whether vectors can be truncated; models of which that is unknown meet neither."""
    min_context_length: int | str | None
    """The smallest context length, in tokens: 8192, or `"8k"` for 8000."""
    min_parameters: int | str | None
    """The smallest number of parameters: 100_000_000 or `"100M"`."""
    max_parameters: int | str | None
    """The largest number of parameters: 1_500_000_000 or `"1.5B"`."""
    max_memory: int | str | None
    """The most bytes that the weights take, `"500MB"` or `"2GiB"`: see `ModelInfo.weights_bytes`."""
    min_beir_avg: float | None
    """The smallest mean nDCG@10 on BEIR, as a fraction."""
    min_ms_marco_mrr10: float | None
    """The smallest MRR@10 on MS MARCO dev, as a fraction."""
    allow_remote_code: bool | None
    """False asks for models that are known to need no code from their repository."""
    gated: bool | None
    """Whether the Hub asks for acceptance before a download; models of which that is unknown meet
    neither."""


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


def _speaks(record: ModelInfo, tag: str) -> bool:
    return any(f"{each}-".lower().startswith(f"{tag}-") for each in record.languages)


def _is_licensed(record: ModelInfo, ids: frozenset[str]) -> bool:
    licence = (record.license or "").lower()
    if " " not in licence or licence in ids:
        return licence in ids
    # Few records have an expression.
    from holotype.licences import permits

    return permits(licence, ids.__contains__) is True


_CHECKS: dict[str, _Check] = {
    "type": lambda record, kind: record.type == kind,
    "organization": lambda record, name: record.organization.lower() == name,
    "language": _speaks,
    "modality": lambda record, modality: modality in record.modalities,
    "license": _is_licensed,
    "commercial_use": lambda record, wanted: record.commercial_use is wanted,
    "min_embedding_dim": _at_least("embedding_dim"),
    "max_embedding_dim": _at_most("embedding_dim"),
    "max_truncated_dim": _at_most("smallest_dim"),
    "matryoshka": lambda record, wanted: record.matryoshka is wanted,
    "min_context_length": _at_least("context_length"),
    "min_parameters": _at_least("parameters"),
    "max_parameters": _at_most("parameters"),
    "max_memory": _at_most("weights_bytes"),
    "min_beir_avg": _at_least("beir_avg"),
    "min_ms_marco_mrr10": _at_least("ms_marco_mrr10"),
    "allow_remote_code": lambda record, allowed: allowed or record.requires_remote_code is False,
    "gated": lambda record, wanted: record.gated is wanted,
}
"""The check of each criterion; an unknown value satisfies none."""

_YES_OR_NO = frozenset({"commercial_use", "matryoshka", "allow_remote_code", "gated"})
_SCORES = frozenset({"min_beir_avg", "min_ms_marco_mrr10"})
_PAIRS = (("min_embedding_dim", "max_embedding_dim"), ("min_parameters", "max_parameters"))


# The result's type follows `type`.
@overload
def select(
    *,
    type: Literal[ModelType.DENSE, "dense", "DENSE"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[DenseModel[Any], ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.COLBERT, "colbert", "COLBERT"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ColbertModel[Any], ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.SPARSE, "sparse", "SPARSE"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[SparseModel, ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.CROSS_ENCODER, "cross-encoder", "CROSS_ENCODER"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[CrossEncoderModel, ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.CLASSIFIER, "classifier", "CLASSIFIER"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ClassifierModel, ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.IMAGE_TEXT, "image-text", "IMAGE_TEXT"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ImageTextModel[Any], ...]: ...
@overload
def select(
    *,
    type: Literal[ModelType.CAPTIONER, "captioner", "CAPTIONER"],
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[CaptionerModel, ...]: ...
@overload
def select(
    *,
    type: ModelType | None = None,
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo] | None = None,
    **criteria: Unpack[Criteria],
) -> tuple[ModelInfo, ...]: ...
# Catalogues have kinds of their own, which no type here can know.
@overload
def select(
    *,
    type: str | None,
    sort_by: SortKey | None = None,
    descending: bool = False,
    among: Iterable[ModelInfo],
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

    A record whose value is unknown does not satisfy a criterion on that value. Deprecated models are left
    out. Words are understood in any letter case and with spaces or underscores for hyphens, a
    language also by its name: ``"German"``. Where no model is made for a region or a script of a
    language, it counts without these: ``"de-DE"`` as ``"de"``. Numbers may be texts: ``"500M"``.

    Args:
        type: a kind of model; the static type of the result follows the member of `ModelType` or
            its value. Type checkers take another text only together with `among`.
        sort_by: the field to sort by, with unknown values last in either direction; None keeps
            the order of the catalogue.
        descending: whether the largest comes first.
        among: the records to choose from, such as another catalogue's `MODEL_REGISTRY` or several
            joined; None means holotype's own.
        **criteria: see `Criteria`.

    Raises:
        TypeError: there is no such criterion.
        CriterionError: no model can have the value of a criterion: there is no such kind, modality,
            language, licence or organization, a score is no fraction, bounds exclude each other,
            or `sort_by` names no field to sort by. It is a `ValueError`.
        CriterionTypeError: a value is of another type. It is a `TypeError`, too.
    """
    records = CATALOGUE.listed if among is None else _listed(among)
    asked = {
        name: wanted.lower()
        if among is None and _is_indexed(name, wanted)
        else _meant(name, wanted, records)
        for name, wanted in {"type": type, **criteria}.items()
        if wanted is not None
    }
    _require_possible(asked)
    if sort_by is not None:
        _require_sort_key(sort_by)
    if not isinstance(descending, bool):
        raise CriterionTypeError("descending", descending, "is not True or False")
    if descending and sort_by is None:
        raise CriterionError("descending", True, "needs sort_by; write sort_by='parameters'")
    candidates = _candidates(asked) if among is None else records
    checks = [(_CHECKS[name], wanted) for name, wanted in asked.items()]
    found = [
        record for record in candidates if all(holds(record, wanted) for holds, wanted in checks)
    ]
    return tuple(found if sort_by is None else _sorted(found, sort_by, descending))


def _listed(among: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
    expected = "is not records; write among=MODEL_REGISTRY, of any catalogue"
    if isinstance(among, str) or not isinstance(among, Iterable):
        raise CriterionTypeError("among", among, expected)
    records = tuple(among)
    for record in records:
        if not isinstance(record, ModelInfo):
            raise CriterionTypeError("among", record, f"among the records {expected}")
    return tuple(record for record in records if not record.deprecated)


def _is_indexed(name: str, wanted: object) -> TypeGuard[str]:
    """Return whether holotype's own catalogue has models with just this value."""
    return (
        name in INDEXED and isinstance(wanted, str) and bool(CATALOGUE.having(name, wanted.lower()))
    )


def _meant(name: str, wanted: object, records: Sequence[ModelInfo]) -> Any:
    """Return the value of a criterion as `_CHECKS` compares it.

    Raises:
        TypeError: there is no such criterion.
        CriterionError: see `select`.
    """
    # Programs that only look models up by name do not pay for these.
    from holotype import criteria as words
    from holotype.languages import meant_language

    if name not in _CHECKS:
        near = nearest(name, _CHECKS)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_CHECKS)}"
        raise TypeError(f"select() has no criterion {name!r}; {hint}")
    if name in _YES_OR_NO:
        return words.flag_of(name, wanted)
    if name in _SCORES:
        return words.score_of(name, wanted)
    match name:
        case "type":
            return words.meant_kind(wanted, (str(each.type) for each in records))
        case "organization":
            return words.meant_organization(wanted, owners((*CATALOGUE.records, *records)))
        case "language":
            ranges = (each for record in records for each in language_ranges(record))
            return meant_language(words.text_of(name, wanted), ranges)
        case "modality":
            return words.meant_modality(wanted, (m for each in records for m in each.modalities))
        case "license":
            both = (*CATALOGUE.records, *records)
            return words.meant_licenses(wanted, {each.license for each in both if each.license})
        case _:
            return words.number_of(name, wanted)


def _require_possible(asked: dict[str, Any]) -> None:
    """Refuse a lower bound above the upper one."""
    for low, high in _PAIRS:
        if low in asked and high in asked and asked[low] > asked[high]:
            raise CriterionError(
                low, asked[low], f"is above {high}={asked[high]!r}, so no model can have both"
            )


def _candidates(asked: dict[str, Any]) -> tuple[ModelInfo, ...]:
    """Return the shortest result that an index gives for one of the criteria."""
    answers = [CATALOGUE.having(name, asked[name]) for name in INDEXED if name in asked]
    return min(answers, key=len, default=CATALOGUE.listed)


def _require_sort_key(key: str) -> None:
    keys = get_args(SortKey)
    if key not in keys:
        raise CriterionError("sort_by", key, f"is no field to sort by; {one_of(str(key), keys)}")


def _sorted(records: list[ModelInfo], key: SortKey, descending: bool) -> list[ModelInfo]:
    value_of = attrgetter(key)
    known = [record for record in records if value_of(record) is not None]
    unknown = [record for record in records if value_of(record) is None]
    return sorted(known, key=value_of, reverse=descending) + unknown
