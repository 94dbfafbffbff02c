"""Captions: token for token those of transformers, with the record's own settings."""

from __future__ import annotations

import json
import pickle
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tests.pictures import photograph
from tests.runtime.image_models import blip, blip_2, blip_2_t5, clip, git, vit_gpt2
from transformers.pytorch_utils import Conv1D

from holotype import load
from holotype.encoders import Captioner
from holotype.encoders.captioner import Caption
from holotype.encoders.checkpoints.captioner import CAPTIONERS
from holotype.encoders.torch_backend.backbone import weight_bytes
from holotype.encoders.torch_backend.captioner import CACHE_ARGUMENT
from holotype.encoders.torch_backend.linear_map import one_dnn_multiplies
from holotype.errors import (
    CatalogueMismatchError,
    ClosedEncoderError,
    ImageError,
    InvalidArgumentError,
    UnsupportedCheckpointError,
    WrongKindError,
)
from holotype.publishing.creating import create_artifact
from holotype.records import CaptionerModel

Make: TypeAlias = Callable[[Path], Any]
PICTURES = [photograph(40 + 7 * at, 60 - 3 * at, seed=at) for at in range(7)]
MAKERS: list[tuple[str, Make]] = [
    ("blip", blip),
    ("git", git),
    ("blip-2", blip_2),
    ("blip-2", blip_2_t5),
    ("vision-encoder-decoder", vit_gpt2),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"max_new_tokens": 9},
    {"max_new_tokens": 12, "num_beams": 3},
    {"max_new_tokens": 12, "num_beams": 4, "length_penalty": 2.0, "repetition_penalty": 1.5},
    {"max_new_tokens": 12, "min_length": 8, "prompt": "a photo of"},
    {"max_new_tokens": 7, "num_beams": 2, "prompt": "the red"},
]


def record_of(**values: Any) -> CaptionerModel:
    given: dict[str, Any] = {
        "id": "tiny",
        "type": "captioner",
        "name": "Tiny",
        "huggingface_id": "none/tiny",
        "organization": "none",
        "description": "A tiny model.",
        "embedding_dim": None,
    }
    return CaptionerModel(**given | values)


def theirs(kind: str, processor: Any, folder: Path, pictures: list[Any], **options: Any) -> Any:
    model: Any = getattr(transformers, CAPTIONERS[kind]).from_pretrained(folder).eval()
    prompt = options.pop("prompt", None)
    inputs = dict(processor.image_processor(pictures, return_tensors="pt"))
    if prompt is not None:
        texts = processor.tokenizer([prompt] * len(pictures), return_tensors="pt")
        if kind == "blip-2":
            texts = processor(pictures, [prompt] * len(pictures), return_tensors="pt")
        names = ["input_ids", "attention_mask"]
        if kind == "vision-encoder-decoder":
            inputs["decoder_input_ids"], names = texts["input_ids"], []
        inputs |= {name: texts[name] for name in names}
        if kind == "git":
            inputs["input_ids"] = inputs["input_ids"][:, :-1]
            inputs["attention_mask"] = inputs["attention_mask"][:, :-1]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using the model-agnostic default")
        ids = model.generate(**inputs, **options)
    return [text.strip() for text in processor.batch_decode(ids, skip_special_tokens=True)], ids


@pytest.fixture(scope="module", params=MAKERS, ids=[make.__name__ for _, make in MAKERS])
def each(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    kind, make = request.param
    folder = tmp_path_factory.mktemp("model")
    return kind, make(folder), folder


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_captions_are_those_of_transformers(each: Any, options: dict[str, Any]) -> None:
    kind, processor, folder = each
    captioner = load(record_of(**options), checkpoint=folder, device="cpu")
    texts, ids = theirs(kind, processor, folder, PICTURES, **options)
    assert len(set(texts)) > 1
    found = captioner.caption(PICTURES, batch_size=len(PICTURES))
    assert [caption.text for caption in found] == texts
    assert [caption.text for caption in captioner.caption(PICTURES, batch_size=2)] == texts
    assert captioner.caption(PICTURES[3]).text == texts[3]
    assert all(0 < caption.score <= 1 for caption in found)
    assert max(caption.n_tokens for caption in found) == ids.shape[1]


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({"max_new_tokens": 8}, "_ByPatches"),
        ({"max_new_tokens": 3, "prompt": "a photo of"}, "_ByPatches"),
        ({"max_new_tokens": 2, "num_beams": 4}, "_ByPatches"),
        ({"max_new_tokens": 9}, "_ByKeys"),
        ({"max_new_tokens": 3, "num_beams": 3}, "_ByKeys"),
        ({"max_new_tokens": 9, "num_beams": 3, "prompt": "a photo of"}, "_ByKeys"),
    ],
    ids=str,
)
def test_short_captions_of_blip_need_no_keys_of_pictures(
    options: dict[str, Any], way: str, tmp_path: Path
) -> None:
    processor = blip(tmp_path)
    captioner = load(record_of(**options), checkpoint=tmp_path, device="cpu")
    attention = writing_layers(captioner)[0].sight.attend
    assert type(attention).__name__ == (
        way if one_dnn_multiplies(torch.device("cpu"), torch.float32) else "_ByKeys"
    )
    texts, _ = theirs("blip", processor, tmp_path, PICTURES, **options)
    for n_pictures in (7, 3, 1):
        found = captioner.caption(PICTURES, batch_size=n_pictures)
        assert [caption.text for caption in found] == texts


