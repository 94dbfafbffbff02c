"""Deployments for tests: texts, what is wrong with them, and records drawn by hypothesis."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import Any

from hypothesis import strategies as st

from holotype.deployment.document import (
    ArchitectureSpec,
    BuiltinSource,
    CustomSource,
    Deployment,
    EnsembleSpec,
    InferenceSettings,
    MemberSpec,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
    ReferenceSource,
    RegistrySource,
    SagemakerSource,
    VariantSpec,
    is_moving,
)
from holotype.deployment.problems import DeploymentError, Problem
from holotype.deployment.reading import read_text
from holotype.references.ref import ModelRef

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FULL = f"""\
version: "1.0"
pool:
  memory: {{cpu: 6GiB, "cuda:0": 90%}}
  eviction: lru
  idle_after: 30m
  min_resident: 90s
  swap: replace
  apply: all
defaults: {{inference: {{device: cpu, threshold: 0.25}}}}
models:
  toxicity:
    architecture: {{type: bert-sequence-classification, num_labels: 2, labels: [toxic, insult]}}
    inference: {{threshold: 0.5, max_length: 512}}
    variants:
      - {{name: default, weight: 0.8, source: {{type: local, path: ./models/toxic-bert}}}}
      - name: v2
        weight: 0.2
        source: {{type: huggingface, repo: org/toxic-bert-v2, revision: {COMMIT}}}
        inference: {{device: "cuda:0"}}
    fallback: [small, rules]
    memory: 0.5GiB
    preload: true
    pinned: true
    copies: 2
    sticky: user
    timeout_s: 2.5
  small: {{source: "s3://models/toxic-small"}}
  search: {{source: "catalogue:bge-base-en-v1.5", dim: 768, allow_different_vectors: true}}
  live: {{source: {{type: artifact, store: ./artifacts, alias: production}}, allow_moving: true}}
  rules: {{source: {{type: builtin, name: pii}}}}
  text: {{source: {{type: registry, kind: text_embedding}}}}
  far: {{source: {{type: sagemaker, endpoint: emb, region: eu-central-1}}, timeout_s: 5}}
  own: {{source: {{type: custom, factory: "acme.models:Encoder", options: {{size: 3, name: x}}}}}}
  judge: {{ensemble: {{of: {{toxicity: 0.7, small: 0.3}}, combine: vote, on_failure: drop}}}}
  both: {{ensemble: {{of: [toxicity, small]}}}}
