"""Late interaction with pictures: vectors and scores of transformers."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tests.pictures import photograph
from tests.runtime.image_models import TILE, ColIdefics3, colmodernvbert, colpali, colqwen2, colsmol
from tests.runtime.parity import assert_same, change

from holotype import load
from holotype.encoders import ColbertEncoder
from holotype.encoders.checkpoints.visual import IN_TILES, USUAL_DIM, VISUAL
from holotype.encoders.torch_backend.linear_map import one_dnn_multiplies
from holotype.encoders.torch_backend.pre_norm_encoder import PreNormEncoder
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    ImageError,
    InvalidLengthError,
    TensorError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)
from holotype.records import ColbertModel

QUERIES = ["a red cat", "the house of two dog and a cat", "photo"]
PAGES = [photograph(80, 60), photograph(90, 30, seed=1), photograph(61, 80, seed=2)]
MAKERS = {
    "colmodernvbert": colmodernvbert,
    "colpali": colpali,
    "colqwen2": colqwen2,
    "idefics3": colsmol,
}


@pytest.fixture(scope="module", params=list(MAKERS))
def each(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("model")
    processor = MAKERS[request.param](folder)
    model = reference(request.param, folder)
    encoder = load(folder, device="cpu")
    assert isinstance(encoder, ColbertEncoder)
    return processor, model, encoder, folder


def reference(kind: str, folder: Path) -> Any:
    found: Any = ColIdefics3 if kind == "idefics3" else getattr(transformers, VISUAL[kind])
    return found.from_pretrained(folder).eval()


@torch.no_grad()
def vectors(model: Any, inputs: Any) -> Any:
    inputs.pop("labels", None)
    if "image_grid_thw" in inputs:
        # As in training: transformers' class did so itself until it lost the lines for it.
        config = model.config.vlm_config
        places, _ = model.vlm.get_rope_index(
            inputs["input_ids"],
            (inputs["input_ids"] == config.image_token_id).int(),
            image_grid_thw=inputs["image_grid_thw"],
            attention_mask=inputs["attention_mask"],
        )
        inputs["position_ids"] = places
    return model(**inputs).embeddings


def test_vectors_of_pictures(each: Any) -> None:
    processor, model, encoder, _ = each
    found = encoder.encode_image(PAGES)
    assert len(found) == len(PAGES)
    for page, ours in zip(PAGES, found, strict=True):
        theirs = vectors(model, processor.process_images([page]))[0].numpy()
        assert_same(ours, theirs)
        assert_same(encoder.encode_image(page), theirs)


def test_vectors_of_queries(each: Any) -> None:
    processor, model, encoder, _ = each
    found = encoder.encode_query(QUERIES)
    for query, ours in zip(QUERIES, found, strict=True):
        theirs = vectors(model, processor.process_queries([query]))[0].numpy()
        assert_same(ours, theirs)
        assert_same(encoder.encode_query(query), theirs)


def test_scores(each: Any) -> None:
    processor, model, encoder, _ = each
    queries = [vectors(model, processor.process_queries([one]))[0] for one in QUERIES]
    pages = [vectors(model, processor.process_images([one]))[0] for one in PAGES]
    # Page by page: padding of shorter pages would score 0, above what is negative.
    scores = [processor.score_retrieval(queries, [page]) for page in pages]
    theirs = torch.cat(scores, dim=1).numpy()
    ours = encoder.similarity(encoder.encode_query(QUERIES), encoder.encode_image(PAGES))
    assert np.abs(ours - theirs).max() <= 1e-4
    assert np.ptp(theirs) > 1e-2


def test_all_maps_are_the_faster_ones(each: Any) -> None:
    _, _, encoder, _ = each
    modules = list(encoder._towers.pictures._model._parts._model.modules())
    left = [one for one in modules if isinstance(one, torch.nn.Linear)]
    assert not one_dnn_multiplies(torch.device("cpu"), torch.float32) or not left
    has_siglip = any(type(one).__name__ == "SiglipVisionModel" for one in modules)
    assert any(isinstance(one, PreNormEncoder) for one in modules) == has_siglip


def test_streams_and_batches(each: Any) -> None:
    _, _, encoder, _ = each
    several = PAGES * 15
    whole = encoder.encode_image(several, batch_size=4)
    windows = list(encoder.encode_image_stream(iter(several)))
    assert len(windows) > 1
    streamed = [vectors for window in windows for vectors in window]
    for ours, theirs in zip(whole, streamed, strict=True):
        assert_same(ours, theirs)
    assert len(encoder.encode_image([])) == 0
    with pytest.raises(ImageError, match="index 1 is empty"):
        encoder.encode_image([PAGES[0], b""])


def test_texts_that_are_no_queries_are_refused(each: Any) -> None:
    _, _, encoder, _ = each
    for call in (encoder.encode_document, encoder.encode):
        with pytest.raises(UnsupportedModelError, match=r"its documents are pictures"):
            call(["a page"])
    assert encoder.encode_query([]).lengths.tolist() == []
    encoder.warm_up()


def test_a_query_that_is_too_long_keeps_what_stands_after_it(each: Any) -> None:
    _, _, encoder, folder = each
    short = load(folder, device="cpu", max_length=24)
    (found,) = short.encode_query(["cat " * 200], on_overflow="truncate")
    assert len(found) <= 24
    longest = {"colmodernvbert": 256, "idefics3": 256}.get(
        encoder.encoding.pictures.model_type, 128
    )
    (whole,) = encoder.encode_query(["cat " * 300], on_overflow="truncate")
    assert len(whole) == longest
    # The vectors of the end stand at the end, as in a query that fits.
    fits = encoder.encode_query("cat " * (longest - 30))
    ends = (vectors[-5:] @ fits[-5:].T for vectors in (found, whole))
    assert all(np.diag(end).min() > 0.5 for end in ends)
    with pytest.raises(InvalidLengthError):
        load(folder, device="cpu", max_length=10)


def test_other_prompts_and_records(each: Any) -> None:
    processor, model, encoder, folder = each
    record = ColbertModel[Any](
        id="tiny",
        type="colbert",
        name="Tiny",
        huggingface_id="none/tiny",
        organization="none",
        description="A tiny model.",
        embedding_dim=encoder.dim,
        query_suffix="<pad><pad>",
    )
    encoder = load(record, checkpoint=folder, device="cpu")
    options: dict[str, Any] = {"suffix": "<pad><pad>"}
    readers = (processor.__call__, processor.process_queries)
    if not any("suffix" in inspect.signature(one).parameters for one in readers):
        # Before transformers 5.23, which drops it silently elsewhere.
        options = {"text_kwargs": options}
    theirs = vectors(model, processor.process_queries(["a cat"], **options))[0].numpy()
    assert_same(encoder.encode_query("a cat"), theirs)
    with pytest.raises(CatalogueMismatchError, match="embedding_dim"):
        load(dataclasses.replace(record, embedding_dim=64), checkpoint=folder)


@pytest.mark.parametrize("kind", list(IN_TILES))
def test_pages_of_every_shape_in_tiles(kind: str, tmp_path: Path) -> None:
    processor = MAKERS[kind](tmp_path)
    model = reference(kind, tmp_path)
    encoder: Any = load(tmp_path, device="cpu")
    shapes = [(300, 9), (9, 300), (1, 1), (129, 128), (128, 128), (500, 400)]
    pages = [photograph(*shape, seed=at) for at, shape in enumerate(shapes)]
    for page, ours in zip(pages, encoder.encode_image(pages), strict=True):
        assert_same(ours, vectors(model, processor.process_images([page]))[0].numpy())


@pytest.mark.parametrize("kind", list(IN_TILES))
def test_a_page_that_is_one_tile(kind: str, tmp_path: Path) -> None:
    processor = MAKERS[kind](tmp_path)
    processor.image_processor.size = {"longest_edge": TILE}
    processor.save_pretrained(tmp_path)
    model = reference(kind, tmp_path)
    encoder: Any = load(tmp_path, device="cpu")
    for page in PAGES:
        theirs = vectors(model, processor.process_images([page]))[0].numpy()
        assert_same(encoder.encode_image(page), theirs)


def test_tiles_that_the_network_does_not_read_are_refused(tmp_path: Path) -> None:
    processor = colmodernvbert(tmp_path)
    processor.image_processor.max_image_size = {"longest_edge": 16}
    processor.save_pretrained(tmp_path)
    words = "reads tiles of 32 pixels, but its pictures are cut into tiles of 16"
    with pytest.raises(UnsupportedCheckpointError, match=words):
        load(tmp_path)
    processor.image_processor.do_image_splitting = False
    processor.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedModelError, match="supported only where they are then cut"):
        load(tmp_path)
    processor.image_processor.size = {"height": TILE, "width": TILE}
    processor.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedCheckpointError, match="its pictures are not cut into tiles"):
        load(tmp_path)


def test_a_prompt_without_a_place_for_the_picture_is_refused(tmp_path: Path) -> None:
    colmodernvbert(tmp_path)
    change(tmp_path, "processor_config.json", visual_prompt_prefix="Describe the image.")
    with pytest.raises(CheckpointError, match="has the token '<image>' 0 times; expected it once"):
        load(tmp_path)


def test_a_network_of_pages_without_a_projection_is_refused_by_name(tmp_path: Path) -> None:
    colmodernvbert(tmp_path)
    for kind in ("idefics3", "modernvbert", "smolvlm"):
        change(tmp_path, "config.json", model_type=kind)
        with pytest.raises(UnsupportedCheckpointError, match="without the projection of late"):
            load(tmp_path)
    # ColSmol has the model type of the network that it is made of.
    change(tmp_path, "config.json", model_type="idefics3", architectures=None)
    with pytest.raises(UnsupportedCheckpointError, match="without the projection of late"):
        load(tmp_path)


def test_a_projection_of_another_width_is_told(tmp_path: Path) -> None:
    colsmol(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["linear.weight"] = tensors["linear.weight"][:64].clone()
    tensors["linear.bias"] = tensors["linear.bias"][:64].clone()
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TensorError, match=r"linear\.weight"):
        load(tmp_path)


def test_sizes_that_no_file_states_are_those_of_transformers() -> None:
    sizes = IN_TILES["colmodernvbert"]
    network = transformers.ModernVBertConfig()
    pictures: Any = network.vision_config
    assert sizes == {
        "image_size": pictures.image_size,
        "patch_size": pictures.patch_size,
        "pixel_shuffle_factor": network.pixel_shuffle_factor,
    }
    smol: Any = transformers.Idefics3Config()
    assert IN_TILES["idefics3"] == {
        "image_size": smol.vision_config.image_size,
        "patch_size": smol.vision_config.patch_size,
        "scale_factor": smol.scale_factor,
    }
    for name in ("ColModernVBertConfig", "ColPaliConfig", "ColQwen2Config"):
        assert getattr(transformers, name)().embedding_dim == USUAL_DIM
