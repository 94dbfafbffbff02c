"""Deployments are read, or every problem of them is told at once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden import small_models as small
from tests.unit.holotype.deployment.made import (
    COMMIT,
    FULL,
    deployments,
    one,
    only_model,
    only_problem,
    problems_of,
)

from holotype.catalogue import Catalogue
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
    SagemakerSource,
    VariantSpec,
)
from holotype.deployment.problems import DeploymentError
from holotype.deployment.reading import Document, read_documents, read_text
from holotype.deployment.writing import digest, to_yaml
from holotype.encoders.names import as_reference
from holotype.errors import InvalidArgumentError
from holotype.references.ref import ModelRef

PINNED = f"source: 'hf:org/model@{COMMIT}'"


def test_a_full_deployment_becomes_records() -> None:
    deployment = read_text(FULL)
    assert deployment.pool == PoolSettings(
        memory=(
            MemoryLimit(device="cpu", n_bytes=6 * 2**30),
            MemoryLimit(device="cuda:0", share=0.9),
        ),
        eviction="lru",
        idle_after_s=1800,
        min_resident_s=90,
        swap="replace",
        apply="all",
    )
    inference = InferenceSettings(device="cpu", threshold=0.5, max_length=512)
    assert deployment.find("toxicity") == ModelSpec(
        name="toxicity",
        architecture=ArchitectureSpec(
            type="bert-sequence-classification", num_labels=2, labels=("toxic", "insult")
        ),
        inference=inference,
        variants=(
            VariantSpec(
                name="default",
                weight=0.8,
                source=ReferenceSource(ref=ModelRef.parse("local:models/toxic-bert")),
                inference=inference,
            ),
            VariantSpec(
                name="v2",
                weight=0.2,
                source=ReferenceSource(ref=ModelRef.parse(f"hf:org/toxic-bert-v2@{COMMIT}")),
                inference=InferenceSettings(device="cuda:0", threshold=0.5, max_length=512),
            ),
        ),
        fallback=("small", "rules"),
        memory_bytes=2**29,
        preload=True,
        pinned=True,
        copies=2,
        sticky="user",
        timeout_s=2.5,
    )
    assert deployment.find("judge") == ModelSpec(
        name="judge",
        ensemble=EnsembleSpec(
            members=(MemberSpec(name="toxicity", weight=0.7), MemberSpec(name="small", weight=0.3)),
            combine="vote",
            on_failure="drop",
        ),
    )
    sources = {each.name: [v.source for v in each.variants] for each in deployment.models}
    assert sources["rules"] == [BuiltinSource(name="pii")]
    assert sources["far"] == [SagemakerSource(endpoint="emb", region="eu-central-1")]
    assert sources["live"] == [ReferenceSource(ref=ModelRef.parse("local:artifacts@production"))]
    assert sources["own"] == [
        CustomSource(factory="acme.models:Encoder", options=(("name", "x"), ("size", 3)))
    ]
    both = deployment.find("both")
    assert both is not None
    assert both.ensemble is not None
    assert [each.weight for each in both.ensemble.members] == [0.5, 0.5]


def test_what_is_left_out_has_its_default() -> None:
    text = one("source: {type: builtin, name: pii}")
    expected = ModelSpec(name="m", variants=(VariantSpec(source=BuiltinSource(name="pii")),))
    assert read_text(text) == Deployment(models=(expected,))


def test_json_is_a_deployment_too() -> None:
    text = '{"version": "1.0",\n\t"models": {"m": {"source": "s3://bucket/prefix"}}}'
    assert only_model(text) == only_model(one("source: 's3://bucket/prefix'"))


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("{type: local, path: ./models/a}", "local:models/a"),
        ("{type: local, path: models/a@b}", "local:models/a@b/"),
        ("{type: local, path: /}", "local:/"),
        (f"{{type: huggingface, repo: org/model, revision: {COMMIT}}}", f"hf:org/model@{COMMIT}"),
        ("{type: huggingface, repo: org/model}", "hf:org/model"),
        ("{type: s3, bucket: bucket, prefix: a/b}", "s3://bucket/a/b"),
        ("{type: gs, bucket: bucket, prefix: a/b}", "gs://bucket/a/b"),
        ("{type: catalogue, id: bge-m3}", "catalogue:bge-m3"),
        ("{type: artifact, store: ./artifacts, alias: production}", "local:artifacts@production"),
    ],
)
def test_the_long_form_of_a_source_is_a_reference(long: str, short: str) -> None:
    written = only_model(one(f"source: {long}, allow_moving: true"))
    assert written == only_model(one(f"source: '{short}', allow_moving: true"))


def test_paths_are_relative_to_the_folder_of_the_file() -> None:
    def location(path: str, folder: str | None) -> str:
        text = one(f"source: {{type: local, path: {path}}}")
        source = read_text(text, folder=folder).models[0].variants[0].source
        assert isinstance(source, ReferenceSource)
        return str(source.ref)

    assert location("./models/a", "/srv/app") == "local:/srv/app/models/a"
    assert location("../a", "conf") == "local:conf/../a"
    assert location("/opt/a", "/srv/app") == "local:/opt/a"
    assert location("~/a", "/srv/app") == "local:~/a"
    assert location("./models/a", None) == "local:models/a"


BROKEN = f"""\
version: 1.0
pool: {{memory: 80, evicton: lru, idle_after: 30 minutes}}
models:
  a:
    architecture: {{num_labels: 3, labels: [no, 1, no]}}
    inference: {{threshold: 50}}
    device: cpu
    variants:
      - {{name: x, weight: 0.8, source: {{type: local, path: ./m}}}}
      - {{name: x, weight: 0.3, source: {{type: huggingface, repo: org/t, revision: 012345}}}}
    fallback: [b, tpyo]
  a: {{{PINNED}}}
  b: {{source: "catalogue:bge-base-en-v15", fallback: [a]}}
  c: {{source: hf:org/x, api_key: x}}
