"""Captions of pictures, beside transformers' `generate` on the same weights, and by exports."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from captioners import SAVERS
from holotype import CaptionerModel
from images import EXPORTS, batches, by_exports, draw_pictures, each_way, export_each, work_s
from report import Table
from timing import in_turns

_N_TOKENS = 20
_AT_ONCE = 16


def table(
    names: Sequence[str] = tuple(SAVERS), n_pictures: int = 8, n_rounds: int = 3, n_beams: int = 1
) -> Table:
    """Measure captions of published sizes in batches, from files.

    Args:
        names: the captioners, of `SAVERS`.
        n_pictures: how many pictures there are.
        n_rounds: how often each is counted.
        n_beams: how many beams a picture has.
    """
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as place:
            rows += _rows(name, Path(place), n_pictures, n_rounds, n_beams)
    search = "greedy" if n_beams == 1 else f"{n_beams} beams"
    return Table(
        title=f"Captions of {n_pictures} pictures, {_N_TOKENS} tokens, {search}, float32",
        header=["captioner", "library", "median", "best", "times as fast", "the same by CPU time"],
        rows=rows,
        notes=["CPU times are those of one thread, with pictures that have been read before."],
    )


def _rows(name: str, folder: Path, n_pictures: int, n_rounds: int, n_beams: int) -> list[list[str]]:
    from holotype import load

    (folder / "pictures").mkdir()
    paths = draw_pictures(folder / "pictures", n_pictures)
    SAVERS[name](folder / "model")
    record = _record(n_beams)
    ours = each_way(lambda: load(record, checkpoint=folder / "model", device="cpu"))
    loop = _loop(folder / "model", n_beams)
    ready = [Image.open(path).convert("RGB").resize((384, 384)) for path in paths]
    ways: dict[str, Callable[[Any], object]] = {
        **{library: one.caption for library, one in ours.items()},
        "transformers": loop,
    }
    times = in_turns(
        {library: partial(way, paths) for library, way in ways.items()}, n_rounds, warm_up=False
    )
    work = work_s({library: partial(way, ready) for library, way in ways.items()})
    return [
        [
            name,
            library,
            f"{1e3 * statistics.median(found):,.0f} ms",
            f"{1e3 * min(found):,.0f} ms",
            f"{min(times['transformers']) / min(found):.2f}",
            f"{work['transformers'] / work[library]:.2f}",
        ]
        for library, found in times.items()
    ]


def _loop(folder: Path, n_beams: int = 1) -> Callable[[Sequence[Any]], None]:
    """Return how transformers writes captions of pictures, or of files."""
    import torch
    import transformers
    from transformers.image_utils import load_image

    from holotype.encoders.checkpoints.captioner import CAPTIONERS

    config = json.loads((folder / "config.json").read_text())
    model_class: Any = getattr(transformers, CAPTIONERS[config["model_type"]])
    model = model_class.from_pretrained(folder).eval()
    processor_class: Any = transformers.AutoImageProcessor
    processor = processor_class.from_pretrained(folder)

    @torch.inference_mode()
    def run(pictures: Sequence[Any]) -> None:
        several = [
            one if isinstance(one, Image.Image) else load_image(str(one)) for one in pictures
        ]
        for batch in batches(several, _AT_ONCE):
            pixels = processor(images=batch, return_tensors="pt").pixel_values
            model.generate(pixel_values=pixels, max_new_tokens=_N_TOKENS, num_beams=n_beams)

    return run


def _record(n_beams: int = 1) -> CaptionerModel:
    return CaptionerModel(
        id="captioner",
        type="captioner",
        name="Captioner",
        huggingface_id="none/captioner",
        organization="none",
        description="Random weights.",
        embedding_dim=None,
        max_new_tokens=_N_TOKENS,
        num_beams=n_beams,
    )


def exports_table(
    name: str = "BLIP", n_layers: int = 2, n_pictures: int = 2, n_rounds: int = 2
) -> Table:
    """Measure exports of a captioner's width with fewer layers, which are made within a minute.

    Args:
        name: the captioner, of `SAVERS`.
        n_layers: the layers of its networks.
        n_pictures: how many pictures there are.
        n_rounds: how often each is counted.
    """
    from holotype import load

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        SAVERS[name](folder / "model", n_layers)
        made = export_each(folder, [one for one in EXPORTS if one[1] == "float32"])
        captioners: dict[str, Any] = {
            "torch": load(_record(), checkpoint=folder / "model", device="cpu")
        }
        for (backend, dtype), where in made.items():
            captioners[f"{backend}, {dtype}"] = load(
                _record(), checkpoint=where, backend=backend, dtype=dtype, device="cpu"
            )
        return by_exports(
            {library: one.caption for library, one in captioners.items()},
            _loop(folder / "model"),
            folder,
            n_pictures,
            n_rounds,
            side=384,
            what=f"captions of {_N_TOKENS} tokens, {n_layers} layers of {name}'s width",
        )
