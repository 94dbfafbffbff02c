"""The format of a deployment: every key, what it holds and what it means.

The reader and the published JSON Schema both come from here.
"""

from __future__ import annotations

import re
from typing import get_args

from holotype.deployment import document
from holotype.deployment.containers import ByKind, Field, ListOf, MapOf, Record, Tagged
from holotype.deployment.shapes import Choice, Flag, Number, ScalarValue, Text
from holotype.deployment.units import (
    DURATION,
    SHARE,
    SIZE,
    parse_duration,
    parse_share,
    parse_size,
)
from holotype.encoders.config import DTYPES
from holotype.errors import InvalidReferenceError
from holotype.references.ref import ModelRef, is_alias
from holotype.run_options import Backend

VERSION = "1.0"
"""The version of the format."""

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
"""The pattern of names of models and variants."""

_DEVICE = r"auto|cpu|mps|(?:cuda|xpu)(?::[0-9]{1,3})?"
_FACTORY = r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*|[A-Za-z0-9][\w.-]*"
_COMMIT = r"[0-9a-fA-F]{40}"
_KIND = r"[a-z][a-z0-9_]{0,49}"
_VERSION = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._+-]*"


def _name(text: str) -> str:
    if not is_alias(text):
        raise ValueError(_name_action(text) or "")
    return text


def _name_action(text: str) -> str | None:
    if is_alias(text):
        return None
    return "write up to 64 letters, digits, dots, dashes and underscores, the latter three inside"


def _device(text: str) -> str | None:
    if not re.fullmatch(_DEVICE, text):
        raise ValueError("write auto, cpu, mps, cuda or cuda:0")
    return None if text == "auto" else text


def _device_key(text: str) -> str | None:
    known = text != "auto" and re.fullmatch(_DEVICE, text)
    return None if known else "write cpu, mps, cuda or, in quotes, cuda:0"


def _factory(text: str) -> str:
    if not re.fullmatch(_FACTORY, text):
        raise ValueError("write module:Class, or the name of an entry point")
    return text


def _reference(text: str) -> ModelRef | document.RegistrySource:
    if text.startswith("registry:"):
        return _registry(text)
    try:
        return ModelRef.parse(text)
    except InvalidReferenceError as error:
        meant = " or ".join(error.suggestions)
        forms = "local:PATH, hf:ORG/MODEL@COMMIT, s3://BUCKET/PREFIX, catalogue:ID or registry:KIND"
        action = f"did you mean {meant}?" if meant else f"write one of {forms}"
        raise ValueError(f"{error.problem}: {action}") from None


def _registry(text: str) -> document.RegistrySource:
    kind, at, version = text.removeprefix("registry:").partition("@")
    return document.RegistrySource(kind=_kind(kind), version=_version(version) if at else None)


def _kind(text: str) -> str:
    if not re.fullmatch(_KIND, text):
        raise ValueError(f"{text!r} is no kind: write small letters, digits and underscores")
    return text


def _version(text: str) -> str:
    if not re.fullmatch(_VERSION, text):
        raise ValueError(f"{text!r} is no version: write one such as bge-m3/v1.0.0")
    return text


def _limit(text: str) -> tuple[int | None, float | None]:
    if re.fullmatch(r"[0-9.]+", text):
        raise ValueError(f"write {text}% or {text}GiB")
    return (None, parse_share(text)) if "%" in text else (parse_size(text), None)


def _duration_or_never(text: str) -> float | None:
    return None if text == "never" else parse_duration(text)


_NAME_TEXT = Text(what="a name", parse=_name, pattern=NAME)
_PLAIN_TEXT = Text()
_SIZE = Text(what="a size such as 0.9GiB", parse=parse_size, pattern=SIZE, example="0.9GiB")
_LIMIT = Text(
    what="a share or a size, such as 80% or 6GiB",
    parse=_limit,
    pattern=f"(?:{SHARE}|{SIZE})",
    example="80%",
)
_DURATION = Text(
    what="a time such as 60s or 30m", parse=parse_duration, pattern=DURATION, example="60s"
)
_DURATION_OR_NEVER = Text(
    what="a time such as 30m, or never",
    parse=_duration_or_never,
    pattern=f"(?:{DURATION}|never)",
    example="30m",
)
_SHARE_OF_ONE = Number(least=0, most=1)
_COUNT = Number(least=1, whole=True)

