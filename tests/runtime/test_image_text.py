"""Pictures and texts: the vectors and scores of transformers, by every route to a checkpoint."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from tests.pictures import encoded, photograph
from tests.runtime.image_models import (
    align,
    chinese_clip,
    clip,
    metaclip_2,
    open_clip,
    siglip,
    siglip2,
    siglip2_fixed,
)
from tests.runtime.parity import assert_same, assert_scores_same, change, change_tensors, write
from transformers import AutoModel

from holotype import load
from holotype.encoders import ImageTextEncoder
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    ClosedEncoderError,
    ImageError,
    TensorError,
    TextOverflowError,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)
from holotype.hub.verifying import verify_folder
from holotype.publishing.contents import CreationOptions
from holotype.publishing.creating import create_artifact
from holotype.records import ImageTextModel

Make: TypeAlias = Callable[[Path], Any]
TEXTS = ["a cat", "the photo of a red dog and two cat", "", "unknown words."]
PICTURES = [photograph(60, 80), photograph(33, 20, seed=1), photograph(30, 30), photograph(9, 90)]
MAKERS: list[Make] = [
    clip,
    metaclip_2,
    siglip,
    siglip2,
    lambda folder: siglip2(folder, masked=True),
    lambda folder: siglip2(folder, masked=True, left=True),
    siglip2_fixed,
    lambda folder: siglip2_fixed(folder, lowers=True),
    chinese_clip,
    align,
]
NAMES = [
    *("clip", "metaclip_2", "siglip", "siglip2", "siglip2-masked", "siglip2-left"),
    *("siglip2-fixed", "siglip2-fixed-lower", "chinese_clip", "align"),
]


def model_of(folder: Path) -> Any:
    return AutoModel.from_pretrained(folder).eval()


def texts_of(processor: Any, folder: Path, texts: list[str]) -> Any:
    config = model_of(folder).config
    padding: dict[str, Any] = {"padding": "max_length"}
    padding["max_length"] = config.text_config.max_position_embeddings
    if "siglip" not in config.model_type:
        padding["padding"] = True
    return processor(text=texts, return_tensors="pt", truncation=True, **padding)


def pixels_of(processor: Any, pictures: list[Any]) -> Any:
    # As a whole, the processor of SigLIP 2 reads 256 patches, whatever the checkpoint says.
    return processor.image_processor(pictures, return_tensors="pt")


@torch.no_grad()
def their_texts(processor: Any, folder: Path, texts: list[str]) -> Any:
    inputs = texts_of(processor, folder, texts)
    return model_of(folder).get_text_features(**inputs).pooler_output.numpy()


@torch.no_grad()
def their_pictures(processor: Any, folder: Path, pictures: list[Any]) -> Any:
    return (
        model_of(folder).get_image_features(**pixels_of(processor, pictures)).pooler_output.numpy()
    )


def opened(folder: Path) -> ImageTextEncoder:
    encoder = load(folder, device="cpu")
    assert isinstance(encoder, ImageTextEncoder)
    return encoder


@pytest.fixture(scope="module", params=MAKERS, ids=NAMES)
def each(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("model")
    processor = request.param(folder)
    return processor, folder, opened(folder)


def test_vectors_of_pictures(each: Any) -> None:
    processor, folder, encoder = each
    theirs = their_pictures(processor, folder, PICTURES)
    assert np.abs(theirs[0] - theirs[1]).max() > 1e-3
    for batch_size in (None, 1, 3):
        assert_same(encoder.encode_image(PICTURES, batch_size=batch_size), theirs)
    assert_same(encoder.encode_image(PICTURES[0])[None], theirs[:1])


def test_vectors_of_texts(each: Any) -> None:
    processor, folder, encoder = each
    theirs = their_texts(processor, folder, TEXTS)
    for batch_size in (None, 1, 3):
        assert_same(encoder.encode(TEXTS, batch_size=batch_size), theirs)
    assert_same(encoder.encode_query(TEXTS), theirs)
    assert_same(encoder.encode_document(TEXTS[0])[None], theirs[:1])


def test_long_texts_are_cut_as_by_transformers(each: Any) -> None:
    processor, folder, encoder = each
    long = ["the red cat " * 30, "a dog"]
    theirs = their_texts(processor, folder, long)
    assert_same(encoder.encode(long, on_overflow="truncate"), theirs)
    with pytest.raises(TextOverflowError):
        encoder.encode(long, on_overflow="error")


def test_scores_are_those_of_the_whole_model(each: Any) -> None:
    processor, folder, encoder = each
    inputs = dict(texts_of(processor, folder, TEXTS))
    inputs |= dict(pixels_of(processor, PICTURES))
    with torch.no_grad():
        logits = model_of(folder)(**inputs).logits_per_text
    texts, pictures = encoder.encode_query(TEXTS), encoder.encode_image(PICTURES)
    scores = encoder.similarity(texts, pictures)
    if encoder.encoding.similarity == "sigmoid":
        theirs = torch.sigmoid(logits).numpy()
    else:
        model = model_of(folder)
        own = 1 / model.temperature if hasattr(model, "temperature") else model.logit_scale.exp()
        scale = float(own.detach())
        theirs = (logits / scale).detach().numpy()
        assert encoder.encoding.logit_scale == pytest.approx(scale)
    assert_scores_same(scores, theirs)
    pairs = encoder.similarity_pairwise(texts, pictures)
    assert np.allclose(pairs, scores.diagonal(), atol=1e-6)


def test_labels(each: Any) -> None:
    processor, folder, encoder = each
    labels = ["cat", "dog", "red house"]
    sentences = [f"This is a photo of {label}." for label in labels]
    inputs = dict(texts_of(processor, folder, sentences))
    inputs |= dict(pixels_of(processor, PICTURES))
    with torch.no_grad():
        logits = model_of(folder)(**inputs).logits_per_image
    sigmoid = encoder.encoding.similarity == "sigmoid"
    theirs = torch.sigmoid(logits) if sigmoid else torch.softmax(logits, dim=-1)
    found = encoder.classify_image(PICTURES, labels)
    for row, expected in zip(found, theirs.tolist(), strict=True):
        by_label = {score.label: score.score for score in row}
        assert [by_label[label] for label in labels] == pytest.approx(expected, abs=1e-5)
        assert [score.score for score in row] == sorted(by_label.values(), reverse=True)
    assert encoder.classify_image(PICTURES[0], labels)[0].label == found[0][0].label


def test_a_record_of_the_catalogue_decides_what_the_files_do_not_say(tmp_path: Path) -> None:
    processor = clip(tmp_path)
    record: ImageTextModel[Any] = image_record(normalize=True, image_transparency="black")
    encoder = load(record, checkpoint=tmp_path)
    clear = Image.new("RGBA", (40, 40), (10, 200, 30, 0))
    theirs = their_pictures(processor, tmp_path, [Image.new("RGB", (40, 40)), PICTURES[0]])
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    assert_same(encoder.encode_image([clear, PICTURES[0]]), theirs)


def image_record(**values: Any) -> ImageTextModel[Any]:
    given: dict[str, Any] = {
        "id": "tiny",
        "type": "image-text",
        "name": "Tiny",
        "huggingface_id": "none/tiny",
        "organization": "none",
        "description": "A tiny model.",
        "embedding_dim": 24,
    }
    return ImageTextModel(**given | values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("embedding_dim", 32),
        ("image_mean", (0.5, 0.5, 0.5)),
        ("image_resample", "bilinear"),
        ("image_shortest_edge", 224),
        ("image_crop", (28, 28)),
        ("image_rescale", 1.0),
        ("image_layers", 12),
        ("image_patch_size", 16),
        ("hidden_dim", 64),
        ("layers", 12),
        ("vocab_size", 49408),
        ("text_length", 77),
        ("text_padding", "max-length"),
        ("logit_scale", 100.0),
    ],
)
def test_a_record_of_another_model_is_refused(field: str, value: Any, tmp_path: Path) -> None:
    clip(tmp_path)
    with pytest.raises(CatalogueMismatchError, match=field):
        load(image_record(**{field: value}), checkpoint=tmp_path)


def test_an_edge_that_no_processor_of_such_models_knows_is_refused(tmp_path: Path) -> None:
    processor = clip(tmp_path)
    processor.image_processor.size = {"longest_edge": 30}
    processor.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedModelError, match="resized by their longest edge"):
        load(tmp_path)


def test_every_form_of_a_picture_gives_one_vector(each: Any, tmp_path: Path) -> None:
    _, _, encoder = each
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(photograph(50, 70).convert("RGBA"), exif=exif)
    (tmp_path / "turned.png").write_bytes(content)
    forms = [tmp_path / "turned.png", content, Image.open(BytesIO(content))]
    first, *others = (encoder.encode_image(form) for form in forms)
    assert all(np.array_equal(first, other) for other in others)


def test_more_pictures_than_a_window(each: Any) -> None:
    _, _, encoder = each
    pictures = [photograph(20 + at, 30, seed=at) for at in range(90)]
    whole = encoder.encode_image(pictures)
    one_by_one = np.stack([encoder.encode_image(picture) for picture in pictures])
    assert_same(whole, one_by_one)
    windows = list(encoder.encode_image_stream(iter(pictures)))
    assert len(windows) > 1
    assert np.array_equal(np.concatenate(windows), whole)


def test_a_stream_reads_no_more_than_two_windows_ahead(each: Any) -> None:
    _, _, encoder = each
    pulled = 0

    def pictures() -> Any:
        nonlocal pulled
        while True:
            pulled += 1
            yield PICTURES[pulled % 4]

    stream = encoder.encode_image_stream(pictures())
    first = next(stream)
    assert pulled <= 3 * len(first)
    stream.close()


def test_a_bad_picture_has_its_index_in_the_whole_call(each: Any) -> None:
    _, _, encoder = each
    pictures: list[Any] = [PICTURES[0]] * 70
    pictures[66] = b"no picture"
    with pytest.raises(ImageError, match="the picture at index 66 begins with b'no picture'"):
        encoder.encode_image(pictures)


def test_no_pictures(each: Any) -> None:
    _, _, encoder = each
    assert encoder.encode_image([]).shape == (0, encoder.dim)
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_half_precision_is_near(each: Any) -> None:
    _, folder, encoder = each
    half = load(folder, device="cpu", dtype="bfloat16")
    assert isinstance(half, ImageTextEncoder)
    ours, whole = half.encode_image(PICTURES), encoder.encode_image(PICTURES)
    assert ours.dtype == np.float32
    assert np.abs(ours - whole).max() < 0.05 * np.abs(whole).max()


def test_progress_counts_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip(tmp_path)
    encoder = opened(tmp_path)
    encoder.encode_image(PICTURES, progress=True)
    shown = capsys.readouterr().err
    assert "4/4 [" in shown
    assert " pictures/s" in shown
    encoder.encode_image(PICTURES, progress=False)
    assert capsys.readouterr().err == ""


def test_threads_share_an_encoder(tmp_path: Path) -> None:
    clip(tmp_path)
    encoder = opened(tmp_path)
    singles = [encoder.encode_image(one) for one in PICTURES]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(encoder.encode_image, PICTURES * 4))
    assert_same(np.stack(found), np.stack(singles * 4))


@pytest.mark.parametrize(
    ("labels", "template", "problem"),
    [
        (["a", "a"], "{}", "expected different labels"),
        (["a", "b"], "no place", "has no '{}' where a label would stand"),
    ],
)
def test_labels_and_templates_that_say_nothing_are_refused(
    labels: list[str], template: str, problem: str, tmp_path: Path
) -> None:
    clip(tmp_path)
    with pytest.raises(ValueError, match=problem):
        opened(tmp_path).classify_image(PICTURES, labels, template=template)


@pytest.mark.parametrize(
    ("labels", "template", "problem"),
    [
        ({"x": "cat"}, "{}", r"labels is of type dict, .* as list\(labels\.values\(\)\)$"),
        ({"a", "b"}, "{}", "labels is of type set, which has no order"),
        (None, "{}", "labels is None; expected"),
        (3, "{}", "labels is of type int; expected"),
        (np.array("a"), "{}", "labels is of type ndarray; expected"),
        (["a", None], "{}", "the label at index 1 is None; expected str"),
        ([b"b"], "{}", "the label at index 0 is of type bytes; expected str"),
        (["a"], None, "the template is None; expected str"),
        (["a"], b"{}", "the template is of type bytes; expected str"),
    ],
    ids=[
        "dict",
        "set",
        "None",
        "int",
        "array",
        "None within",
        "bytes within",
        "no template",
        "bytes",
    ],
)
def test_labels_are_texts_in_an_order(
    labels: Any, template: Any, problem: str, tmp_path: Path
) -> None:
    clip(tmp_path)
    with pytest.raises(TypeError, match=f"^{problem}"):
        opened(tmp_path).classify_image(PICTURES, labels, template=template)


def test_a_picture_among_texts_is_told_who_reads_it(tmp_path: Path) -> None:
    clip(tmp_path)
    told = (
        r"the text at index 1 is of type Image; expected str; encode_image\(\) of models that read "
        "pictures takes them$"
    )
    with pytest.raises(TypeError, match=told):
        opened(tmp_path).encode(["a", PICTURES[0]])  # type: ignore[list-item]  # the mistake


def test_labels_of_any_sequence_are_read_once(each: Any) -> None:
    encoder = each[2]
    expected = encoder.classify_image(PICTURES, ["a", "b"])
    for labels in (("a", "b"), np.array(["a", "b"]), (label for label in "ab")):
        assert encoder.classify_image(PICTURES, labels) == expected


def test_labels_are_encoded_again_only_where_something_differs(
    each: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = each[2]
    encoded: list[Any] = []
    encode = type(encoder).encode

    def counted(self: Any, texts: Any, **options: Any) -> Any:
        encoded.append(list(texts))
        return encode(self, texts, **options)

    monkeypatch.setattr(type(encoder), "encode", counted)
    first = encoder.classify_image(PICTURES, ["x", "y"])
    again = encoder.classify_image(PICTURES, ["x", "y"], template="This is a photo of {}.")
    assert again == first
    assert encoded == [["This is a photo of x.", "This is a photo of y."]]
    assert encoder.classify_image(PICTURES[:1], ["y", "x"], template="{}")[0] != first[0]
    assert encoder.classify_image(PICTURES, ["x", "y"]) == first
    assert encoded[1:] == [["y", "x"], encoded[0]]
    with pytest.raises(TextOverflowError):
        encoder.classify_image(PICTURES, ["x " * 600], template="{}", on_overflow="error")
    assert encoder.classify_image(PICTURES, ["x", "y"]) == first
    assert len(encoded) == 4


def test_two_devices(each: Any) -> None:
    _, _, encoder = each
    both = encoder.encode_image(PICTURES * 5, devices=["cpu", "cpu"])
    assert_same(both, encoder.encode_image(PICTURES * 5))


def test_a_closed_encoder(tmp_path: Path) -> None:
    siglip(tmp_path)
    encoder = opened(tmp_path)
    whole = model_of(tmp_path)
    n_bytes = sum(tensor.nbytes for tensor in (*whole.parameters(), *whole.buffers()))
    assert encoder.memory_bytes == n_bytes
    encoder.warm_up()
    encoder.close()
    with pytest.raises(ClosedEncoderError):
        encoder.encode_image(PICTURES)
    with pytest.raises(ClosedEncoderError):
        encoder.encode("a cat")


def sentence_transformers_folder(folder: Path, *, old: bool) -> Any:
    if not old:
        processor = clip(folder / "plain")
        SentenceTransformer(str(folder / "plain"), device="cpu").save(str(folder / "saved"))
        return processor, folder / "saved"
    processor = clip(folder / "saved" / "0_CLIPModel")
    module = {"idx": 0, "name": "0", "path": "0_CLIPModel"}
    (folder / "saved").mkdir(exist_ok=True)
    write(
        folder / "saved",
        "modules.json",
        [module | {"type": "sentence_transformers.models.CLIPModel"}],
    )
    write(
        folder / "saved",
        "config_sentence_transformers.json",
        {"__version__": {"sentence_transformers": "2.0.0"}},
    )
    return processor, folder / "saved"


@pytest.mark.parametrize("old", [False, True])
def test_folders_of_sentence_transformers(old: bool, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "saved" / "0_CLIPModel").mkdir(parents=True)
    if not old:
        shutil.rmtree(tmp_path / "saved")
    _, folder = sentence_transformers_folder(tmp_path, old=old)
    reference = SentenceTransformer(str(folder), device="cpu")
    encoder = opened(folder)
    assert_same(encoder.encode(TEXTS[:2]), reference.encode(TEXTS[:2]))
    # The library reads a text with any blank as one, and a picture as an object.
    assert_same(encoder.encode_image(PICTURES), reference.encode(PICTURES))


def test_modules_that_would_change_vectors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    _, folder = sentence_transformers_folder(tmp_path, old=False)
    entries = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1", "type": "sentence_transformers.models.Dense"},
    ]
    write(folder, "modules.json", entries)
    with pytest.raises(UnsupportedCheckpointError, match="lists the modules Transformer, Dense"):
        load(folder)


def test_a_module_that_normalises(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    _, folder = sentence_transformers_folder(tmp_path, old=False)
    plain = opened(folder).encode_image(PICTURES)
    entries = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1", "type": "sentence_transformers.models.Normalize"},
    ]
    write(folder, "modules.json", entries)
    expected = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    assert_same(opened(folder).encode_image(PICTURES), expected)


def test_what_is_done_to_pictures_is_in_the_fingerprint(tmp_path: Path) -> None:
    clip(tmp_path)
    plain = load(image_record(), checkpoint=tmp_path)
    found = {plain.fingerprint}
    for choice in ({"image_transparency": "black"}, {"image_orientation": "stored"}):
        found.add(load(image_record(**choice), checkpoint=tmp_path).fingerprint)
    assert load(image_record(), checkpoint=tmp_path).fingerprint == plain.fingerprint
    file = next(name for name in ("processor_config.json",) if (tmp_path / name).is_file())
    values = {"image_processor": {"image_processor_type": "CLIPImageProcessor", "resample": 2}}
    change(tmp_path, file, **values)
    sides = {"image_shortest_edge": 30, "image_crop": (30, 30)}
    with pytest.raises(CatalogueMismatchError):
        load(image_record(**sides), checkpoint=tmp_path)
    change(
        tmp_path,
        file,
        image_processor=values["image_processor"]
        | {"size": {"shortest_edge": 30}, "crop_size": {"height": 30, "width": 30}},
    )
    found.add(load(image_record(), checkpoint=tmp_path).fingerprint)
    assert len(found) == 4


def test_the_text_of_siglip_is_cleaned_as_by_its_own_tokenizer(tmp_path: Path) -> None:
    siglip(tmp_path)
    record = image_record(embedding_dim=32, lower_case=True, remove_punctuation=True)
    encoder = load(record, checkpoint=tmp_path)
    plain = opened(tmp_path)
    assert_same(encoder.encode(["  A CAT, (and) the\tdog!  "]), plain.encode(["a cat and the dog"]))


def test_a_checkpoint_that_names_the_tokenizer_of_siglip(tmp_path: Path) -> None:
    siglip(tmp_path)
    plain = opened(tmp_path)
    change(tmp_path, "tokenizer_config.json", tokenizer_class="SiglipTokenizer")
    encoder = opened(tmp_path)
    assert encoder.encoding.lower_case
    assert encoder.encoding.remove_punctuation
    assert_same(encoder.encode(["  A CAT, (and) the\tdog!  "]), plain.encode(["a cat and the dog"]))


@pytest.mark.parametrize("make", [siglip, siglip2, siglip2_fixed])
def test_texts_are_not_padded_by_a_guess(make: Callable[[Path], Any], tmp_path: Path) -> None:
    # Without the file transformers masks the padding, and the vectors are others.
    make(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.raises(UnsupportedModelError, match=r"has no tokenizer_config\.json"):
        load(tmp_path, device="cpu")


def test_weights_that_are_missing_are_an_error(tmp_path: Path) -> None:
    clip(tmp_path)
    change_tensors(tmp_path, "model.safetensors", visual_projection__weight=None)
    with pytest.raises(TensorError, match="visual_projection"):
        load(tmp_path, device="cpu")


def test_another_backend_needs_an_export(tmp_path: Path) -> None:
    clip(tmp_path)
    with pytest.raises(CheckpointError, match="make one with: holotype export"):
        load(image_record(), checkpoint=tmp_path, backend="onnx")


def test_an_artifact_gives_the_same_vectors(tmp_path: Path) -> None:
    siglip(tmp_path / "model")
    encoder = opened(tmp_path / "model")
    create_artifact(tmp_path / "model", tmp_path / "artifact")
    made = load(tmp_path / "artifact", device="cpu", verify="full")
    assert isinstance(made, ImageTextEncoder)
    assert made.fingerprint == encoder.fingerprint
    assert np.array_equal(made.encode_image(PICTURES), encoder.encode_image(PICTURES))


def test_what_is_not_run_is_refused_by_name(tmp_path: Path) -> None:
    clip(tmp_path / "model")
    for kind, words in {
        "idefics3": "'idefics3', a network without the projection of late interaction",
        "jina_clip": "'jina_clip', whose networks are code of its own repository",
        "nomic_bert": "'nomic_bert', whose network for pictures is code of its own repository",
        "altclip": "architecture 'altclip'; expected one with",
        "flava": "architecture 'flava'; expected one with",
        "blip": "architecture 'blip'; expected one with",
    }.items():
        change(tmp_path / "model", "config.json", model_type=kind, architectures=["Other"])
        with pytest.raises(CheckpointError, match=words):
            load(tmp_path / "model")
        if kind != "idefics3":
            with pytest.raises(CheckpointError, match=words):
                load(image_record(), checkpoint=tmp_path / "model")


def test_a_folder_of_open_clip_is_a_model_like_others(tmp_path: Path) -> None:
    open_clip(tmp_path / "model")
    encoder = opened(tmp_path / "model")
    vectors = encoder.encode_image(PICTURES)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-2
    create_artifact(tmp_path / "model", tmp_path / "artifact")
    made = load(tmp_path / "artifact", device="cpu", verify="full")
    assert made.fingerprint == encoder.fingerprint
    record = image_record(image_shortest_edge=30, image_mean=(0.4, 0.5, 0.6), layers=3)
    assert load(record, checkpoint=tmp_path / "model").fingerprint == encoder.fingerprint
    for wrong, source in (
        ({"image_patch_size": 16}, r"open_clip_config\.json says"),
        ({"layers": 12}, r"open_clip_config\.json says"),
        ({"image_resample": "bilinear"}, "OpenCLIP's default says 'bicubic'"),
    ):
        with pytest.raises(CatalogueMismatchError, match=source):
            load(image_record(**wrong), checkpoint=tmp_path / "model")


def test_the_settings_of_open_clip_are_in_the_fingerprint(tmp_path: Path) -> None:
    found = set()
    for options in ({}, {"quick_gelu": True}, {"interpolation": "bilinear"}):
        open_clip(tmp_path, **options)
        found.add(opened(tmp_path).fingerprint)
    assert len(found) == 3


def test_pickled_weights_of_open_clip_are_refused_and_converted(tmp_path: Path) -> None:
    open_clip(tmp_path / "model")
    plain = opened(tmp_path / "model").encode_image(PICTURES)
    weights = tmp_path / "model" / "open_clip_model.safetensors"
    torch.save(load_file(weights), weights.with_name("open_clip_pytorch_model.bin"))
    weights.unlink()
    with pytest.raises(UnsafeCheckpointError, match=r"only pickled.*open_clip_pytorch_model\.bin"):
        load(tmp_path / "model")
    options = CreationOptions(convert_pickles=True)
    create_artifact(tmp_path / "model", tmp_path / "made", options)
    assert_same(opened(tmp_path / "made").encode_image(PICTURES), plain)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vision_cfg": {"timm_model_name": "vit_base"}}, "vision_cfg.timm_model_name 'vit_base'"),
        (
            {"vision_cfg": {"layers": [3, 4, 6, 3]}},
            r"layers \[3, 4, 6, 3\]; supported is one number",
        ),
        ({"vision_cfg": {"pool_type": "avg"}}, "vision_cfg.pool_type 'avg'; supported is 'tok'"),
        (
            {"vision_cfg": {"no_ln_pre": True}},
            "vision_cfg.no_ln_pre True; supported is a configuration without it",
        ),
        ({"vision_cfg": {"qk_norm": True}}, "vision_cfg.qk_norm True"),
        ({"text_cfg": {"hf_model_name": "roberta-base"}}, "text_cfg.hf_model_name 'roberta-base'"),
        ({"text_cfg": {"pool_type": "last"}}, "text_cfg.pool_type 'last'; supported is 'argmax'"),
        ({"text_cfg": {"tokenizer_kwargs": {"clean": "whitespace"}}}, "text_cfg.tokenizer_kwargs"),
        ({"multimodal_cfg": {"width": 16}}, "model_cfg.multimodal_cfg"),
        ({"init_logit_bias": -10}, "model_cfg.init_logit_bias -10"),
        ({"something_new": 1}, "model_cfg.something_new 1"),
    ],
)
def test_what_open_clip_builds_otherwise_is_refused_by_its_setting(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    open_clip(tmp_path)
    config = json.loads((tmp_path / "open_clip_config.json").read_text())
    for key, value in changes.items():
        known = config["model_cfg"].get(key)
        config["model_cfg"][key] = known | value if isinstance(known, dict) else value
    write(tmp_path, "open_clip_config.json", config)
    with pytest.raises(UnsupportedCheckpointError, match=words):
        load(tmp_path)
    with pytest.raises(UnsupportedCheckpointError, match=words):
        load(image_record(), checkpoint=tmp_path)
    report = verify_folder(image_record(), tmp_path)
    assert report.refusal is not None
    assert "open_clip_config.json" in report.refusal


@pytest.mark.parametrize(
    ("part", "key", "value", "words"),
    [
        (
            "vision_cfg",
            "mlp_ratio",
            float("nan"),
            "vision_cfg.mlp_ratio' is nan; expected a number",
        ),
        ("vision_cfg", "mlp_ratio", float("inf"), "'model_cfg.vision_cfg.mlp_ratio' is inf"),
        ("vision_cfg", "layers", 10**9, "'model_cfg.vision_cfg.layers' is 1000000000; expected"),
        ("vision_cfg", "head_width", 10**9, "'model_cfg.vision_cfg.width // head_width' is 0"),
        ("text_cfg", "width", 10**9, "'model_cfg.text_cfg.width' is 1000000000; expected"),
        ("text_cfg", "heads", "four", "'model_cfg.text_cfg.heads' is 'four'; expected"),
        ("preprocess_cfg", "mean", [10**400] * 3, "expected numbers of at most 1,000,000"),
        ("preprocess_cfg", "mean", [float("nan")] * 3, "'preprocess_cfg.mean' is [nan, nan, nan]"),
        ("preprocess_cfg", "std", 0, "'preprocess_cfg.std' is 0; expected numbers that are not 0"),
    ],
)
def test_impossible_numbers_of_open_clip_are_told_by_its_own_keys(
    part: str, key: str, value: Any, words: str, tmp_path: Path
) -> None:
    open_clip(tmp_path)
    config = json.loads((tmp_path / "open_clip_config.json").read_text())
    (config.get(part) or config["model_cfg"][part])[key] = value
    write(tmp_path, "open_clip_config.json", config)
    with pytest.raises(CheckpointError, match=re.escape(words)):
        load(tmp_path, device="cpu")


@pytest.mark.parametrize("rows", [None, 97])
def test_a_tensor_of_open_clip_that_is_no_three_maps_is_told(
    rows: int | None, tmp_path: Path
) -> None:
    open_clip(tmp_path)
    file = tmp_path / "open_clip_model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("in_proj_bias"))
    tensors[name] = torch.zeros(()) if rows is None else torch.zeros(rows)
    save_file(tensors, file)
    with pytest.raises(CheckpointError, match="do not fit the model"):
        load(tmp_path, device="cpu")


def test_ways_of_open_clip_to_resize_that_are_not_run_are_refused(tmp_path: Path) -> None:
    open_clip(tmp_path, resize_mode="longest")
    with pytest.raises(UnsupportedCheckpointError, match="resize_mode 'longest'; supported is"):
        load(tmp_path)
