"""Converts ids and kinds to Python names.

Every kebab-case id has exactly one constant: ``-`` and ``.`` become ``_``, letters become upper
case, and a name that would start with a digit gets the prefix ``M_``. ``bge-base-en-v1.5`` becomes
``BGE_BASE_EN_V1_5`` and ``2d-matryoshka`` becomes ``M_2D_MATRYOSHKA``. Kinds become members of
``ModelType`` by the same rule. Two ids can become the same constant (``x-v1.5`` and ``x-v1-5``);
the validator refuses that.
"""

from __future__ import annotations

import re

MODULE_CONSTANTS = frozenset(
    {"CATALOGUE", "CATALOGUE_DIGEST", "CATALOGUE_VERSION", "MODEL_REGISTRY", "SOURCES"}
)
"""The constants that every generated module exports besides those of its models."""

RESERVED_NAMES = MODULE_CONSTANTS | {"TYPE_CHECKING"}
"""Upper-case names that every generated module uses; no model may have them."""

_KEBAB_CASE = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def is_kebab_case(name: str) -> bool:
    """Return whether `name` is lower-case letters and digits, joined by single ``-`` or ``.``."""
    return _KEBAB_CASE.fullmatch(name) is not None


def kebab_case(name: str) -> str:
    """Return the kebab-case form of a name; empty if it has no allowed character."""
    between = re.compile("[^a-z0-9]+")
    return between.sub(lambda run: "." if run[0] == "." else "-", name.lower()).strip("-.")


def constant_name(model_id: str) -> str:
    """Return the constant of a model, SCREAMING_SNAKE_CASE, from its kebab-case id."""
    name = model_id.upper().replace("-", "_").replace(".", "_")
    return f"M_{name}" if name[:1].isdigit() else name


def enum_member_name(kind: str) -> str:
    """Return the member of ``ModelType`` for a kind: ``cross-encoder`` → ``CROSS_ENCODER``."""
    return constant_name(kind)


def class_stem(kind: str) -> str:
    """Return the kind in CamelCase, as in the id types: ``cross-encoder`` → ``CrossEncoder``."""
    stem = "".join(part.capitalize() for part in re.split(r"[-.]", kind))
    return f"M{stem}" if stem[:1].isdigit() else stem


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `v2` before `v10`, however long the numbers are."""
    texts = re.split("[0-9]+", name)
    numbers = [digits.lstrip("0") for digits in re.findall("[0-9]+", name)]
    key = [(-1, texts[0])]
    for number, text in zip(numbers, texts[1:], strict=True):
        key += [(len(number), number), (-1, text)]
    return key
