"""What the files of a checkpoint say of pictures, by hand and as transformers writes them."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.processor import (
    CLASSES,
    IMAGE_PROCESSOR_FILE,
    PROCESSOR_FILE,
    ImageProcessor,
    read_image_processor,
)
from holotype.errors import CheckpointError, UnsupportedCheckpointError

_MODULES = {
    "CLIPImageProcessor": "clip",
    "ChineseCLIPImageProcessor": "chinese_clip",
    "BitImageProcessor": "bit",
    "BlipImageProcessor": "blip",
    "SiglipImageProcessor": "siglip",
    "Siglip2ImageProcessor": "siglip2",
    "ViTImageProcessor": "vit",
    "EfficientNetImageProcessor": "efficientnet",
    "Qwen2VLImageProcessor": "qwen2_vl",
    "Idefics3ImageProcessor": "idefics3",
    "SmolVLMImageProcessor": "smolvlm",
}


def folder_with(folder: Path, **files: Any) -> Path:
    """Write JSON files; two underscores in a name stand for a folder."""
    for name, values in files.items():
        path = folder / (name.replace("__", "/") + ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
    return folder


def read(folder: Path) -> ImageProcessor:
    found = read_image_processor(Checkpoint(folder))
    assert found is not None
    return found


def values_of(processor: ImageProcessor) -> dict[str, Any]:
    """The values that the files state, without the files."""
    fields = [name for name in ImageProcessor.__slots__ if name not in ("name", "folder")]
    found = {name: getattr(processor, name) for name in fields}
    return {name: setting.value for name, setting in found.items() if setting is not None}


def of_transformers(name: str) -> Any:
    module = importlib.import_module(
        f"transformers.models.{_MODULES[name]}.image_processing_pil_{_MODULES[name]}"
    )
    return getattr(module, f"{name}Pil")


@pytest.mark.parametrize("name", CLASSES)
def test_a_file_that_names_only_its_class_means_the_defaults_of_transformers(
    name: str, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    of_transformers(name)().save_pretrained(tmp_path / "written")
    named = folder_with(tmp_path / "named", preprocessor_config={"image_processor_type": name})
    short, written = read(named), read(tmp_path / "written")
    assert short.name == written.name == name
    assert values_of(short) == values_of(written)


@pytest.mark.parametrize("suffix", ["", "Fast", "Pil"])
def test_the_backend_of_a_class_does_not_matter(suffix: str, tmp_path: Path) -> None:
    kind = f"CLIPImageProcessor{suffix}"
    found = read(folder_with(tmp_path, preprocessor_config={"image_processor_type": kind}))
    assert values_of(found) == {
        "shortest_edge": 224,
        "crop": (224, 224),
        "resample": "bicubic",
        "rescale": 1 / 255,
        "mean": (0.48145466, 0.4578275, 0.40821073),
        "std": (0.26862954, 0.26130258, 0.27577711),
        "colour": "RGB",
    }


def test_files_of_clip_from_2021_are_read(tmp_path: Path) -> None:
    stated = {
        "crop_size": 336,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "resample": 3,
        "size": 336,
    }
    found = values_of(read(folder_with(tmp_path, preprocessor_config=stated)))
    assert (found["shortest_edge"], found["crop"]) == (336, (336, 336))


def test_a_number_as_the_size_means_both_sides_where_the_class_says_so(tmp_path: Path) -> None:
    stated = {"image_processor_type": "BlipImageProcessor", "size": 364}
    found = values_of(read(folder_with(tmp_path, preprocessor_config=stated)))
    assert found["size"] == (364, 364)
    assert found["crop"] == ()


def test_the_nested_file_goes_first_and_the_other_tells_the_text_side(tmp_path: Path) -> None:
    nested = {"image_processor_type": "SiglipImageProcessor", "size": {"height": 9, "width": 8}}
    other = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 7}}
    folder_with(
        tmp_path,
        processor_config={"image_processor": nested, "num_query_tokens": 32},
        preprocessor_config=other,
    )
    found = read(tmp_path)
    assert found.size is not None
    assert (found.size.value, found.size.file) == ((9, 8), PROCESSOR_FILE)
    assert found.tokens is not None
    assert found.tokens.value == 32


def test_the_folder_of_the_first_module_is_looked_into(tmp_path: Path) -> None:
    module = {"idx": 0, "name": "0", "path": "0_CLIPModel"}
    folder_with(
        tmp_path,
        modules=[module | {"type": "sentence_transformers.models.CLIPModel"}],
        **{
            "0_CLIPModel__preprocessor_config": {
                "image_processor_type": "CLIPImageProcessor",
                "crop_size": {"height": 9, "width": 8},
            }
        },
    )
    found = read(tmp_path)
    assert found.folder == "0_CLIPModel"
    assert found.crop is not None
    assert found.crop.file == f"0_CLIPModel/{IMAGE_PROCESSOR_FILE}"


def test_the_network_names_the_class_where_no_file_does(tmp_path: Path) -> None:
    folder_with(tmp_path, preprocessor_config={"size": 240}, config={"model_type": "clip"})
    assert values_of(read(tmp_path))["shortest_edge"] == 240


def test_of_an_unknown_class_only_what_is_stated_counts(tmp_path: Path) -> None:
    stated = {"image_processor_type": "OwnImageProcessor", "size": 512, "image_mean": [0.1] * 3}
    assert values_of(read(folder_with(tmp_path, preprocessor_config=stated))) == {
        "mean": (0.1, 0.1, 0.1)
    }


def test_steps_that_are_switched_off_are_stated_as_doing_nothing(tmp_path: Path) -> None:
    stated = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": False,
        "do_center_crop": False,
        "do_rescale": False,
        "do_normalize": False,
    }
    assert values_of(read(folder_with(tmp_path, preprocessor_config=stated))) == {
        "resizes": False,
        "crop": (),
        "resample": "bicubic",
        "rescale": 1.0,
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "colour": "RGB",
    }


def test_areas_patches_and_tiles_are_told_apart(tmp_path: Path) -> None:
    def of(name: str, stated: dict[str, Any]) -> dict[str, Any]:
        return values_of(read(folder_with(tmp_path / name, preprocessor_config=stated)))

    qwen = of("qwen", {"image_processor_type": "Qwen2VLImageProcessor", "max_pixels": 602_112})
    assert (qwen["min_pixels"], qwen["max_pixels"], qwen["merge_size"]) == (3136, 602_112, 2)
    naflex = of("naflex", {"image_processor_type": "Siglip2ImageProcessor"})
    assert (naflex["max_patches"], naflex["patch_size"]) == (256, 16)
    tiles = of("tiles", {"image_processor_type": "Idefics3ImageProcessor"})
    assert (tiles["longest_edge"], tiles["tile_size"]) == (1456, 364)
    whole = {"image_processor_type": "Idefics3ImageProcessor", "do_image_splitting": False}
    assert "tile_size" not in of("whole", whole)


def test_a_checkpoint_of_texts_says_nothing_of_pictures(tmp_path: Path) -> None:
    folder_with(tmp_path, config={"model_type": "bert"}, processor_config={"tokenizer": {}})
    assert read_image_processor(Checkpoint(tmp_path)) is None


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"resample": 9}, "'resample' is 9; expected the number of a filter of Pillow"),
        ({"image_mean": [1, 2]}, r"'image_mean' is \[1, 2\]; expected three numbers"),
        ({"size": "large"}, "'size' is 'large'; expected a number, two numbers"),
        ({"crop_size": {"height": 3}}, "'crop_size' is .* expected a number, or an object"),
        ({"rescale_factor": "1/255"}, "'rescale_factor' is '1/255'; expected a number"),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_the_file(
    stated: dict[str, Any], message: str, tmp_path: Path
) -> None:
    named = {"image_processor_type": "CLIPImageProcessor"}
    folder_with(tmp_path, preprocessor_config=named | stated)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_image_processor(Checkpoint(tmp_path))
    assert IMAGE_PROCESSOR_FILE in str(caught.value)


def test_a_way_of_resizing_that_is_not_supported_is_named(tmp_path: Path) -> None:
    stated = {
        "image_processor_type": "Idefics2ImageProcessor",
        "size": {"shortest_edge": 378, "longest_edge": 980},
    }
    folder_with(tmp_path, preprocessor_config=stated)
    with pytest.raises(UnsupportedCheckpointError, match="resizes pictures to"):
        read_image_processor(Checkpoint(tmp_path))