"""


def one(model: str, *, head: str = 'version: "1.0"\nmodels:\n') -> str:
    """A deployment whose only model is `m`, given as a flow mapping without its braces."""
    return f"{head}  m: {{{model}}}\n"


def problems_of(text: str, *, allow_code: bool = True) -> tuple[Problem, ...]:
    """The problems of a text; none if it is read."""
    try:
        read_text(text, name="d.yaml", allow_code=allow_code)
    except DeploymentError as error:
        return error.problems
    return ()


def only_problem(text: str, *, allow_code: bool = True) -> Problem:
    found = problems_of(text, allow_code=allow_code)
    assert len(found) == 1, found
    return found[0]


def only_model(text: str) -> ModelSpec:
    (model,) = read_text(text).models
    return model


NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), min_size=1, max_size=8
).filter(lambda text: text.strip() == text)
REFERENCES = st.sampled_from(
    [
        "local:models/a",
        "local:/srv/b@c/",
        "local:~/x",
        "local:store@production",
        f"hf:org/model@{COMMIT}",
        "hf:org/model@main",
        "hf:org/other",
        "s3://bucket/prefix/deep",
        "gs://bucket/prefix",
        "catalogue:bge-base-en-v1.5",
    ]
).map(lambda text: ReferenceSource(ref=ModelRef.parse(text)))
SOURCES = st.one_of(
    REFERENCES,
    NAMES.map(lambda name: BuiltinSource(name=name)),
    st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).map(lambda k: RegistrySource(kind=k)),
    st.builds(SagemakerSource, endpoint=NAMES, region=st.none() | NAMES),
    st.builds(
        CustomSource,
        factory=st.sampled_from(["acme:Encoder", "acme.deep:A.B", "entry-point"]),
        options=st.dictionaries(
            st.sampled_from(["size", "name", "no"]),
            st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
            max_size=3,
        ).map(lambda values: tuple(sorted(values.items()))),
    ),
)
INFERENCES = st.builds(
    InferenceSettings,
    device=st.sampled_from([None, "cpu", "cuda:1"]),
    dtype=st.sampled_from([None, "float32"]),
    backend=st.sampled_from(["torch", "onnx", "openvino"]),
    threshold=st.none() | st.floats(0, 1),
    max_length=st.none() | st.integers(1, 10_000),
    batch_tokens=st.none() | st.integers(1, 10_000),
    trust_remote_code=st.booleans(),
)


def completed(own: InferenceSettings, *, by: InferenceSettings) -> InferenceSettings:
    """The settings of a variant: what it does not say is what the model says."""
    values = {each.name: getattr(own, each.name) for each in fields(own)}
    said = {name: value for name, value in values.items() if value is not None or name == "device"}
    return replace(by, **said)


ARCHITECTURES = st.one_of(
    st.just(ArchitectureSpec()),
    st.sampled_from([ArchitectureSpec(type="colbert"), ArchitectureSpec(type="sparse")]),
    st.lists(TEXTS, unique=True, min_size=1, max_size=3).map(
        lambda labels: ArchitectureSpec(num_labels=len(labels), labels=tuple(labels))
    ),
)


@st.composite
def weights(draw: st.DrawFn, number: int) -> list[float]:
    """Weights that sum to 1."""
    drawn = [draw(st.integers(1, 9)) for _ in range(number)]
    return [each / sum(drawn) for each in drawn]


@st.composite
def models(draw: st.DrawFn, name: str, others: list[str]) -> ModelSpec:
    """A model that may name the others."""
    fallback: list[str] = []
    if others:
        fallback = draw(st.lists(st.sampled_from(others), unique=True))
    shared: dict[str, Any] = {
        "name": name,
        "fallback": tuple(fallback),
        "timeout_s": draw(st.none() | st.floats(0.001, 1e6)),
        "allow_different_vectors": draw(st.booleans()),
    }
    is_ensemble: bool = draw(st.booleans())
    if others and is_ensemble:
        members = draw(st.lists(st.sampled_from(others), unique=True, min_size=1))
        ensemble = EnsembleSpec(
            members=tuple(
                MemberSpec(name=member, weight=weight)
                for member, weight in zip(members, draw(weights(len(members))), strict=True)
            ),
            combine=draw(st.sampled_from(["mean", "max", "vote", "concat"])),
            on_failure=draw(st.sampled_from(["fail", "drop"])),
        )
        return ModelSpec(ensemble=ensemble, **shared)
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=3))
    inference = draw(INFERENCES)
    variants = tuple(
        VariantSpec(
            name=variant,
            weight=weight,
            source=draw(SOURCES),
            inference=draw(st.just(inference) | INFERENCES.map(partial(completed, by=inference))),
        )
        for variant, weight in zip(names, draw(weights(len(names))), strict=True)
    )
    return ModelSpec(
        variants=variants,
        architecture=draw(ARCHITECTURES),
        inference=inference,
        dim=draw(st.sampled_from([None, 768])),
        memory_bytes=draw(st.none() | st.integers(0, 2**40)),
        preload=draw(st.booleans()),
        pinned=draw(st.booleans()),
        copies=draw(st.integers(1, 3)),
        sticky=draw(st.sampled_from(["key", "user", "none"])),
        allow_moving=draw(st.booleans()) or any(is_moving(each.source) for each in variants),
        **shared,
    )


MEMORY = st.one_of(
    st.just((MemoryLimit(share=0.8),)),
    st.integers(0, 2**45).map(lambda n_bytes: (MemoryLimit(n_bytes=n_bytes),)),
    st.integers(1, 100).map(
        lambda percent: (
            MemoryLimit(device="cpu", share=percent / 100),
            MemoryLimit(device="cuda:0", n_bytes=7),
        )
    ),
)
POOLS = st.builds(
    PoolSettings,
    memory=MEMORY,
    eviction=st.sampled_from(["fewest", "lru"]),
    idle_after_s=st.none() | st.integers(1, 10**6).map(float),
    min_resident_s=st.integers(0, 10**6).map(lambda number: number / 1000),
    swap=st.sampled_from(["overlap", "replace"]),
    apply=st.sampled_from(["each", "all"]),
)


@st.composite
def deployments(draw: st.DrawFn) -> Deployment:
    """Deployments that are right: each model may name earlier ones, in any order of the file."""
    names = draw(
        st.lists(
            st.sampled_from(["a", "no", "012", "1e5", "x.y", "7"]),
            unique=True,
            min_size=1,
            max_size=3,
        )
    )
    made = [draw(models(name, names[:at])) for at, name in enumerate(names)]
    return Deployment(models=tuple(draw(st.permutations(made))), pool=draw(POOLS))


@st.composite
def changed(draw: st.DrawFn, old: Deployment) -> Deployment:
    """A deployment that keeps, drops, changes and adds models."""
    made = []
    for model in old.models:
        made += draw(st.sampled_from([[], [model], *([each] for each in tweaks(model))]))
    if draw(st.booleans()):
        made.append(draw(models("new", [])))
    pool = draw(st.sampled_from([old.pool, PoolSettings(swap="replace", apply="all")]))
    return Deployment(models=tuple(made), pool=pool)


def tweaks(model: ModelSpec) -> list[ModelSpec]:
    """The model with one thing changed; what it says need not be right."""
    inference = replace(model.inference, threshold=0.125)
    first = model.variants[:1]
    return [
        replace(model, pinned=not model.pinned),
        replace(model, fallback=(*model.fallback, "z")),
        replace(model, dim=7),
        replace(model, variants=tuple(replace(v, weight=v.weight / 2) for v in model.variants)),
        replace(model, variants=tuple(replace(v, inference=inference) for v in model.variants)),
        replace(model, variants=(*(replace(v, source=BuiltinSource(name="q")) for v in first),)),
        replace(model, variants=(*first, VariantSpec(name="new", source=BuiltinSource(name="n")))),
    ]


PAIRS = deployments().flatmap(lambda old: st.tuples(st.just(old), changed(old)))
"""An old and a new deployment that share models."""
