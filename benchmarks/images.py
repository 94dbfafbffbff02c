"""Pictures: how many a second, and how long one takes, beside the peers on the same weights.

The pictures are 1,000 drawings of 0.3 to 12 megapixels, three quarters of them JPEG and the others
PNG. The networks have the sizes of ViT-B/32, with random weights: time does not depend on them.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import kernels
from holotype.encoders.config import Backend, Precision
from report import Table
from timing import in_turns

_SHAPES = (4 / 3, 3 / 4, 3 / 2, 1.0, 16 / 9)
AT_ONCE = 32


def each_way(make: Callable[[], Any]) -> dict[str, Any]:
    """Return a model that runs without the kernels, and one with them where they are installed."""
    made = {"holotype": make()}
    if kernels.are_installed():
        with kernels.found():
            made["holotype with the kernels"] = make()
    return made


def draw_pictures(folder: Path, n_pictures: int, seed: int = 0) -> list[Path]:
    """Save drawings as files of a folder, and return their paths."""
    dice = np.random.default_rng(seed)
    paths = []
    for at in range(n_pictures):
        pixels = float(np.exp(dice.uniform(np.log(0.3e6), np.log(12e6))))
        height = int((pixels / _SHAPES[at % len(_SHAPES)]) ** 0.5)
        width = int(pixels / height)
        levels = dice.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3)).astype(np.uint8)
        image = Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC)
        path = folder / f"{at:04}.{'png' if at % 4 == 3 else 'jpg'}"
        if at % 4 == 3:
            image.save(path, compress_level=1)
        else:
            image.save(path, quality=88)
        paths.append(path)
    return paths


def _save_clip(folder: Path) -> None:
    from transformers import (
        CLIPConfig,
        CLIPImageProcessorPil,
        CLIPModel,
        CLIPProcessor,
        CLIPTokenizer,
    )

    config = CLIPConfig(text_config={"num_hidden_layers": 1, "vocab_size": 64}, vision_config={})
    CLIPModel(config).save_pretrained(folder)
    words = {"a": 0, "a</w>": 1, "<|startoftext|>": 2, "<|endoftext|>": 3}
    make: Any = CLIPTokenizer
    CLIPProcessor(CLIPImageProcessorPil(), make(vocab=words, merges=[])).save_pretrained(folder)


def bulk_table(n_pictures: int = 1_000, n_rounds: int = 3) -> Table:
    """Measure pictures a second from files to vectors, the model's share of the time, and memory."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import CLIPModel, CLIPProcessor
    from transformers.image_utils import load_image

    from holotype import load

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        paths = draw_pictures(folder / "pictures", n_pictures)
        _save_clip(folder / "model")
        ours = each_way(lambda: load(folder / "model", device="cpu"))
        library = SentenceTransformer(str(folder / "model"), device="cpu")
        model: Any = CLIPModel.from_pretrained(folder / "model").eval()
        processor: Any = CLIPProcessor.from_pretrained(folder / "model")

        @torch.inference_mode()
        def by_loop() -> Any:
            found = []
            for start in range(0, len(paths), AT_ONCE):
                images = [load_image(str(path)) for path in paths[start : start + AT_ONCE]]
                inputs = processor(images=images, return_tensors="pt")
                found.append(model.get_image_features(**inputs).pooler_output)
            return torch.cat(found).numpy()

        def by_library() -> Any:
            return library.encode([str(path) for path in paths], batch_size=AT_ONCE)

        largest = max(
            float(np.abs(one.encode_image(paths[:64]) - by_loop()[:64]).max())
            for one in ours.values()
        )
        functions: dict[str, Callable[[], object]] = {
            **{name: partial(one.encode_image, paths) for name, one in ours.items()},
            "transformers' loop": by_loop,
            "sentence-transformers": by_library,
        }
        times = in_turns(functions, n_rounds, warm_up=False)
        busy, grown = _busy_share(ours["holotype"], paths), _growth(ours["holotype"], paths)
        work = work_s(functions)
    return Table(
        title=f"{n_pictures:,} pictures of 0.3 to 12 megapixels, ViT-B/32, float32",
        header=["library", "pictures a second", "of holotype's", "CPU time by holotype's"],
        rows=[
            [
                library_name,
                f"{n_pictures / min(found):.1f}",
                f"{min(times['holotype']) / min(found):.2f}",
                f"{work[library_name] / work['holotype']:.2f}",
            ]
            for library_name, found in times.items()
        ],
        notes=[
            f"Largest difference of a vector from transformers': {largest:.1e}. "
            f"The model runs {busy:.0%} of the time. Twice as many pictures take {grown:,.0f} MB more "
            "at their peak. CPU times are those of one thread."
        ],
    )