POOL = Record(
    what="the pool",
    fields={
        "memory": Field(
            shape=ByKind(
                what="a share or a size, such as 80% or 6GiB, or a mapping of devices to them",
                scalar=_LIMIT,
                mapping=MapOf(_LIMIT, "limits by device", key_noun="a device", key=_device_key),
            ),
            doc="How much memory models may take: of every device, or of each. 80% by default.",
        ),
        "eviction": Field(
            shape=Choice.of(*get_args(document.Eviction)),
            doc="Whom to unload for another model: the fewest, i.e. the largest first, or the least "
            "recently used.",
        ),
        "idle_after": Field(
            shape=_DURATION_OR_NEVER,
            doc="When to unload a model that nobody calls. Default: never.",
        ),
        "min_resident": Field(
            shape=_DURATION,
            doc="How long a model that has just been loaded stays. Default: 60s.",
        ),
        "swap": Field(
            shape=Choice.of(*get_args(document.Swap)),
            doc="Load the new model beside the old one, or unload the old one first.",
        ),
        "apply": Field(
            shape=Choice.of(*get_args(document.Apply)),
            doc="Switch each changed model on its own, or all once all have been loaded.",
        ),
    },
)

INFERENCE = Record(
    what="inference",
    fields={
        "device": Field(
            shape=Text(what="a device", parse=_device, pattern=f"(?:{_DEVICE})"),
            doc="The device; auto, the default, takes the first available.",
        ),
        "dtype": Field(
            shape=Choice.of(*dict.fromkeys(each for known in DTYPES.values() for each in known)),
            doc="The type of the weights and of the arithmetic.",
        ),
        "backend": Field(
            shape=Choice.of(*get_args(Backend)), doc="The library that runs the model."
        ),
        "threshold": Field(shape=_SHARE_OF_ONE, doc="The lowest score of a label that applies."),
        "max_length": Field(shape=_COUNT, doc="The longest text, in tokens."),
        "batch_tokens": Field(shape=_COUNT, doc="The most tokens in a batch."),
        "trust_remote_code": Field(
            shape=Flag(), doc="Whether Python files of the checkpoint may run."
        ),
    },
)

ARCHITECTURE = Record(
    what="architecture",
    fields={
        "type": Field(
            shape=Choice.of(*get_args(document.ArchitectureType)),
            doc="The kind of model; the checkpoint decides without it, and must agree with it.",
        ),
        "num_labels": Field(shape=_COUNT, doc="How many labels a classifier has."),
        "labels": Field(
            shape=ListOf(_PLAIN_TEXT, "labels"),
            doc="The labels of a classifier, in the order of its scores.",
        ),
    },
)

_BUCKET_SOURCE = Record(
    what="this source",
    fields={
        "bucket": Field(shape=_PLAIN_TEXT, doc="The bucket.", required=True),
        "prefix": Field(shape=_PLAIN_TEXT, doc="The prefix of the artifact.", required=True),
    },
)
SOURCE = ByKind(
    what="a reference such as hf:org/model@COMMIT, or a mapping with a type",
    scalar=Text(what="a reference", parse=_reference),
    mapping=Tagged(
        what="a mapping with a type",
        kinds={
            "local": Record(
                what="this source",
                fields={
                    "path": Field(
                        shape=_PLAIN_TEXT,
                        doc="The folder, relative to that of this file.",
                        required=True,
                    )
                },
            ),
            "huggingface": Record(
                what="this source",
                fields={
                    "repo": Field(
                        shape=_PLAIN_TEXT, doc="The repository, ORG/MODEL.", required=True
                    ),
                    "revision": Field(
                        shape=_PLAIN_TEXT,
                        doc="The commit, 40 hexadecimal digits; a tag or a branch needs "
                        "allow_moving.",
                    ),
                },
            ),
            "s3": _BUCKET_SOURCE,
            "gs": _BUCKET_SOURCE,
            "catalogue": Record(
                what="this source",
                fields={
                    "id": Field(
                        shape=_PLAIN_TEXT, doc="The id of an entry of the catalogue.", required=True
                    )
                },
            ),
            "artifact": Record(
                what="this source",
                fields={
                    "store": Field(
                        shape=_PLAIN_TEXT, doc="The folder with the artifacts.", required=True
                    ),
                    "alias": Field(
                        shape=_PLAIN_TEXT, doc="The alias; needs allow_moving.", required=True
                    ),
                },
            ),
            "registry": Record(
                what="this source",
                fields={
                    "kind": Field(
                        shape=Text(
                            what="a kind such as text_embedding", parse=_kind, pattern=_KIND
                        ),
                        doc="The kind; its active version is served, also after a switch.",
                        required=True,
                    ),
                    "version": Field(
                        shape=Text(
                            what="a version such as bge-m3/v1.0.0", parse=_version, pattern=_VERSION
                        ),
                        doc="A version to stay at, whatever is active.",
                    ),
                },
            ),
            "builtin": Record(
                what="this source",
                fields={
                    "name": Field(
                        shape=_NAME_TEXT, doc="The built-in classifier, such as pii.", required=True
                    )
                },
            ),
            "sagemaker": Record(
                what="this source",
                fields={
                    "endpoint": Field(
                        shape=_NAME_TEXT, doc="The name of the endpoint.", required=True
                    ),
                    "region": Field(shape=_NAME_TEXT, doc="The region, such as eu-central-1."),
                },
            ),
            "custom": Record(
                what="this source",
                fields={
                    "factory": Field(
                        shape=Text(
                            what="module:Class or the name of an entry point",
                            parse=_factory,
                            pattern=f"(?:{_FACTORY})",
                        ),
                        doc="The class, module:Class, or the name of an entry point.",
                        required=True,
                    ),
                    "options": Field(
                        shape=MapOf(ScalarValue(), "arguments"),
                        doc="Arguments of the class by name.",
                    ),
                },
            ),
        },
    ),
)

