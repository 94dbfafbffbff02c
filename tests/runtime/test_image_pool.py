"""Models that read pictures in the pool: every kind, swaps that look at a picture, fallbacks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tests.pictures import encoded, photograph
from tests.runtime.image_models import blip, clip, colpali
from tests.runtime.parity import assert_same

from holotype import load
from holotype.deployment.document import ReferenceSource
from holotype.encoders.captioner import Captioner
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.image_text import ImageTextEncoder
from holotype.errors import ImageError
from holotype.pool import (
    CaptionerHandle,
    ContradictionError,
    ImageTextHandle,
    Pool,
    PoolError,
    Sizes,
    WrongKindOfModelError,
)
from holotype.references.ref import ModelRef

PICTURES = [photograph(40, 60), photograph(33, 20, seed=1)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    made = {name: place / name for name in ("clip", "pages", "captions")}
    clip(made["clip"])
    colpali(made["pages"])
    blip(made["captions"])
    return made


@pytest.fixture(scope="module")
def pool(folders: dict[str, Path]) -> Iterator[Pool]:
    builder = Pool.builder().remember_sizes_in(Sizes(None))
    for name, folder in folders.items():
        builder.with_model(name, f"local:{folder}/", device="cpu")
    with builder.build() as made:
        yield made


def test_pictures_and_texts_get_the_vectors_of_the_encoder(
    pool: Pool, folders: dict[str, Path]
) -> None:
    handle = pool.encoder("clip", "image-text")
    assert isinstance(handle, ImageTextHandle)
    with load(folders["clip"], device="cpu") as encoder:
        assert isinstance(encoder, ImageTextEncoder)
        theirs = encoder.encode_image(PICTURES)
        assert_same(handle.encode_image(PICTURES), theirs)
        assert_same(handle.encode_image(picture for picture in PICTURES), theirs)
        assert_same(handle.encode_image(np.asarray(PICTURES[0])), theirs[0])
        assert_same(handle.with_options(batched=True).encode_image(PICTURES), theirs)
        texts = encoder.encode_query(["a cat", "a dog"])
        assert_same(handle.with_options(batched=True).encode_query(["a cat", "a dog"]), texts)
        labels = encoder.classify_image(PICTURES, ["cat", "dog"])
        assert handle.classify_image(PICTURES, ["cat", "dog"]) == labels
        assert_same(handle.similarity(texts, theirs), encoder.similarity(texts, theirs))
        assert handle.fingerprint == encoder.fingerprint
    assert handle.dim == theirs.shape[1]


def test_captions_are_those_of_the_captioner(pool: Pool, folders: dict[str, Path]) -> None:
    handle = pool.captioner("captions")
    assert isinstance(handle, CaptionerHandle)
    with load(folders["captions"], device="cpu") as captioner:
        assert isinstance(captioner, Captioner)
        assert handle.caption(PICTURES) == captioner.caption(PICTURES)
        assert handle.caption(PICTURES[0]) == captioner.caption(PICTURES[0])
        assert handle.fingerprint == captioner.fingerprint


def test_pictures_of_many_callers_in_batches_are_those_of_one(
    pool: Pool, folders: dict[str, Path]
) -> None:
    drawn = [photograph(20 + seed, 60 - seed, seed=seed) for seed in range(12)]
    vectors = pool.encoder("clip", "image-text").with_options(batched=True)
    captions = pool.captioner("captions").with_options(batched=True)
    pages = pool.encoder("pages", "colbert").with_options(batched=True)
    with (
        load(folders["clip"], device="cpu") as encoder,
        load(folders["captions"], device="cpu") as captioner,
        load(folders["pages"], device="cpu") as colbert,
        ThreadPoolExecutor(12) as threads,
    ):
        assert isinstance(encoder, ImageTextEncoder)
        assert isinstance(captioner, Captioner)
        assert isinstance(colbert, ColbertEncoder)
        before = pool.metrics.value("batched_texts")
        found = list(threads.map(vectors.encode_image, drawn))
        assert_same(np.stack(found), np.stack([encoder.encode_image(one) for one in drawn]))
        assert pool.metrics.value("batched_texts") == before + 12
        written = list(threads.map(captions.caption, drawn[:6]))
        assert [one.text for one in written] == [captioner.caption(one).text for one in drawn[:6]]
        several: list[Any] = list(
            threads.map(pages.encode_image, [drawn[:2], drawn[2:3], drawn[3:6]])
        )
        for own, given in zip(several, [drawn[:2], drawn[2:3], drawn[3:6]], strict=True):
            theirs: Any = colbert.encode_image(given)
            assert_same(own.values, theirs.values)


def test_only_the_caller_of_a_bad_picture_gets_its_error(pool: Pool) -> None:
    handle = pool.encoder("clip", "image-text").with_options(batched=True)

    def encode(given: list[Any]) -> Any:
        try:
            return handle.encode_image(given)
        except ImageError as error:
            return error.index

    good = [PICTURES[0]]
    with ThreadPoolExecutor(6) as threads:
        given = [good, [*good * 34, b"no picture"], good, [b"no picture"], good]
        found = list(threads.map(encode, given))
    assert (found[1], found[3]) == (34, 0)
    for at in (0, 2, 4):
        assert_same(found[at], handle.encode_image(good))


def test_pages_get_the_vectors_of_the_encoder(pool: Pool, folders: dict[str, Path]) -> None:
    handle = pool.encoder("pages", "colbert")
    with load(folders["pages"], device="cpu") as encoder:
        assert isinstance(encoder, ColbertEncoder)
        found, theirs = handle.encode_image(PICTURES), encoder.encode_image(PICTURES)
        assert_same(found.values, theirs.values)
        queries = handle.encode_query(["a cat"])
        assert_same(handle.similarity(queries, found), encoder.similarity(queries, theirs))


def test_a_handle_is_for_one_kind(pool: Pool) -> None:
    with pytest.raises(WrongKindOfModelError, match="'image-text'"):
        pool.encoder("clip").encode_query(["a cat"])
    with pytest.raises(WrongKindOfModelError, match="'captioner'"):
        pool.encoder("captions", "image-text").encode_image(PICTURES)
    with pytest.raises(WrongKindOfModelError, match=r"has no caption\(\); it has .*encode_image"):
        pool.call("clip", "caption", PICTURES)


def test_a_bad_picture_is_the_mistake_of_its_caller(pool: Pool) -> None:
    for _ in range(7):
        with pytest.raises(ImageError, match="index 1"):
            pool.encoder("clip", "image-text").encode_image([PICTURES[0], b"no picture"])
    assert pool.encoder("clip", "image-text").encode_image(encoded(PICTURES[0])).shape == (24,)


def damage(folder: Path, to: Path, of_pictures: str) -> ReferenceSource:
    """Copy a model whose network for pictures alone returns NaN."""
    shutil.copytree(folder, to)
    file = to / "model.safetensors"
    tensors = load_file(file)
    chosen = [name for name in tensors if of_pictures in name and name.endswith("bias")]
    assert chosen
    for name in chosen:
        tensors[name] = tensors[name] * float("nan")
    save_file(tensors, file, metadata={"format": "pt"})
    return ReferenceSource(ref=ModelRef.parse(f"local:{to}/"))


@pytest.mark.parametrize(
    ("name", "of_pictures"),
    [("clip", "vision_model."), ("captions", "vision_model."), ("pages", "vision_tower.")],
)
def test_a_swap_looks_at_a_picture(
    name: str, of_pictures: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    builder = Pool.builder().remember_sizes_in(Sizes(None))
    builder.with_model("one", f"local:{folders[name]}/", device="cpu")
    broken = damage(folders[name], tmp_path / "broken", of_pictures)
    with builder.build() as pool:
        pool.load("one")
        with pytest.raises(PoolError, match="NaN or infinity"):
            pool.swap("one", broken, allow_different_vectors=True)
        with pool.acquire("one") as lease:
            assert lease.version.number == 1


def test_a_swap_to_other_vectors_must_be_meant(folders: dict[str, Path], tmp_path: Path) -> None:
    builder = Pool.builder().remember_sizes_in(Sizes(None))
    builder.with_model("one", f"local:{folders['clip']}/", device="cpu")
    other = tmp_path / "other"
    shutil.copytree(folders["clip"], other)
    settings = json.loads((other / "processor_config.json").read_text())
    settings["image_processor"]["resample"] = 2
    (other / "processor_config.json").write_text(json.dumps(settings))
    source = ReferenceSource(ref=ModelRef.parse(f"local:{other}/"))
    with builder.build() as pool:
        handle = pool.encoder("one", "image-text")
        before = handle.encode_image(PICTURES)
        with pytest.raises(ContradictionError, match="fingerprint"):
            pool.swap("one", source)
        assert_same(handle.encode_image(PICTURES), before)
        assert pool.swap("one", source, allow_different_vectors=True).number == 2
        assert np.abs(handle.encode_image(PICTURES) - before).max() > 1e-4


def test_a_deployment_states_the_kind(folders: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "deployment.yaml"
    models = {"clip": "image-text", "captions": "captioner", "pages": "image-text"}
    lines = ["version: '1.0'", "models:"]
    for name, kind in models.items():
        lines += [
            f"  {name}:",
            f"    source: {{type: local, path: {folders[name]}}}",
            f"    architecture: {{type: {kind}}}",
        ]
    file.write_text("\n".join(lines))
    with Pool.from_file(file) as pool:
        pool.load("clip")
        pool.load("captions")
        with pytest.raises(ContradictionError, match="colbert"):
            pool.load("pages")