def work_s(functions: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the processor time of each in one thread of torch, which others disturb less."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = in_turns(functions, 1, warm_up=False, clock=time.process_time)
    finally:
        torch.set_num_threads(n_threads)
    return {name: min(times) for name, times in found.items()}


def _growth(encoder: Any, paths: list[Path]) -> float:
    """Return by how much twice the pictures raise the peak of memory, in megabytes."""
    encoder.encode_image(paths)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in encoder.encode_image_stream(paths * 2):
        pass
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _busy_share(encoder: Any, paths: list[Path]) -> float:
    """Return the share of a call during which the network runs, on any thread."""
    network = encoder._towers.pictures._model
    run, spans = network._run, []

    def timed(batch: Any) -> Any:
        started = time.perf_counter()
        found = run(batch)
        spans.append((started, time.perf_counter()))
        return found

    network._run = timed
    started = time.perf_counter()
    encoder.encode_image(paths)
    whole = time.perf_counter() - started
    network._run = run
    busy = last = 0.0
    for start, end in sorted(spans):
        busy += max(0.0, end - max(start, last))
        last = max(last, end)
    return busy / whole


def one_table(n_rounds: int = 30) -> Table:
    """Measure one picture of two megapixels, from its bytes to its vector."""
    from io import BytesIO

    from sentence_transformers import SentenceTransformer

    from holotype import load

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _save_clip(folder / "model")
        image = Image.fromarray(
            np.random.default_rng(0).integers(0, 256, (75, 100, 3)).astype(np.uint8)
        ).resize((1_632, 1_224), Image.Resampling.BICUBIC)
        file = BytesIO()
        image.save(file, "JPEG", quality=88)
        content = file.getvalue()
        ours = each_way(lambda: load(folder / "model", device="cpu"))
        library = SentenceTransformer(str(folder / "model"), device="cpu")
        times = in_turns(
            {
                **{name: partial(one.encode_image, content) for name, one in ours.items()},
                "sentence-transformers": lambda: library.encode(Image.open(BytesIO(content))),
            },
            n_rounds,
        )
    return _latency(times, "One JPEG of 2 megapixels from bytes to vector, ViT-B/32, float32")


EXPORTS: tuple[tuple[Backend, Precision], ...] = (
    ("onnx", "float32"),
    ("onnx", "int8"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
)


def vector_exports_table(n_pictures: int = 32, n_rounds: int = 3) -> Table:
    """Measure exports of ViT-B/32's size, beside torch and transformers' own loop."""
    with tempfile.TemporaryDirectory() as name:
        _save_clip(Path(name) / "model")
        made = export_each(Path(name), EXPORTS)
        return vectors_by_exports(Path(name), made, n_pictures, n_rounds)


def export_each(
    folder: Path, wanted: Iterable[tuple[Backend, Precision]]
) -> dict[tuple[Backend, Precision], Path]:
    """Export the model of a folder, and return where each export lies."""
    from holotype.encoders.exports import export

    made = {}
    for backend, dtype in wanted:
        made[backend, dtype] = folder / f"{backend}-{dtype}"
        export(folder / "model", backend=backend, dtype=dtype, to=made[backend, dtype])
    return made


def vectors_by_exports(
    folder: Path, made: Mapping[tuple[Backend, Precision], Path], n_pictures: int, n_rounds: int
) -> Table:
    """Measure exports that are there; see `vector_exports_table`."""
    import torch
    from transformers import CLIPModel, CLIPProcessor

    from holotype import load

    model: Any = CLIPModel.from_pretrained(folder / "model").eval()
    processor: Any = CLIPProcessor.from_pretrained(folder / "model")

    @torch.inference_mode()
    def by_loop(pictures: Sequence[Image.Image]) -> None:
        for batch in batches(pictures, AT_ONCE):
            model.get_image_features(**processor(images=batch, return_tensors="pt"))

    encoders: dict[str, Any] = {"torch": load(folder / "model", device="cpu")}
    for (backend, dtype), place in made.items():
        encoders[f"{backend}, {dtype}"] = load(place, backend=backend, dtype=dtype, device="cpu")
    ways = {name: one.encode_image for name, one in encoders.items()}
    return by_exports(ways, by_loop, folder, n_pictures, n_rounds, side=224, what="ViT-B/32")


def batches(pictures: Sequence[Image.Image], n_at_once: int) -> Iterator[list[Image.Image]]:
    """Yield pictures in RGB, so many at a time."""
    for start in range(0, len(pictures), n_at_once):
        yield [one.convert("RGB") for one in pictures[start : start + n_at_once]]


def by_exports(
    ways: Mapping[str, Callable[[Any], Any]],
    by_loop: Callable[[Sequence[Image.Image]], None],
    folder: Path,
    n_pictures: int,
    n_rounds: int,
    *,
    side: int,
    what: str,
) -> Table:
    """Measure exports beside the loop of transformers, with pictures that are ready and from files.

    Args:
        ways: what reads pictures, by the name of the library.
        by_loop: the loop.
        folder: where pictures are drawn.
        n_pictures: how many pictures there are.
        n_rounds: how often each is counted.
        side: the height and width of pictures that are ready, in pixels.
        what: what is measured, for the title.
    """
    (folder / "pictures").mkdir(exist_ok=True)
    paths = draw_pictures(folder / "pictures", n_pictures)
    ready = [Image.open(path).convert("RGB").resize((side, side)) for path in paths]
    loop = "transformers' loop"
    times = {
        name: in_turns(
            {
                **{way: partial(run, pictures) for way, run in ways.items()},
                loop: partial(_open_and, by_loop, pictures),
            },
            n_rounds,
        )
        for name, pictures in (("ready", ready), ("files", paths))
    }
    best = {way: {name: min(times[name][way]) for name in times} for way in times["ready"]}
    return Table(
        title=f"{n_pictures} pictures, {what}, wall time",
        header=["library", "of the network's size", "files", "times as fast as the loop"],
        rows=[
            [
                way,
                f"{1e3 * found['ready']:,.0f} ms",
                f"{1e3 * found['files']:,.0f} ms",
                " and ".join(f"{best[loop][name] / found[name]:.2f}" for name in found),
            ]
            for way, found in best.items()
        ],
    )


def _open_and(run: Callable[[Sequence[Image.Image]], None], pictures: Sequence[Any]) -> None:
    run([one if isinstance(one, Image.Image) else Image.open(one) for one in pictures])


def _latency(times: dict[str, list[float]], title: str) -> Table:
    best = min(times["holotype"])
    return Table(
        title=title,
        header=["library", "median", "best", "holotype's share of it"],
        rows=[
            [
                name,
                f"{1e3 * statistics.median(found):,.0f} ms",
                f"{1e3 * min(found):,.0f} ms",
                f"{best / min(found):.2f}",
            ]
            for name, found in times.items()
        ],
    )
