"""What cannot be true of a model that reads images, and where the schema's wording is of images."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    sentence,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen.image_rules import IMAGE_RULES
from holotype_codegen.schema import kinds_with, known_kinds

MODALITIES = "/capabilities/modalities"

# The kind of the entry, what is changed in it, where the problem stands, its rule, and some words.
BROKEN: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "image-text",
        {MODALITIES: ["image"]},
        MODALITIES,
        "models_for_pictures_read_them",
        'expected "text", "image" among them; add "text"',
    ),
    (
        "captioner",
        {MODALITIES: ["text"]},
        MODALITIES,
        "models_for_pictures_read_them",
        'add "image", or correct the type',
    ),
    (
        "colbert",
        {"/image": {"size": [448, 448]}},
        "/image",
        "models_for_pictures_read_them",
        'add "image" to the modalities, or delete the image',
    ),
    (
        "image-text",
        {"/image/size": [224, 224]},
        "/image/shortest_edge",
        "pictures_are_resized_in_one_way",
        'image has "size" and "shortest_edge"',
    ),
    (
        "captioner",
        {"/image/size": None, "/image/min_pixels": 9, "/image/max_pixels": 8},
        "/image/min_pixels",
        "pictures_are_resized_in_one_way",
        "min_pixels is 9, max_pixels is 8",
    ),
    (
        "image-text",
        {"/image/crop": [224]},
        "/image/crop",
        "crops_lie_in_the_picture",
        "write [224, 224]",
    ),
    (
        "image-text",
        {"/image/crop": [224, 225], "/image/tokens": None},
        "/image/crop",
        "crops_lie_in_the_picture",
        "crop is [224, 225], and pictures are resized to [224, 224]",
    ),
    (
        "captioner",
        {"/image/crop": [385, 384]},
        "/image/crop",
        "crops_lie_in_the_picture",
        "pictures are resized to [384, 384]",
    ),
    (
        "image-text",
        {"/image/patch_size": 193},
        "/image/patch_size",
        "patches_fit_the_picture",
        "patch_size is 193, crop is [224, 192]",
    ),
    (
        "image-text",
        {"/image/tokens": 169},
        "/image/tokens",
        "patches_fit_the_picture",
        "expected 168; correct the wrong one; a class token is not counted",
    ),
    (
        "captioner",
        {"/image/tokens": 577},
        "/image/tokens",
        "patches_fit_the_picture",
        "has 576 patches of 16 pixels; expected at most 576",
    ),
    (
        "captioner",
        {"/image/tile_size": 500, "/image/merge_size": 4},
        "/image/merge_size",
        "patches_fit_the_picture",
        "patch_size times merge_size is 64, tile_size is [500, 500]",
    ),
    (
        "image-text",
        {"/image/rescale": 255},
        "/image/rescale",
        "channels_are_of_the_rescaled_values",
        "write 0.00392156862745098, if values are divided by 255",
    ),
    (
        "image-text",
        {"/image/mean": [123.675, 0.4, 0.3]},
        "/image/mean/0",
        "channels_are_of_the_rescaled_values",
        "mean is 123.675, and values reach 1 after rescaling; expected the mean of the rescaled "
        "values; write 0.485",
    ),
    (
        "image-text",
        {"/image/std": [0.3, 0.2, 58.395]},
        "/image/std/2",
        "channels_are_of_the_rescaled_values",
        "write 0.229",
    ),
    (
        "image-text",
        {"/encoding/similarity": "cosine"},
        "/encoding/logit_bias",
        "biases_belong_to_sigmoids",
        'logit_bias is -16.75, and similarity is "cosine"',
    ),
    (
        "image-text",
        {"/encoding/text_length": 513},
        "/encoding/text_length",
        "text_lengths_fit_the_context",
        "text_length is 513, context_length is 512",
    ),
    (
        "captioner",
        {"/encoding/max_new_tokens": 50},
        "/encoding/max_new_tokens",
        "captions_have_one_limit",
        "the first counts the prompt, the second does not",
    ),
    (
        "captioner",
        {"/encoding/min_length": 21},
        "/encoding/min_length",
        "captions_have_one_limit",
        "min_length is 21, max_length is 20",
    ),
    (
        "captioner",
        {"/encoding/num_beams": 30523, "/specs/vocab_size": 30522},
        "/encoding/num_beams",
        "captions_fit_the_network",
        "num_beams is 30523, vocab_size is 30522",
    ),
    (
        "captioner",
        {"/encoding/max_length": 513, "/specs/max_position_embeddings": 512},
        "/encoding/max_length",
        "captions_fit_the_network",
        "max_length is 513, max_position_embeddings is 512",
    ),
]

# What the schema says of images.
MISSHAPEN: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "dense",
        {"/image": {}},
        "/image",
        "additionalProperties",
        'a model of the type "dense" has no image; expected one only for the types "colbert", '
        '"image-text", "captioner"',
    ),
    (
        "two-tower",
        {"/image": {}},
        "/image",
        "additionalProperties",
        'a model of the type "two-tower" has no image',
    ),
    (
        "image-text",
        {"/image/mean": [0.5]},
        "/image/mean",
        "minItems",
        '"mean" has 1 item; expected a list of 3 (each item a number) or null; write 3 items, or null',
    ),
    (
        "image-text",
        {"/image/std": [0.5, 0.5, 0.5, 0.5]},
        "/image/std",
        "maxItems",
        '"std" has 4 items; expected a list of 3 (each item a number above 0)',
    ),
    (
        "image-text",
        {"/image/std": [0.5, 0, 0.5]},
        "/image/std/1",
        "exclusiveMinimum",
        "has invalid std[1]: 0; expected a number above 0",
    ),
    (
        "captioner",
        {"/image/size": [384, 384, 3]},
        "/image/size",
        "maxItems",
        "expected a list of 2 (each item a whole number above 0)",
    ),
    ("captioner", {"/image/size": []}, "/image/size", "minItems", '"size" is an empty list'),
    (
        "captioner",
        {"/image/crop": [1, 2, 3]},
        "/image/crop",
        "maxItems",
        "write 0 to 2 items, or null",
    ),
    ("image-text", {"/image/resample": 3}, "/image/resample", "enum", 'one of "bicubic"'),
    (
        "image-text",
        {"/image/edge": 224},
        "/image/edge",
        "additionalProperties",
        '"edge" is not a field here',
    ),
    (
        "image-text",
        {"/encoding/pooling": "mean"},
        "/encoding/pooling",
        "additionalProperties",
        '"pooling" is not a field here',
    ),
    (
        "image-text",
        {"/specs/embedding_dim": None},
        "/specs/embedding_dim",
        "type",
        "expected a whole number above 0",
    ),
    ("captioner", {"/specs/embedding_dim": 768}, "/specs/embedding_dim", "type", "expected null"),
    (
        "captioner",
        {"/encoding/length_penalty": 1e6},
        "/encoding/length_penalty",
        "maximum",
        "from -5 to 5",
    ),
    (
        "captioner",
        {"/encoding/repetition_penalty": 0},
        "/encoding/repetition_penalty",
        "minimum",
        "from 0.01 to 100",
    ),
]


def problems(kind: str, changes: dict[str, Any]) -> list[tuple[str, str, str]]:
    entry = valid_entry(kind)
    for pointer, value in changes.items():
        entry = changed(entry, pointer, value)
    found = problems_of(valid_catalogue(entry))
    return [(each.pointer, each.rule, sentence(each)) for each in found]


@pytest.mark.parametrize(("kind", "changes", "pointer", "rule", "words"), BROKEN + MISSHAPEN)
def test_a_contradiction_is_found_once_at_its_place(
    kind: str, changes: dict[str, Any], pointer: str, rule: str, words: str
) -> None:
    ((found_at, found_rule, text),) = problems(kind, changes)
    assert (found_at, found_rule) == (f"/models/0{pointer}", rule)
    assert words in text


def test_every_rule_about_images_is_broken_here() -> None:
    assert {rule for *_, rule, _ in BROKEN} == {rule.__name__ for rule in IMAGE_RULES}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        # 384 is no multiple of 14: the network drops the rest, as SigLIP's does.
        ("captioner", {"/image/patch_size": 14, "/image/tokens": 729}),
        ("image-text", {"/image/crop": [], "/image/tokens": 1}),
        ("image-text", {"/image/rescale": 1, "/image/mean": [123.7, 116.3, 103.5]}),
        ("image-text", {"/encoding/similarity": None}),
        ("image-text", {"/image": {}}),
        ("captioner", {"/image": ...}),
        ("captioner", {"/image/size": None, "/image/max_patches": 256, "/image/tokens": None}),
        (
            "captioner",
            {"/image/tile_size": 512, "/image/merge_size": 4, "/image/tokens": 64},
        ),
        (
            "colbert",
            {
                MODALITIES: ["text", "image"],
                "/image": {"min_pixels": 3136, "max_pixels": 602112, "merge_size": 2},
                "/encoding/image_prompt": "Describe the image.",
                "/encoding/query_suffix": "<pad>",
            },
        ),
    ],
)
def test_what_models_really_do_is_no_contradiction(kind: str, changes: dict[str, Any]) -> None:
    assert problems(kind, changes) == []


def test_three_kinds_may_say_how_they_read_images_and_all_how_they_are_run() -> None:
    assert kinds_with("image") == ("colbert", "image-text", "captioner")
    assert kinds_with("encoding") == known_kinds()