@pytest.mark.parametrize("max_new_tokens", [8, 9])
def test_both_ways_are_as_exact_as_transformers(max_new_tokens: int, tmp_path: Path) -> None:
    blip(tmp_path)
    model: Any = transformers.BlipForConditionalGeneration.from_pretrained(tmp_path)
    model.eval()
    captioner: Any = load(
        record_of(max_new_tokens=max_new_tokens), checkpoint=tmp_path, device="cpu"
    )
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    options: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "return_dict_in_generate": True,
        "output_logits": True,
    }
    with torch.inference_mode():
        captions = captioner._towers.network._model
        ours = captions._model.generate(
            pixels, **options | {CACHE_ARGUMENT: captions._empty_cache()}
        )
        theirs = model.generate(pixels, **options)
        exact = model.double().generate(pixels.double(), **options)
    assert torch.equal(ours.sequences, exact.sequences)
    right = torch.stack(exact.logits)
    error = (torch.stack(ours.logits) - right).abs()
    assert error.mean() <= 2 * (torch.stack(theirs.logits) - right).abs().mean()


def test_captions_in_half_precision_attend_by_keys(tmp_path: Path) -> None:
    blip(tmp_path)
    captioner = load(
        record_of(max_new_tokens=4), checkpoint=tmp_path, device="cpu", dtype="bfloat16"
    )
    assert type(writing_layers(captioner)[0].sight.attend).__name__ == "_ByKeys"
    assert all(0 < caption.score <= 1 for caption in captioner.caption(PICTURES))


def writing_layers(captioner: Any) -> Any:
    (layers,) = captioner._towers.network._model._model.text_decoder.bert.encoder.layer
    return layers._network._layers


def test_all_maps_are_the_faster_ones(each: Any) -> None:
    _, _, folder = each
    captioner: Any = load(folder, device="cpu")
    left = [
        one
        for one in captioner._towers.network._model._model.modules()
        if isinstance(one, torch.nn.Linear | Conv1D)
    ]
    assert not one_dnn_multiplies(torch.device("cpu"), torch.float32) or not left


def test_the_score_is_the_mean_probability_of_the_tokens(each: Any) -> None:
    kind, processor, folder = each
    captioner = load(record_of(max_new_tokens=6), checkpoint=folder, device="cpu")
    model: Any = getattr(transformers, CAPTIONERS[kind]).from_pretrained(folder).eval()
    writer = getattr(model, "text_decoder", None) or getattr(model, "language_model", model)
    inputs = processor.image_processor(PICTURES[:1], return_tensors="pt")
    options = {"return_dict_in_generate": True, "output_logits": True, "max_new_tokens": 6}
    with torch.no_grad():
        found = model.generate(**inputs, **options)
    logs = writer.compute_transition_scores(found.sequences, found.logits, normalize_logits=True)
    assert captioner.caption(PICTURES[0]).score == pytest.approx(
        float(logs.double().mean().exp()), rel=1e-4
    )


def test_the_table_of_words_counts_where_it_is_held_twice(tmp_path: Path) -> None:
    blip(tmp_path)
    captioner = load(tmp_path, device="cpu")
    model: Any = transformers.BlipForConditionalGeneration.from_pretrained(tmp_path)
    words = model.text_decoder.get_input_embeddings().weight
    more = words.nbytes if one_dnn_multiplies(torch.device("cpu"), torch.float32) else 0
    assert captioner.memory_bytes == weight_bytes(model) + more


def test_a_folder_without_a_record(each: Any) -> None:
    kind, processor, folder = each
    captioner = load(folder, device="cpu")
    assert isinstance(captioner, Captioner)
    assert [one.text for one in captioner.caption(PICTURES)] == theirs(
        kind, processor, folder, PICTURES
    )[0]
    assert captioner.caption([]) == []


STATED: list[dict[str, Any]] = [
    {"max_new_tokens": 3},
    {"max_length": 9, "repetition_penalty": 1.7},
    {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True},
    {"min_length": 15, "no_repeat_ngram_size": 1},
]