"""


def test_every_problem_is_told_at_once_with_its_place_and_what_to_do() -> None:
    lines = [
        "d.yaml:1:10: -: /version: ",
        "d.yaml:2:16: -: /pool/memory: ",
        "d.yaml:2:20: -: /pool/evicton: ",
        "d.yaml:2:46: -: /pool/idle_after: ",
        "d.yaml:5:48: a: /models/a/architecture/labels/1: ",
        "d.yaml:5:51: a: /models/a/architecture/labels/2: ",
        "d.yaml:6:28: a: /models/a/inference/threshold: ",
        "d.yaml:7:5: a: /models/a/device: ",
        "d.yaml:10:16: a: /models/a/variants/1/name: ",
        "d.yaml:10:83: a: /models/a/variants/1/source/revision: ",
        "d.yaml:11:19: a: /models/a/fallback/1: ",
        "d.yaml:12:3: -: /models/a: ",
        "d.yaml:13:15: b: /models/b/source: ",
        "d.yaml:13:55: b: /models/b/fallback/0: ",
        "d.yaml:14:15: c: /models/c/source: ",
        "d.yaml:14:25: c: /models/c/api_key: ",
    ]
    with pytest.raises(DeploymentError) as refused:
        read_text(BROKEN, name="d.yaml")
    told = str(refused.value).splitlines()
    assert [line[: len(start)] for line, start in zip(told, lines, strict=False)] == lines
    assert told[len(lines) :] == [f"{len(lines)} problems in d.yaml"]
    assert all(line.count("; ") >= 2 for line in told[:-1])


@pytest.mark.parametrize(
    ("model", "found", "action"),
    [
        ("source: 5", "number 5", 'put it in quotes: "5"'),
        ("source: [a]", "a list", "reference"),
        ("source: ~", "empty", "reference"),
        ("source: {path: x}", '"type" is missing', "add type"),
        ("source: {type: hugingface, repo: a/b}", "hugingface", "write huggingface"),
        ("source: {type: local}", '"path" is missing', "add path"),
        ("source: {type: local, paht: x, path: y}", '"paht" is no key', 'did you mean "path"?'),
        ("source: {type: local, path: ''}", "", "write text"),
        ("source: {type: huggingface, repo: bert}", "no repository", "correct"),
        ("source: {type: s3, bucket: B, prefix: x}", "no name of a bucket", "correct"),
        ("source: https://huggingface.co/org/x", "https", "did you mean hf:org/x?"),
        ("source: org/x", "org/x", "did you mean hf:org/x"),
        ("source: 'registry:Text'", "Text", "small letters"),
        ("source: {type: registry, kind: a b}", "a b", "small letters"),
        ("source: {type: custom, factory: 'a b'}", "a b", "module:Class"),
        ("source: {type: custom, factory: 'a:B', options: {x: [1]}}", "a list", "text, a number"),
        ("source: {type: custom, factory: 'a:B', options: {x: 007}}", "007", 'quotes: "007"'),
        ("source: {type: custom, factory: 'a:B', options: {x: .inf}}", ".inf", "quotes"),
        ("preload: true", "no source", "add source"),
        (
            f"{PINNED}, variants: [{{name: a, weight: 1, {PINNED}}}]",
            "source and variants",
            "delete all but one",
        ),
        (f"{PINNED}, preload: 'yes'", '"yes"', "write true, without quotes"),
        (f"{PINNED}, preload: off", '"off"', "write false"),
        (f"{PINNED}, dim: 0", "number 0", "whole number of at least 1"),
        (f"{PINNED}, dim: 7.0", "number 7.0", "write 7"),
        (f"{PINNED}, dim: 0512", "0512", "without leading zeros"),
        (f"{PINNED}, dim: '7'", '"7"', "write 7, without quotes"),
        (f"{PINNED}, copies: -1", "-1", "at least 1"),
        (f"{PINNED}, timeout_s: 0", "number 0", "above 0"),
        (f"{PINNED}, timeout_s: .nan", ".nan", "above 0"),
        (f"{PINNED}, timeout_s: 1e999", "1e999", "above 0"),
        (f"{PINNED}, memory: 0.9", "0.9", "write 0.9GiB"),
        (f"{PINNED}, sticky: users", "users", "write user"),
        (f"{PINNED}, fallback: other", '"other"', "write [other]"),
        (f"{PINNED}, fallback: []", "an empty list", "leave the key out"),
        (f"{PINNED}, fallback: [{{a: 1}}]", '"fallback"[0] is a mapping', "leave the item out"),
        ("variants: {a: {weight: 1}}", "a mapping", "each behind a dash"),
        (f"{PINNED}, Threshold: 1", "Threshold", "delete it"),
        (f"{PINNED}, threshold: 1", "threshold", "move it into inference"),
        (f"{PINNED}, labels: [a]", "labels", "move it into architecture"),
        (f"{PINNED}, preloaded: true", "preloaded", 'did you mean "preload"?'),
        (f"{PINNED}, token: x", "names a credential", "HF_TOKEN"),
        (f"{PINNED}, aws_secret_access_key: x", "names a credential", "revoke"),
        ("source: {type: custom, factory: 'a:B', options: {api_key: x}}", "credential", "revoke"),
        (f"{PINNED}, inference: {{threshold: 50}}", "50", "write 0.5, a fraction"),
        (f"{PINNED}, inference: {{threshold: 2}}", "2", "write a number from 0 to 1"),
        (f"{PINNED}, memory: 80%", "80%", "only pool.memory can be a share"),
        (f"{PINNED}, memory: 0B", "0B", "write at least 1B"),
        (f"{PINNED}, memory: 0.00 GiB", "0.00 GiB", "write at least 1B"),
        (f"{PINNED}, inference: {{threshold: -1}}", "-1", "from 0 to 1"),
        (
            f"{PINNED}, inference: {{backend: onnx, dtype: bfloat16}}",
            'no dtype "bfloat16"',
            "another backend",
        ),
        (f"{PINNED}, inference: {{dtype: fp16}}", "fp16", "one of"),
        (f"{PINNED}, inference: {{device: gpu}}", "gpu", "cuda"),
        (f"{PINNED}, inference: {{backend: onx}}", "onx", "write onnx"),
        (f"{PINNED}, inference: cpu", '"cpu"', "mapping with"),
        (f"{PINNED}, architecture: {{labels: [a, b], num_labels: 3}}", "2 labels", "write 2"),
        (f"{PINNED}, architecture: {{labels: [a, a]}}", "twice", "delete one"),
        (f"{PINNED}, architecture: {{labels: [a, true]}}", '"labels"[1] is true', '"true"'),
        (
            f"{PINNED}, architecture: {{type: colbert, labels: [a]}}",
            "no labels",
            "correct the type",
        ),
        (f"{PINNED}, architecture: {{type: bert}}", "bert", "write bert-sequence-classification"),
        ("variants: [{name: a, weight: 0.4, source: 's3://bkt/x'}]", "sum to 0.4", "write 1 for a"),
        ("variants: [{name: a, weight: -1, source: 's3://bkt/x'}]", "-1", "from 0 to 1"),
        (
            "variants: [{name: a, weight: 100, source: 's3://bkt/x'}]",
            "100",
            "write 1.0, a fraction",
        ),
        ("variants: [{name: a, weight: 1}]", '"source" is missing', "add source"),
        ("variants: []", "an empty list", "leave the key out"),
        ("ensemble: {of: {}}", "an empty mapping", "name the models"),
        ("ensemble: {of: []}", "an empty list", "fill it in"),
        ("ensemble: {}", '"of" is missing', "add of"),
        ("source: 'catalogue:bge-m33'", "no model", "bge-m3"),
        ("source: 'catalogue:bge-base-en-v1.5', dim: 100", "100 dimensions", "leave dim out"),
        ("source: 'hf:org/x'", "other weights tomorrow", "allow_moving: true"),
        ("source: 'hf:org/x@v1'", "other weights tomorrow", "40 hexadecimal digits"),
        ("source: 'local:store@live'", "other weights tomorrow", "folder of the artifact"),
    ],
)
def test_a_wrong_model_is_refused_with_what_to_do(model: str, found: str, action: str) -> None:
    problem = only_problem(one(model))
    assert problem.id == "m"
    assert problem.line == 3
    assert found in problem.found
    assert action in problem.action or action in problem.expected


@pytest.mark.parametrize(
    ("text", "found", "action"),
    [
        ("5", "the file is the number 5", "mapping with"),
        ("[]", "the file is an empty list", "mapping with"),
        ("{}", '"version" is missing', ""),
        ('version: "1.0"', '"models" is missing', "add models"),
        ('version: "2.0"\nmodels: {a: {source: "s3://bkt/x"}}', "2.0", ""),
        ('version: "1.0"\nmodels: {a: hf:o/x}', "hf:o/x", 'write {source: "hf:o/x"}'),
        ('version: "1.0"\nmodels: {}', "an empty mapping", "name the models by name"),
        ('version: 1\nmodels: {a: {source: "s3://bkt/x"}}', "the number 1", 'write "1.0"'),
        ('version: "1.0"\nmodels: [a]', "a list", "a mapping of models"),
        ('version: "1.0"\nmodels: {"a b": {source: "s3://bkt/x"}}', "a b", "letters, digits"),
        ('version: "1.0"\nswap: replace\nmodels: {a: {source: "s3://bkt/x"}}', "swap", "into pool"),
    ],
)
def test_a_wrong_document_is_refused_with_what_to_do(text: str, found: str, action: str) -> None:
    problems = problems_of(text)
    assert any(found in each.found and action in each.action for each in problems), problems


@pytest.mark.parametrize(
    ("pool", "action"),
    [
        ("memory: 80", "write 80% or 80GiB"),
        ("memory: 0%", "80%"),
        ("memory: {gpu: 1GiB}", "cuda:0"),
        ("memory: {auto: 1GiB}", "cuda:0"),
        ("memory: 6gb", "write 6GB"),
        ("idle_after: 30", "write 30s"),
        ("idle_after: nevr", "such as 60s"),
        ("min_resident: never", "such as 60s"),
        ("eviction: largest", "one of these"),
    ],
)
def test_wrong_settings_of_the_pool_are_refused(pool: str, action: str) -> None:
    text = one(PINNED, head=f'version: "1.0"\npool: {{{pool}}}\nmodels:\n')
    problem = only_problem(text)
    assert problem.line == 2
    assert action in problem.action


def test_a_pool_may_keep_idle_models_for_ever() -> None:
    text = one(PINNED, head='version: "1.0"\npool: {idle_after: never, memory: 50%}\nmodels:\n')
    pool = read_text(text).pool
    assert (pool.idle_after_s, pool.memory) == (None, (MemoryLimit(share=0.5),))


@pytest.mark.parametrize("key", ["architecture", "inference", "dim", "memory", "copies", "pinned"])
def test_settings_of_weights_say_nothing_of_an_ensemble(key: str) -> None:
    value = {"architecture": "{type: colbert}", "inference": "{device: cpu}", "memory": "1GiB"}
    written = value.get(key, "true" if key == "pinned" else "2")
    text = one(f"ensemble: {{of: [n]}}, {key}: {written}") + f"  n: {{{PINNED}}}\n"
    problem = only_problem(text)
    assert problem.pointer == f"/models/m/{key}"
    assert "the ensemble names" in problem.action


@pytest.mark.parametrize(
    ("links", "circle"),
    [
        ({"a": "fallback: [a]"}, "a -> a"),
        ({"a": "fallback: [b]", "b": "fallback: [a]"}, "a -> b -> a"),
        ({"a": "fallback: [b]", "b": "fallback: [c]", "c": "fallback: [b]"}, "b -> c -> b"),
        ({"a": "ensemble: {of: [b]}", "b": "ensemble: {of: {a: 1}}"}, "a -> b -> a"),
        ({"a": "ensemble: {of: [b]}", "b": "fallback: [a]"}, "a -> b -> a"),
    ],
)
def test_fallbacks_and_ensembles_that_never_end_are_refused(
    links: dict[str, str], circle: str
) -> None:
    models = "".join(
        f"  {name}: {{{link if 'ensemble' in link else f'{PINNED}, {link}'}}}\n"
        for name, link in links.items()
    )
    assert circle in only_problem(f'version: "1.0"\nmodels:\n{models}').found


def test_a_name_on_two_ways_is_no_circle() -> None:
    text = one(f"{PINNED}, fallback: [b, c]")
    text += f"  b: {{{PINNED}, fallback: [c]}}\n  c: {{{PINNED}}}\n"
    assert problems_of(text) == ()


def test_a_chain_of_many_fallbacks_is_followed() -> None:
    models = "".join(f"  m{n}: {{{PINNED}, fallback: [m{n + 1}]}}\n" for n in range(2_000))
    text = f'version: "1.0"\nmodels:\n{models}  m2000: {{{PINNED}, fallback: [m0]}}\n'
    assert "m0 -> m1 -> m2" in only_problem(text).found


@pytest.mark.parametrize("link", ["fallback: [sercah]", "ensemble: {of: {sercah: 1}}"])
def test_a_name_of_no_model_is_refused_with_the_nearest(link: str) -> None:
    model = f"{PINNED}, {link}" if "fallback" in link else link
    problem = only_problem(one(model) + f"  search: {{{PINNED}}}\n")
    assert problem.action == 'did you mean "search"?'


def test_a_name_whose_model_is_wrong_is_a_name() -> None:
    problem = only_problem(one(f"{PINNED}, fallback: [n]") + "  n: {source: 5}\n")
    assert problem.pointer == "/models/n/source"


@pytest.mark.parametrize(
    "model",
    [
        "source: {type: custom, factory: 'acme:Encoder'}",
        f"{PINNED}, inference: {{trust_remote_code: true}}",
        f"variants: [{{name: a, weight: 1, {PINNED}, inference: {{trust_remote_code: true}}}}]",
    ],
)
def test_code_is_taken_from_those_only_whom_the_operator_trusts(model: str) -> None:
    assert problems_of(one(model)) == ()
    problem = only_problem(one(model), allow_code=False)
    assert problem.rule == "code"
    assert "--allow-code" in problem.action


def test_moving_sources_are_taken_where_the_model_allows_it() -> None:
    model = only_model(one("source: 'hf:org/model@main', allow_moving: true"))
    assert model.allow_moving


@pytest.mark.parametrize(
    ("rest", "is_right"), [("0.5", True), ("0.5000000001", True), ("0.500001", False), ("0", False)]
)
def test_weights_sum_to_one_but_for_what_rounding_costs(rest: str, is_right: bool) -> None:
    variants = ", ".join(
        f"{{name: v{n}, weight: {w}, {PINNED}}}" for n, w in enumerate(["0.5", rest])
    )
    members = f"{{of: {{v: 0.5, w: {rest}}}}}"
    others = f"  v: {{{PINNED}}}\n  w: {{{PINNED}}}\n"
    for text in (one(f"variants: [{variants}]"), one(f"ensemble: {members}") + others):
        assert [each.rule for each in problems_of(text)] == ([] if is_right else ["weights"])


def test_tenths_sum_to_one() -> None:
    variants = ", ".join(f"{{name: v{n}, weight: 0.1, {PINNED}}}" for n in range(10))
    assert len(only_model(one(f"variants: [{variants}]")).variants) == 10


def test_defaults_hold_for_models_and_models_for_variants() -> None:
    head = 'version: "1.0"\ndefaults: {inference: {device: cpu, threshold: 0.1}}\nmodels:\n'
    variants = f"[{{name: a, weight: 1, {PINNED}, inference: {{device: auto}}}}]"
    model = only_model(one(f"inference: {{threshold: 0.2}}, variants: {variants}", head=head))
    assert model.inference == InferenceSettings(device="cpu", threshold=0.2)
    assert model.variants[0].inference == InferenceSettings(device=None, threshold=0.2)


def test_one_deployment_may_be_in_several_documents() -> None:
    reading = read_documents(
        [
            Document(name="a.yaml", text=one(f"{PINNED}, fallback: [n]")),
            Document(
                name="b.yaml",
                text=f'version: "1.0"\npool: {{swap: replace}}\nmodels: {{n: {{{PINNED}}}}}\n',
            ),
        ]
    )
    assert reading.deployment.names == ("m", "n")
    assert reading.deployment.pool.swap == "replace"


def test_problems_of_several_documents_are_told_together() -> None:
    pool = 'version: "1.0"\npool: {swap: replace}\nmodels:\n'
    with pytest.raises(DeploymentError) as refused:
        read_documents(
            [
                Document(name="a.yaml", text=one(PINNED, head=pool)),
                Document(name="b.yaml", text=one(PINNED, head=pool)),
                Document(name="c.yaml", text="a: [1\nb: 2"),
                Document(name="d.yaml", text=one("source: 5")),
            ]
        )
    told = [(each.file, each.line, each.rule) for each in refused.value.problems]
    assert sorted(told) == [
        ("b.yaml", 2, "repeated"),
        ("b.yaml", 4, "repeated"),
        ("c.yaml", 2, "syntax"),
        ("d.yaml", 3, "repeated"),
        ("d.yaml", 3, "type"),
    ]
    assert str(refused.value).endswith("5 problems in b.yaml, c.yaml, d.yaml")


@st.composite
def edited(draw: st.DrawFn) -> str:
    """The full deployment with a few pieces of it deleted, doubled or replaced."""
    lines = FULL.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, min(len(line), start + 8)))
        piece = draw(
            st.sampled_from(["", line[start:end] * 2, "[]", "{}", "~", "0", "-1", "*x", "&x ", "'"])
            | st.text(max_size=4)
        )
        lines[at] = line[:start] + piece + line[end:]
    return "".join(lines)


@given(edited())
def test_an_edited_deployment_is_read_or_refused_at_a_place_that_it_has(text: str) -> None:
    lines = text.splitlines()
    for problem in problems_of(text):
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.column >= 1
        assert problem.found
        assert problem.expected.startswith("expected ")
        assert problem.action


def test_a_credential_is_in_no_message() -> None:
    secret = "hf_" + "a1" * 17
    text = one(f"source: 'https://me:{secret}@huggingface.co/org/x', dim: {secret}, {secret}: 1")
    with pytest.raises(DeploymentError) as refused:
        read_text(text)
    assert secret not in str(refused.value)
    assert {each.rule for each in refused.value.problems} >= {"credentials"}


def test_what_a_terminal_obeys_is_spelt() -> None:
    with pytest.raises(DeploymentError) as refused:
        read_text(one('"\\e[31mred": 1'))
    assert "\x1b" not in str(refused.value)


@given(deployments())
def test_what_is_written_is_read_back(deployment: Deployment) -> None:
    text = to_yaml(deployment)
    assert read_text(text) == deployment
    assert digest(read_text(text)) == digest(deployment)


def test_no_word_is_written_that_older_readers_of_yaml_take_for_another() -> None:
    from ruamel.yaml import YAML

    labels = "['no', 'yes', '012', '12:30:45', '1_000', '0x1f', '2026-11-27', 'true', '~', '1e3']"
    text = to_yaml(read_text(one(f"{PINNED}, architecture: {{labels: {labels}}}")))
    older = YAML(typ="safe", pure=True)
    older.version = "1.1"
    read = older.load(text)["models"]["m"]["architecture"]["labels"]
    assert read == re.findall(r"'([^']+)'", labels)


def test_comments_and_spelling_do_not_change_the_digest() -> None:
    one_way = read_text("# a comment\n" + one(f"{PINNED}, memory: 1024MiB"))
    other = read_text(one(f"memory: 1GiB, {PINNED}"))
    assert digest(one_way) == digest(other)
    assert digest(one_way) != digest(read_text(one(PINNED)))


@pytest.mark.parametrize("text", ["a: [", '{"version": "1.0", "mod\ud800els": {}}', "{a: 1"])
def test_every_problem_can_be_printed_whatever_the_names(text: str) -> None:
    with pytest.raises(DeploymentError) as caught:
        read_text(text, name="x\n\x1b[31m\udfff")
    printed = str(caught.value).encode().decode()
    assert printed.startswith("x\\n\\u001b[31m\\udfff:1:")
    assert "\x1b" not in printed


@pytest.mark.parametrize("text", [b"models: {}", None, {"models": {}}])
def test_what_is_no_text_is_told(text: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="expected its text"):
        read_text(text)


@pytest.mark.parametrize("key", ["1", "true", "~", "1.5"])
def test_a_key_that_is_no_text_is_one_problem(key: str) -> None:
    (found,) = problems_of(f'version: "1.0"\nmodels:\n  {key}: {{source: "s3://bkt/x"}}\n')
    assert f'put it in quotes: "{key}"' in str(found)


def test_of_many_unknown_names_the_first_get_suggestions() -> None:
    def model(at: int) -> str:
        return f'  model-{at}: {{source: "s3://bkt/{at}", fallback: [modle-{at}x]}}\n'

    found = problems_of('version: "1.0"\nmodels:\n' + "".join(map(model, range(200))))
    assert len(found) == 200
    # Each suggestion compares the name with all others: 3,000 of them took minutes.
    assert ["did you mean" in each.action for each in found] == [True] * 20 + [False] * 180


def test_a_chain_as_long_as_the_deployment_is_no_circle() -> None:
    def model(at: int) -> str:
        return f'  m{at}: {{source: "s3://bkt/{at}", fallback: [m{(at + 1) % 500}]}}\n'

    texts = ['version: "1.0"\nmodels:\n', *map(model, range(499))]
    assert problems_of("".join([*texts, '  m499: {source: "s3://bkt/x"}\n'])) == ()
    (circle,) = problems_of("".join([*texts, model(499)]))
    assert "m499 -> m0" in str(circle)


def test_ids_are_those_of_the_given_catalogue_and_of_holotypes_own() -> None:
    text = """
version: "1.0"
models:
  a: {source: "catalogue:tiny-dense-v2"}
  b: {source: {type: catalogue, id: bge-m3}}
"""
    read = read_text(text, catalogue=small.CATALOGUE)
    a, b = (model.variants[0].source for model in read.models)
    assert a == ReferenceSource(ref=as_reference(small.TINY_DENSE_V2))
    assert b == ReferenceSource(ref=ModelRef.parse("catalogue:bge-m3"))
    changed = replace(small.TINY_DENSE_V2, query_prompt="find: ")
    assert read != read_text(text, catalogue=Catalogue((changed,)))
    with pytest.raises(DeploymentError, match='no model "tiny-dense-v2"'):
        read_text(text)
    with pytest.raises(DeploymentError, match='did you mean "tiny-dense-v2"'):
        read_text(text.replace("v2", "v22"), catalogue=small.CATALOGUE)
