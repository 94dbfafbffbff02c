"""Converts ids and kinds to Python names.

Every kebab-case id has exactly one constant: ``-`` and ``.`` become ``_``, letters become upper
case, and a name that would start with a digit gets the prefix ``M_``. ``bge-base-en-v1.5`` becomes
``BGE_BASE_EN_V1_5`` and ``2d-matryoshka`` becomes ``M_2D_MATRYOSHKA``. Kinds become members of
``ModelType`` by the same rule. Two ids can become the same constant (``x-v1.5`` and ``x-v1-5``);
the validator refuses that.
"""

from __future__ import annotations

import re

RESERVED_NAMES = frozenset(
    {"CATALOGUE", "CATALOGUE_DIGEST", "CATALOGUE_VERSION", "MODEL_REGISTRY", "SOURCES"}
)
"""Upper-case names that every generated module defines, so no model can have them."""

_KEBAB_CASE = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def is_kebab_case(name: str) -> bool:
    """Return whether `name` is lower-case letters and digits, joined by single ``-`` or ``.``."""
    return _KEBAB_CASE.fullmatch(name) is not None


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