def test_settings_in_each_file_count_as_in_transformers(each: Any, tmp_path: Path) -> None:
    kind, processor, folder = each
    usual = theirs(kind, processor, folder, PICTURES)[0]
    # A network that leaves the writing to another does not read the file, and of the settings in the
    # configuration of the other one, one counts.
    reads_all = kind in ("git", "vision-encoder-decoder")
    counting = {"generation_config.json": STATED if reads_all else [], "config.json": []}
    if not reads_all:
        counting["text_config"] = STATED[:1]
    for place, those_that_count in counting.items():
        for at, stated in enumerate(STATED):
            copy = shutil.copytree(folder, tmp_path / f"{place}-{at}")
            change(copy, place, stated)
            expected = theirs(kind, processor, copy, PICTURES)[0]
            captioner = load(record_of(), checkpoint=copy, device="cpu")
            assert [one.text for one in captioner.caption(PICTURES)] == expected
            assert (expected != usual) == (stated in those_that_count)


@pytest.mark.parametrize(
    ("kind", "make", "place"),
    [
        ("git", git, "config.json"),
        ("vision-encoder-decoder", vit_gpt2, "config.json"),
        ("vision-encoder-decoder", vit_gpt2, "decoder"),
    ],
)
def test_a_network_without_a_generation_file_takes_its_configuration(
    kind: str, make: Make, place: str, tmp_path: Path
) -> None:
    processor = make(tmp_path / "model")
    (tmp_path / "model/generation_config.json").unlink()
    usual = theirs(kind, processor, tmp_path / "model", PICTURES)[0]
    for at, stated in enumerate(STATED):
        copy = shutil.copytree(tmp_path / "model", tmp_path / f"model-{at}")
        change(copy, place, stated)
        expected = theirs(kind, processor, copy, PICTURES)[0]
        assert expected != usual
        captioner = load(record_of(), checkpoint=copy, device="cpu")
        assert [one.text for one in captioner.caption(PICTURES)] == expected


def change(folder: Path, place: str, stated: dict[str, Any]) -> None:
    path = folder / (place if place.endswith(".json") else "config.json")
    values = json.loads(path.read_text())
    if place != path.name:
        values[place] |= stated
    else:
        values |= stated
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(("kind", "make"), MAKERS[:3], ids=["blip", "git", "blip_2"])
@pytest.mark.parametrize("prompt", [None, "a photo of"])
def test_captions_of_no_stated_length_end_where_the_network_does(
    kind: str, make: Any, prompt: str | None, tmp_path: Path
) -> None:
    processor = make(tmp_path, n_positions=12)
    captioner = load(record_of(prompt=prompt), checkpoint=tmp_path, device="cpu")
    options = {} if prompt is None else {"prompt": prompt}
    texts, ids = theirs(kind, processor, tmp_path, PICTURES, **options)
    found = captioner.caption(PICTURES)
    assert [one.text for one in found] == texts
    assert ids.shape[1] <= 12
    assert max(caption.n_tokens for caption in found) == ids.shape[1]


def test_captions_of_two_joined_networks_end_where_that_for_texts_does(tmp_path: Path) -> None:
    # transformers goes on, and fails in the middle of a caption.
    processor = vit_gpt2(tmp_path, n_positions=12)
    captioner = load(record_of(), checkpoint=tmp_path, device="cpu")
    texts, _ = theirs("vision-encoder-decoder", processor, tmp_path, PICTURES, max_length=12)
    found = captioner.caption(PICTURES)
    assert [one.text for one in found] == texts
    assert max(caption.n_tokens for caption in found) == 12


def test_a_causal_mask_that_older_checkpoints_hold_is_no_weight(tmp_path: Path) -> None:
    processor = vit_gpt2(tmp_path)
    texts, _ = theirs("vision-encoder-decoder", processor, tmp_path, PICTURES)
    tensors = load_file(tmp_path / "model.safetensors")
    for at in range(2):
        for name in ("attn", "crossattention"):
            prefix = f"decoder.transformer.h.{at}.{name}"
            tensors[f"{prefix}.bias"] = torch.ones((1, 1, 40, 40), dtype=torch.uint8).tril()
            tensors[f"{prefix}.masked_bias"] = torch.tensor(-1e4)
    tensors["decoder.lm_head.weight"] = tensors["decoder.transformer.wte.weight"].clone()
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    captioner = load(record_of(), checkpoint=tmp_path, device="cpu")
    assert [one.text for one in captioner.caption(PICTURES)] == texts


@pytest.mark.parametrize(("part", "other"), [("encoder", "swin"), ("decoder", "trocr")])
def test_other_joined_networks_are_refused_by_name(part: str, other: str, tmp_path: Path) -> None:
    vit_gpt2(tmp_path)
    change(tmp_path, part, {"model_type": other})
    with pytest.raises(UnsupportedCheckpointError, match=rf"{part}\.model_type is '{other}'"):
        load(tmp_path, device="cpu")


