"""Entries of models that read images, made of checkpoints and compared with them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import (
    Files,
    captioner,
    captioner_with_file,
    image_text,
    open_clip,
    pages,
    pages_in_tiles,
    saved,
)

from holotype.hub.adding import make_entry, statements
from holotype.hub.checkpoint_files import is_small_file, small_files
from holotype.hub.verifying import Report, verify_folder
from holotype.records import CaptionerModel, ImageTextModel
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems

PROCESSOR = "folder: preprocessor_config.json"
CLIP_DEFAULTS = "folder: the default of transformers' CLIPImageProcessor"


def made(folder: Path, files: Files) -> dict[str, Any]:
    opened = saved(folder, files)
    entry = make_entry(opened, "acme/tiny", id="tiny", kind=None, revision=None)
    return json.loads(json.dumps(entry.values))  # type: ignore[no-any-return]


def checked(folder: Path, files: Files, **known: Any) -> Report:
    saved(folder, files)
    record: ImageTextModel[int] = ImageTextModel(
        id="tiny",
        type="image-text",
        name="Tiny",
        huggingface_id="acme/tiny",
        organization="Acme",
        description="A model for the tests.",
        embedding_dim=24,
    )
    return verify_folder(replace(record, **known), folder)


def test_an_entry_of_clip_says_how_its_images_are_read(tmp_path: Path) -> None:
    entry = made(tmp_path, image_text())
    assert entry["type"] == "image-text"
    assert entry["image"] == {
        "shortest_edge": 224,
        "crop": [224, 224],
        "resample": "bicubic",
        "rescale": 1 / 255,
        "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711],
        "colour": "RGB",
        "patch_size": 16,
        "hidden_dim": 48,
        "layers": 2,
    }
    assert entry["capabilities"]["modalities"] == ["image", "text"]
    assert entry["specs"]["embedding_dim"] == 24
    assert entry["encoding"]["text_padding"] == "longest"
    assert entry["encoding"]["text_length"] == 40
    assert entry["encoding"]["logit_scale"] == pytest.approx(math.exp(2.5))
    assert entry["encoding"]["logit_bias"] is None
    assert entry["provenance"]["/image/mean"] == CLIP_DEFAULTS
    assert entry["provenance"]["/image/patch_size"] == "folder: config.json"


def test_an_entry_of_siglip_pads_its_texts_and_scores_by_a_sigmoid(tmp_path: Path) -> None:
    entry = made(tmp_path, image_text("siglip"))
    encoding = entry["encoding"]
    assert entry["image"]["size"] == [224, 224]
    assert entry["image"]["crop"] == []
    assert (encoding["text_padding"], encoding["text_length"]) == ("max-length", 40)
    assert (encoding["lower_case"], encoding["remove_punctuation"]) == (True, True)
    assert encoding["logit_bias"] == 2.5


def test_an_entry_of_open_clip_says_what_its_configuration_says(tmp_path: Path) -> None:
    entry = made(tmp_path, open_clip())
    assert entry["type"] == "image-text"
    assert entry["architecture"]["type"] == "clip"
    assert entry["image"] == {
        "size": [224, 224],
        "crop": [],
        "resample": "bicubic",
        "rescale": 1 / 255,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "colour": "RGB",
        "patch_size": 32,
        "hidden_dim": 128,
        "layers": 2,
    }
    specs = entry["specs"]
    assert (specs["embedding_dim"], specs["hidden_dim"], specs["layers"]) == (24, 32, 3)
    assert entry["encoding"]["text_length"] == 40
    assert entry["encoding"]["logit_scale"] == pytest.approx(math.exp(2.5))
    files = entry["files"]
    assert files["config"] == "open_clip_config.json"
    assert files["weights"]["safetensors"] == "open_clip_model.safetensors"
    sources = set(entry["provenance"].values())
    assert "folder: open_clip_config.json" in sources
    assert "folder: config.json" not in sources


def test_what_open_clip_leaves_out_has_its_defaults_as_source(tmp_path: Path) -> None:
    sources = made(tmp_path, open_clip())["provenance"]
    for name in ("resample", "rescale", "colour"):
        assert sources[f"/image/{name}"] == "folder: OpenCLIP's default"
    assert sources["/encoding/text_padding"] == "folder: the type of the network"
    for stated in ("/image/size", "/image/mean", "/specs/hidden_dim", "/encoding/text_length"):
        assert sources[stated] == "folder: open_clip_config.json"


def test_what_open_clip_states_has_its_file_as_source(tmp_path: Path) -> None:
    files = open_clip()
    config = json.loads(files["open_clip_config.json"])
    del config["preprocess_cfg"]["mean"], config["model_cfg"]["text_cfg"]["context_length"]
    config["preprocess_cfg"] |= {"interpolation": "bilinear", "mode": "RGB"}
    files["open_clip_config.json"] = json.dumps(config).encode()
    entry = made(tmp_path, files)
    sources = entry["provenance"]
    assert sources["/image/resample"] == sources["/image/colour"] == "folder: open_clip_config.json"
    assert sources["/image/mean"] == "folder: OpenCLIP's default"
    assert entry["encoding"]["text_length"] == 77
    assert sources["/encoding/text_length"] == "folder: OpenCLIP's default"


def test_what_a_processor_leaves_out_has_its_class_as_source(tmp_path: Path) -> None:
    files = image_text()
    config = json.loads(files["preprocessor_config.json"])
    config |= {"image_std": [0.5, 0.5, 0.5], "size": {"shortest_edge": 224}}
    files["preprocessor_config.json"] = json.dumps(config).encode()
    sources = made(tmp_path, files)["provenance"]
    for name in ("resample", "mean", "rescale", "crop", "colour"):
        assert sources[f"/image/{name}"] == CLIP_DEFAULTS
    assert sources["/image/std"] == sources["/image/shortest_edge"] == PROCESSOR


def test_lengths_that_the_files_state_are_confirmed(tmp_path: Path) -> None:
    report = checked(tmp_path, open_clip(), context_length=40, text_length=40)
    found = {finding.field: finding for finding in report.findings}
    for field in ("context_length", "text_length"):
        assert (found[field].outcome, found[field].file) == ("agree", "open_clip_config.json")


def test_a_length_below_what_the_network_takes_is_not_said(tmp_path: Path) -> None:
    report = checked(tmp_path, open_clip(), context_length=32, text_length=32)
    found = {finding.field: finding.outcome for finding in report.findings}
    assert found["context_length"] == found["text_length"] == "not said"


def test_an_entry_of_pages_in_tiles(tmp_path: Path) -> None:
    entry = made(tmp_path, pages_in_tiles())
    assert entry["type"] == "colbert"
    assert entry["image"] == {
        "longest_edge": 2048,
        "tile_size": 512,
        "resample": "lanczos",
        "rescale": 1 / 255,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "colour": "RGB",
        "patch_size": 16,
        "merge_size": 4,
        "tokens": 64,
        "crop": [],
        "hidden_dim": 48,
        "layers": 2,
    }


@pytest.mark.parametrize(
    "files",
    [
        image_text(),
        image_text("siglip"),
        captioner(max_new_tokens=20),
        captioner_with_file(num_beams=3, max_length=20),
        open_clip(),
        pages_in_tiles(),
    ],
    ids=["clip", "siglip", "blip", "git", "open-clip", "tiles"],
)
def test_a_made_entry_is_valid(files: Files, tmp_path: Path) -> None:
    entry = made(tmp_path, files)
    sources = {"folder": {"title": "A folder"}}
    text = json.dumps({"version": "1", "sources": sources, "models": [entry]})
    assert find_problems(parse_source(text.encode())) == ()


@pytest.mark.parametrize(
    ("known", "theirs"),
    [
        ({"image_resample": "bilinear"}, "bicubic"),
        ({"image_size": (256, 256)}, (224, 224)),
        ({"image_crop": (200, 200)}, ()),
        ({"image_mean": (0.4, 0.4, 0.4)}, (0.5, 0.5, 0.5)),
        ({"image_rescale": 1.0}, 1 / 255),
        ({"image_patch_size": 14}, 16),
        ({"image_layers": 3}, 2),
        ({"image_hidden_dim": 64}, 48),
        ({"text_padding": "longest"}, "max-length"),
        ({"text_length": 64}, 40),
        ({"lower_case": False}, True),
        ({"remove_punctuation": False}, True),
        ({"logit_bias": -10.0}, 2.5),
        ({"embedding_dim": 32}, 24),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_verify_tells_what_differs_from_the_files(
    known: dict[str, Any], theirs: object, tmp_path: Path
) -> None:
    report = checked(tmp_path, image_text("siglip"), **known)
    found = {each.field: each.theirs for each in report.having("differ")}
    assert found == {next(iter(known)): theirs}


@pytest.mark.parametrize(
    ("changed", "field", "theirs"),
    [
        ({"do_resize": False}, "image_shortest_edge", "pictures as large as they are"),
        ({"size": {"height": 90, "width": 100}}, "image_shortest_edge", "image_size (90, 100)"),
        ({"size": {"shortest_edge": 90}}, "image_shortest_edge", 90),
        ({"do_center_crop": False}, "image_crop", ()),
        ({"crop_size": {"height": 64, "width": 64}}, "image_crop", (64, 64)),
        ({"resample": 0}, "image_resample", "nearest"),
        ({"do_rescale": False}, "image_rescale", 1.0),
        ({"rescale_factor": 0.5}, "image_rescale", 0.5),
        ({"image_mean": [0.1, 0.2, 0.3]}, "image_mean", (0.1, 0.2, 0.3)),
        ({"image_std": [0.1, 0.2, 0.3]}, "image_std", (0.1, 0.2, 0.3)),
        ({"patch_size": 7}, "image_patch_size", 7),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_verify_names_what_was_changed_in_the_file_of_a_processor(
    changed: dict[str, Any], field: str, theirs: object, tmp_path: Path
) -> None:
    said, _ = statements(saved(tmp_path, image_text()), "acme/tiny", "image-text")
    known = {name: fact.value for name, fact in said.items() if name.startswith("image_")}
    assert checked(tmp_path, image_text(), **known).is_good
    files = dict(image_text())
    name = "preprocessor_config.json"
    files[name] = json.dumps(json.loads(files[name]) | changed).encode()
    report = checked(tmp_path, files, **known)
    assert {each.field: each.theirs for each in report.having("differ")} == {field: theirs}


def test_verify_agrees_with_what_the_files_say(tmp_path: Path) -> None:
    known: dict[str, Any] = {
        "image_size": (224, 224),
        "image_crop": (),
        "image_resample": "bicubic",
        "image_mean": (0.5, 0.5, 0.5),
        "text_padding": "max-length",
        "text_length": 40,
    }
    report = checked(tmp_path, image_text("siglip"), **known)
    assert report.is_good
    agreeing = {each.field for each in report.having("agree")}
    assert set(known) - {"text_length"} <= agreeing
    open_questions = {each.field for each in report.having("checkpoint only")}
    assert {"image_std", "image_patch_size", "logit_scale"} <= open_questions


def test_a_sigmoid_is_not_refused_where_only_the_headers_of_the_weights_are_at_hand(
    tmp_path: Path,
) -> None:
    files = saved(tmp_path, image_text("siglip"))
    (tmp_path / "model.safetensors").unlink()
    said, notes = statements(files, "acme/tiny", "image-text")
    assert "logit_scale" not in said
    assert said["image_size"].value == (224, 224)
    assert notes == ()


@pytest.mark.parametrize(
    "name",
    ["preprocessor_config.json", "processor_config.json", "0_CLIPModel/preprocessor_config.json"],
)
def test_the_files_about_images_are_fetched(name: str) -> None:
    assert is_small_file(name)


def test_the_configuration_of_open_clip_is_fetched_where_it_counts() -> None:
    both = {"open_clip_config.json": 1, "open_clip_model.safetensors": 1}
    assert small_files(both) == ("open_clip_config.json",)
    assert small_files(both | {"config.json": 1}) == ("config.json",)


def test_only_clip_projects_images_and_texts(tmp_path: Path) -> None:
    clip = made(tmp_path / "clip", image_text())["architecture"]
    assert (clip["has_projection"], clip["projection_dims"]) == (True, 24)
    assert made(tmp_path / "siglip", image_text("siglip"))["architecture"]["has_projection"] is None


def test_an_entry_of_a_captioner_says_how_captions_are_searched(tmp_path: Path) -> None:
    stated = {"num_beams": 3, "max_length": 20, "min_length": 5, "repetition_penalty": 1.5}
    entry = made(tmp_path, captioner_with_file(**stated))
    assert entry["type"] == "captioner"
    assert entry["specs"]["embedding_dim"] is None
    assert {name: value for name, value in entry["encoding"].items() if value} == stated
    assert entry["image"]["size"] == [384, 384]
    assert entry["image"]["crop"] == []
    assert entry["image"]["hidden_dim"] == 48
    assert entry["capabilities"]["modalities"] == ["image", "text"]
    assert entry["provenance"]["/encoding/num_beams"] == "folder: generation_config.json"


def test_an_entry_has_no_setting_that_transformers_does_not_read(tmp_path: Path) -> None:
    ignored = {"num_beams": 3, "max_length": 20, "min_length": 5, "repetition_penalty": 1.5}
    entry = made(tmp_path, captioner(max_new_tokens=30, **ignored))
    assert {name: value for name, value in entry["encoding"].items() if value} == {
        "max_new_tokens": 30
    }
    assert entry["provenance"]["/encoding/max_new_tokens"] == "folder: config.json"


def test_the_search_of_captions_may_differ_and_the_images_may_not(tmp_path: Path) -> None:
    saved(tmp_path, captioner_with_file(num_beams=1))
    record = CaptionerModel(
        id="tiny",
        type="captioner",
        name="Tiny",
        huggingface_id="acme/tiny",
        organization="Acme",
        description="A model for the tests.",
        embedding_dim=None,
        num_beams=3,
        image_size=(384, 384),
    )
    assert verify_folder(record, tmp_path).is_good
    other = verify_folder(replace(record, image_size=(224, 224)), tmp_path)
    assert [each.field for each in other.having("differ")] == ["image_size"]


def test_the_images_of_a_network_that_no_encoder_runs_are_compared_all_the_same(
    tmp_path: Path,
) -> None:
    processor = {"image_processor_type": "CLIPImageProcessor"}
    files = image_text("altclip", processor=processor)
    report = checked(tmp_path, files, image_shortest_edge=336, image_resample="bicubic")
    assert "'altclip'" in str(report.refusal)
    assert [each.field for each in report.having("differ")] == ["image_shortest_edge"]
    assert "image_resample" in {each.field for each in report.having("agree")}


def test_a_model_for_pages_says_what_goes_with_queries_and_images(tmp_path: Path) -> None:
    entry = made(tmp_path, pages())
    assert entry["type"] == "colbert"
    assert entry["image"]["size"] == [448, 448]
    assert (entry["image"]["tokens"], entry["image"]["patch_size"]) == (1024, 14)
    assert entry["encoding"]["query_prompt"] == "Question: "
    assert entry["encoding"]["image_prompt"] == "Describe the image."
    assert entry["capabilities"] == {
        "languages": None,
        "modalities": ["image", "text"],
        "multi_vector": True,
        "quantization": None,
    }
    sources = {"folder": {"title": "A folder"}}
    text = json.dumps({"version": "1", "sources": sources, "models": [entry]})
    assert find_problems(parse_source(text.encode())) == ()
