"""Writes deployments: records in, YAML or plain data out; `read_text` reads the records back."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import re
from dataclasses import fields
from typing import Any

from holotype.deployment.document import (
    ANY_DEVICE,
    BuiltinSource,
    CustomSource,
    Deployment,
    EnsembleSpec,
    InferenceSettings,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
    RegistrySource,
    SagemakerSource,
    Source,
    VariantSpec,
)
from holotype.deployment.fields import VERSION
from holotype.deployment.units import format_duration, format_share, format_size
from holotype.errors import MissingExtraError

_LIKE_A_NUMBER = re.compile(r"[-+0-9.][-+0-9_.:xX a-fA-F]*")
_LIKE_A_BOOLEAN = frozenset({"y", "yes", "n", "no", "on", "off"})


def to_yaml(deployment: Deployment) -> str:
    """Return a deployment as YAML in the current format, without what is the default.

    Raises:
        MissingExtraError: ruamel.yaml is not installed.
    """
    try:
        library: Any = importlib.import_module("ruamel.yaml")
    except ModuleNotFoundError:
        raise MissingExtraError("pool", "ruamel.yaml", "writing a deployment") from None
    yaml = library.YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 100
    data = _quoted(to_data(deployment), library.scalarstring.DoubleQuotedScalarString)
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def digest(deployment: Deployment) -> str:
    """Return the SHA-256 of what a deployment says; its spelling and its comments do not matter."""
    text = json.dumps(to_data(deployment), sort_keys=True, ensure_ascii=False)
    order = json.dumps(deployment.names)
    return f"sha256:{hashlib.sha256(f'{order}{text}'.encode()).hexdigest()}"


def to_data(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment as the dictionaries, lists and scalars of the current format."""
    pool = _pool(deployment.pool)
    return {
        "version": VERSION,
        **({"pool": pool} if pool else {}),
        "models": {model.name: _model(model) for model in deployment.models},
    }


def _quoted(value: Any, quotes: Any) -> Any:
    """Put texts in quotes that readers of older YAML take for something else."""
    if isinstance(value, dict):
        return {_quoted(name, quotes): _quoted(each, quotes) for name, each in value.items()}
    if isinstance(value, list):
        return [_quoted(each, quotes) for each in value]
    return quotes(value) if isinstance(value, str) and _is_odd(value) else value


def _is_odd(text: str) -> bool:
    return _LIKE_A_NUMBER.fullmatch(text) is not None or text.lower() in _LIKE_A_BOOLEAN


def _pool(pool: PoolSettings) -> dict[str, Any]:
    default = PoolSettings()
    made: dict[str, Any] = {}
    if pool.memory != default.memory:
        made["memory"] = _memory(pool.memory)
    if pool.eviction != default.eviction:
        made["eviction"] = pool.eviction
    if pool.idle_after_s is not None:
        made["idle_after"] = format_duration(pool.idle_after_s)
    if pool.min_resident_s != default.min_resident_s:
        made["min_resident"] = format_duration(pool.min_resident_s)
    if pool.swap != default.swap:
        made["swap"] = pool.swap
    if pool.apply != default.apply:
        made["apply"] = pool.apply
    return made


def _memory(limits: tuple[MemoryLimit, ...]) -> str | dict[str, str]:
    written = {
        limit.device: format_share(limit.share or 0)
        if limit.n_bytes is None
        else format_size(limit.n_bytes)
        for limit in limits
    }
    return written[ANY_DEVICE] if set(written) == {ANY_DEVICE} else written


def _model(model: ModelSpec) -> dict[str, Any]:
    made: dict[str, Any] = {}
    architecture = _differing(model.architecture, type(model.architecture)())
    if architecture:
        made["architecture"] = architecture
    inference = _differing(model.inference, InferenceSettings())
    if inference:
        made["inference"] = inference
    if model.ensemble is not None:
        made["ensemble"] = _ensemble(model.ensemble)
    elif _is_only(model.variants, model.inference):
        made["source"] = _source(model.variants[0].source)
    else:
        made["variants"] = [_variant(each, model.inference) for each in model.variants]
    if model.memory_bytes is not None:
        made["memory"] = format_size(model.memory_bytes)
    plain = ("dim", "fallback", "preload", "pinned", "copies", "sticky", "timeout_s")
    default = ModelSpec(name=model.name)
    for name in (*plain, "allow_moving", "allow_different_vectors"):
        value = getattr(model, name)
        if value != getattr(default, name):
            made[name] = list(value) if isinstance(value, tuple) else value
    return made


def _is_only(variants: tuple[VariantSpec, ...], inference: InferenceSettings) -> bool:
    plain = VariantSpec(source=variants[0].source, inference=inference) if variants else None
    return variants == (plain,)


def _variant(variant: VariantSpec, inference: InferenceSettings) -> dict[str, Any]:
    own = _differing(variant.inference, inference)
    made = {"name": variant.name, "weight": variant.weight, "source": _source(variant.source)}
    return made | {"inference": own} if own else made


def _ensemble(ensemble: EnsembleSpec) -> dict[str, Any]:
    default = EnsembleSpec(members=())
    made: dict[str, Any] = {"of": {each.name: each.weight for each in ensemble.members}}
    if ensemble.combine != default.combine:
        made["combine"] = ensemble.combine
    if ensemble.on_failure != default.on_failure:
        made["on_failure"] = ensemble.on_failure
    return made


def source_text(source: Source) -> str:
    """Return a source in one word, for people: a reference, or its type and its name."""
    written = _source(source)
    return written if isinstance(written, str) else ":".join([*written.values()][:2])


def _source(source: Source) -> dict[str, Any] | str:
    match source:
        case BuiltinSource():
            return {"type": "builtin", "name": source.name}
        case SagemakerSource():
            region = {} if source.region is None else {"region": source.region}
            return {"type": "sagemaker", "endpoint": source.endpoint, **region}
        case CustomSource():
            options = {"options": dict(source.options)} if source.options else {}
            return {"type": "custom", "factory": source.factory, **options}
        case RegistrySource():
            return str(source)
        case _:
            return str(source.ref)


def _differing(settings: Any, default: Any) -> dict[str, Any]:
    """Return the fields that differ from the default, as the format has them."""
    made: dict[str, Any] = {}
    for name in (each.name for each in fields(settings)):
        value = getattr(settings, name)
        if value != getattr(default, name):
            value = "auto" if name == "device" and value is None else value
            made[name] = list(value) if isinstance(value, tuple) else value
    return made