VARIANT = Record(
    what="a variant",
    fields={
        "name": Field(shape=_NAME_TEXT, doc="The name of the variant.", required=True),
        "weight": Field(
            shape=_SHARE_OF_ONE,
            doc="The share of the calls that it answers; all weights sum to 1.",
            required=True,
        ),
        "source": Field(shape=SOURCE, doc="Where the model comes from.", required=True),
        "inference": Field(
            shape=INFERENCE, doc="How this variant is run, where it differs from the others."
        ),
    },
)

ENSEMBLE = Record(
    what="an ensemble",
    fields={
        "of": Field(
            shape=ByKind(
                what="a mapping of models to weights, or a list of models",
                items=ListOf(_NAME_TEXT, "models"),
                mapping=MapOf(_SHARE_OF_ONE, "models", key=_name_action, pattern=NAME),
            ),
            doc="The models; of a list, all count alike.",
            required=True,
        ),
        "combine": Field(
            shape=Choice.of(*get_args(document.Combine)),
            doc="How to combine: mean, max or vote of classifiers; mean or concat of dense models.",
        ),
        "on_failure": Field(
            shape=Choice.of(*get_args(document.OnFailure)),
            doc="Whether a call fails with a member, or goes on without it.",
        ),
    },
)

_ONE_OF_THREE: dict[str, Field] = {
    "source": Field(shape=SOURCE, doc="Where the model comes from."),
    "variants": Field(
        shape=ListOf(VARIANT, "variants"), doc="Several models that share the calls by weight."
    ),
    "ensemble": Field(shape=ENSEMBLE, doc="A combination of other models of the deployment."),
}
_OF_LOADED: dict[str, Field] = {
    "architecture": Field(shape=ARCHITECTURE, doc="What the model must be."),
    "inference": Field(shape=INFERENCE, doc="How the model is run."),
    "dim": Field(shape=_COUNT, doc="The size of the vectors, one that the model supports."),
    "memory": Field(
        shape=_SIZE, doc="How much memory a loaded copy takes; measured if it is left out."
    ),
    "preload": Field(shape=Flag(), doc="Whether to load it at the start."),
    "pinned": Field(shape=Flag(), doc="Whether it is never unloaded for others, nor when idle."),
    "copies": Field(shape=_COUNT, doc="How many copies to load."),
    "sticky": Field(
        shape=Choice.of(*get_args(document.Sticky)),
        doc="What keeps a caller on one variant: the key of the call, its user, or nothing.",
    ),
    "allow_moving": Field(
        shape=Flag(), doc="Whether sources may be repositories without a commit, or aliases."
    ),
}
ONLY_OF_LOADED = tuple(_OF_LOADED)
"""The keys that say nothing of an ensemble."""

MODEL = Record(
    what="a model",
    fields={
        **_ONE_OF_THREE,
        **_OF_LOADED,
        "fallback": Field(
            shape=ListOf(_NAME_TEXT, "models"),
            doc="The models that answer instead, in this order, if this one cannot.",
        ),
        "timeout_s": Field(
            shape=Number(least=0, above=True), doc="How many seconds a call may take."
        ),
        "allow_different_vectors": Field(
            shape=Flag(),
            doc="Whether variants, fallbacks and later versions may make vectors that an index of "
            "this model cannot be searched with.",
        ),
    },
    elsewhere={
        name: f"move it into {place}"
        for place, record in (("inference", INFERENCE), ("architecture", ARCHITECTURE))
        for name in record.fields
        if name != "type"
    },
    short="source",
)

DEPLOYMENT = Record(
    what="a deployment",
    fields={
        "version": Field(shape=Choice.of(VERSION), doc="The version of the format.", required=True),
        "pool": Field(shape=POOL, doc="How models share the machine."),
        "defaults": Field(
            shape=Record(
                what="defaults",
                fields={
                    "inference": Field(
                        shape=INFERENCE, doc="How models are run that say nothing else."
                    )
                },
            ),
            doc="What holds for every model of this file.",
        ),
        "models": Field(
            shape=MapOf(MODEL, "models by name", key=_name_action, pattern=NAME),
            doc="The models by name.",
            required=True,
        ),
    },
    elsewhere=dict.fromkeys(POOL.fields, "move it into pool"),
)
