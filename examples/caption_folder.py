"""Draw a folder of pictures, teach a small GIT model to name them, and write a caption for each.

The model learns twelve kinds of pictures in seconds. It is saved as any GIT checkpoint of the Hub
is, and `load` runs it as such. A file that is no picture is reported, and the others are captioned.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from transformers import (
    BertTokenizer,
    CLIPImageProcessorPil,
    GitConfig,
    GitForCausalLM,
    GitProcessor,
)

from holotype import ImageError, load
from holotype.encoders import Captioner

COLOURS = ("red", "green", "blue", "yellow")
GROUNDS = ("white", "black", "pink")
SIDE = 48
N_STEPS = 150


def main() -> None:
    """Print the caption of every picture in a folder."""
    dice = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        teach(folder / "model", dice)
        pictures = folder / "pictures"
        pictures.mkdir()
        for colour in COLOURS:
            for ground in GROUNDS:
                draw(colour, ground, dice).resize((160, 120)).save(
                    pictures / f"{colour}-{ground}.png"
                )
        (pictures / "notes.png").write_text("This is no picture.")
        with load(folder / "model", device="cpu") as captioner:
            assert isinstance(captioner, Captioner)
            for line in caption(captioner, sorted(pictures.iterdir())):
                print(line)


def caption(captioner: Captioner, paths: list[Path]) -> Iterator[str]:
    """Yield a line for every picture; what cannot be read is left out, and the rest is done."""
    waiting = paths
    while waiting:
        try:
            for path, found in zip(waiting, captioner.caption(waiting), strict=True):
                yield f"{path.name:24} {found.text} ({found.score:.0%})"
            return
        except ImageError as error:
            yield f"{waiting[error.index].name:24} {error.problem[:28]}"
            waiting = waiting[: error.index] + waiting[error.index + 1 :]


def draw(colour: str, ground: str, dice: np.random.Generator) -> Image.Image:
    """Draw a ball somewhere on a ground."""
    image = Image.new("RGB", (SIDE, SIDE), ground)
    size = int(dice.integers(24, 36))
    left, top = (int(at) for at in dice.integers(0, SIDE - size, 2))
    ImageDraw.Draw(image).ellipse((left, top, left + size, top + size), fill=colour)
    return image


def teach(folder: Path, dice: np.random.Generator) -> None:
    """Train a small GIT model on drawings and their names, and save it as a checkpoint."""
    torch.manual_seed(0)
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    words = {word: at for at, word in enumerate((*special, "a", "ball", "on", *COLOURS, *GROUNDS))}
    tokenizer = BertTokenizer(vocab=words)
    layers: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
    config = GitConfig(
        **layers,
        num_hidden_layers=2,
        vocab_size=len(words),
        max_position_embeddings=32,
        vision_config=layers | {"num_hidden_layers": 2, "image_size": SIDE, "patch_size": 8},
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = GitForCausalLM(config)
    edges = {"shortest_edge": SIDE}
    pictures = CLIPImageProcessorPil(size=edges, crop_size={"height": SIDE, "width": SIDE})
    processor = GitProcessor(pictures, tokenizer)
    kinds = [(colour, ground) for colour in COLOURS for ground in GROUNDS]
    texts = tokenizer(
        [f"a {colour} ball on {ground}" for colour, ground in kinds], return_tensors="pt"
    )
    ids, attended = texts["input_ids"], texts["attention_mask"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(N_STEPS):
        drawings = [draw(colour, ground, dice) for colour, ground in kinds]
        pixels = processor(images=drawings, return_tensors="pt")["pixel_values"]
        loss = model(input_ids=ids, attention_mask=attended, pixel_values=pixels, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)


if __name__ == "__main__":
    main()
