"""Fallbacks and variants that cannot make the vectors of the model that they answer for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.golden import small_models as small
from tests.unit.holotype.hub import checkpoints

from holotype.deployment.reading import read_text
from holotype.deployment.stand_ins import find_strangers

OWN = "acme/tiny-dense-v2 (dense, 768 dimensions)"


def strangers(model: str, other: str) -> list[tuple[str, str]]:
    """Of a deployment with two models, given as flow mappings without their braces."""
    text = f'version: "1.0"\nmodels:\n  m: {{{model}}}\n  other: {{{other}}}\n'
    return [*find_strangers(read_text(text, catalogue=small.CATALOGUE))]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ('source: "catalogue:tiny-dense-v1.5"', "acme/tiny-dense-v1.5 (dense, 768 dimensions)"),
        (
            'source: "catalogue:tiny-dense-v2", dim: 256',
            "acme/tiny-dense-v2 (dense, 256 dimensions)",
        ),
        (
            'source: "catalogue:tiny-dense-v2-sparse"',
            "acme/tiny-dense-v2 (sparse, 3500 dimensions)",
        ),
        ('source: "catalogue:tiny-sentiment"', "other-lab/tiny-sentiment (classifier)"),
    ],
)
def test_a_fallback_that_makes_other_vectors_is_found(other: str, what: str) -> None:
    ((name, message),) = strangers('source: "catalogue:tiny-dense-v2", fallback: [other]', other)
    assert name == "m"
    assert message == (
        f"its fallback 'other' is {what}, not {OWN}: with another fingerprint it cannot answer, "
        "unless 'm' says allow_different_vectors: true"
    )


@pytest.mark.parametrize(
    ("model", "other"),
    [
        # The same model, by another library.
        (
            'source: "catalogue:tiny-dense-v2", fallback: [other]',
            'source: "catalogue:tiny-dense-v2", dim: 768, inference: {backend: onnx}',
        ),
        (
            'source: "catalogue:tiny-dense-v2", fallback: [other], allow_different_vectors: true',
            'source: "catalogue:tiny-clip"',
        ),
        # Not an index of vectors.
        (
            'source: "catalogue:tiny-sentiment", fallback: [other]',
            'source: "catalogue:tiny-reranker"',
        ),
        # Nobody knows before it is loaded.
        ('source: "catalogue:tiny-dense-v2", fallback: [other]', 'source: "s3://bucket/model"'),
        ('source: "catalogue:tiny-dense-v2", fallback: [other]', 'source: "local:/nowhere"'),
        ('source: "local:/nowhere", fallback: [other]', 'source: "catalogue:tiny-dense-v2"'),
        ('source: "catalogue:tiny-dense-v2"', 'source: "catalogue:tiny-clip"'),
    ],
)
def test_what_may_answer_is_not_found(model: str, other: str) -> None:
    assert strangers(model, other) == []


def test_an_endpoint_never_answers_for_vectors() -> None:
    ((_, message),) = strangers(
        'source: "catalogue:tiny-dense-v2", fallback: [other]',
        "source: {type: sagemaker, endpoint: emb, region: eu-central-1}",
    )
    assert message.startswith("its fallback 'other' is an endpoint, without a fingerprint")


def test_a_variant_that_makes_other_vectors_is_found() -> None:
    ((name, message),) = strangers(
        'variants: [{name: a, weight: 0.5, source: "catalogue:tiny-dense-v2"}, '
        '{name: b, weight: 0.5, source: "catalogue:tiny-clip"}]',
        'source: "catalogue:tiny-clip"',
    )
    assert name == "m"
    assert message.startswith("its variant 'b' is other-lab/tiny-clip (image-text, 512 dimensions)")


def test_the_files_of_a_folder_say_what_it_makes(tmp_path: Path) -> None:
    for name, content in checkpoints.dense().items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    dim = json.loads((tmp_path / "config.json").read_bytes())["hidden_size"]
    model = 'source: "catalogue:tiny-dense-v2", fallback: [other]'
    ((_, message),) = strangers(model, f'source: "local:{tmp_path}"')
    assert f"its fallback 'other' is local:{tmp_path} (dense, {dim} dimensions)" in message