def test_streams_and_bad_pictures(tmp_path: Path) -> None:
    blip(tmp_path)
    captioner = load(tmp_path, device="cpu")
    assert isinstance(captioner, Captioner)
    several = PICTURES * 6
    windows = list(captioner.caption_stream(iter(several)))
    assert len(windows) > 1
    whole = [caption for window in windows for caption in window]
    assert [one.text for one in whole] == [one.text for one in captioner.caption(several)]
    with pytest.raises(ImageError, match="index 41 is empty"):
        captioner.caption([*several[:41], b""])
    assert isinstance(captioner.caption(np.asarray(PICTURES[0])), Caption)
    captioner.warm_up()
    captioner.close()
    with pytest.raises(ClosedEncoderError):
        captioner.caption(PICTURES)


def test_two_devices_write_the_captions_of_one(each: Any) -> None:
    _, _, folder = each
    captioner = load(record_of(num_beams=2), checkpoint=folder, device="cpu")
    several = PICTURES * 3
    theirs = captioner.caption(several)
    assert len({caption.text for caption in theirs}) > 1
    for devices in (["cpu"], ["cpu", "cpu"], ["cpu:0", "cpu"]):
        ours = captioner.caption(several, devices=devices)
        assert [one.text for one in ours] == [one.text for one in theirs]
        windows = captioner.caption_stream(iter(several), devices=devices, batch_size=2)
        assert [one.text for window in windows for one in window] == [one.text for one in theirs]


def test_a_further_device_holds_weights_of_its_own_until_the_end(tmp_path: Path) -> None:
    blip(tmp_path)
    captioner = load(record_of(), checkpoint=tmp_path, device="cpu")
    one = captioner.memory_bytes
    captioner.caption(PICTURES[:2], devices=["cpu", "cpu:0"])
    assert captioner.memory_bytes == 2 * one
    with pytest.raises(InvalidArgumentError, match="devices is 'cpu'"):
        captioner.caption(PICTURES[:2], devices="cpu")
    captioner.close()
    with pytest.raises(ClosedEncoderError):
        captioner.caption(PICTURES[:2], devices=["cpu:0"])


def test_progress_counts_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blip(tmp_path)
    captioner = load(record_of(max_new_tokens=3), checkpoint=tmp_path, device="cpu")
    capsys.readouterr()
    captioner.caption(PICTURES, progress=True)
    shown = capsys.readouterr().err
    assert "tiny: " in shown
    assert "7/7 [" in shown
    assert " pictures/s" in shown
    # An iterator does not say how many there are.
    for _ in captioner.caption_stream(iter(PICTURES), progress=True, batch_size=2):
        pass
    streamed = capsys.readouterr().err
    assert "7 pictures [" in streamed
    assert "7/7" not in streamed
    captioner.caption(PICTURES, progress=False)
    captioner.caption(PICTURES)
    assert capsys.readouterr().err == ""


def test_the_settings_of_generation_are_in_the_fingerprint(tmp_path: Path) -> None:
    blip(tmp_path)
    choices: list[dict[str, Any]] = [{}, {"num_beams": 2}, {"prompt": "a"}, {"max_new_tokens": 5}]
    found = {load(record_of(**one), checkpoint=tmp_path).fingerprint for one in choices}
    assert len(found) == len(choices)


def test_what_is_no_captioner_is_refused(tmp_path: Path) -> None:
    clip(tmp_path / "clip")
    with pytest.raises(WrongKindError, match="expected one that writes captions"):
        load(record_of(), checkpoint=tmp_path / "clip")
    blip(tmp_path / "blip")
    with pytest.raises(CatalogueMismatchError, match="image_size"):
        load(record_of(image_size=(384, 384)), checkpoint=tmp_path / "blip")
    with pytest.raises(InvalidArgumentError, match="reads no texts"):
        load(record_of(), checkpoint=tmp_path / "blip", max_length=5)


def test_an_artifact_writes_the_same_captions(tmp_path: Path) -> None:
    git(tmp_path / "model")
    captioner = load(tmp_path / "model", device="cpu")
    create_artifact(tmp_path / "model", tmp_path / "artifact")
    made = load(tmp_path / "artifact", device="cpu", verify="full")
    assert isinstance(captioner, Captioner)
    assert isinstance(made, Captioner)
    assert made.fingerprint == captioner.fingerprint
    assert made.caption(PICTURES) == captioner.caption(PICTURES)


def test_a_pickled_captioner_is_loaded_again(tmp_path: Path) -> None:
    blip(tmp_path)
    captioner = load(record_of(max_new_tokens=5), checkpoint=tmp_path, device="cpu")
    again = pickle.loads(pickle.dumps(captioner))
    assert again.caption(PICTURES) == captioner.caption(PICTURES)
