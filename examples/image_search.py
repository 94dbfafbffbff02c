"""Draw pictures, teach a small CLIP model what they show, and search them by text and by picture.

The model has two layers and sees twelve kinds of pictures, so that it learns in seconds. It is
saved as any CLIP checkpoint of the Hub is, and `load` runs it as such.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    PreTrainedTokenizerFast,
)

from holotype import load
from holotype.encoders import ImageTextEncoder

COLOURS = ("red", "green", "blue", "yellow")
GROUNDS = ("white", "black", "pink")
SIDE = 48
N_STEPS = 150


def main() -> None:
    """Print what is found for some texts, and for a picture."""
    dice = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        teach(folder / "model", dice)
        paths = []
        for colour in COLOURS:
            for ground in GROUNDS:
                path = folder / f"{colour}-{ground}.{dice.choice(('png', 'jpg', 'webp'))}"
                draw(colour, ground, dice).resize((160, 120)).save(path)
                paths.append(path)
        with load(folder / "model", device="cpu") as encoder:
            assert isinstance(encoder, ImageTextEncoder)
            search(encoder, paths, dice)


def search(encoder: ImageTextEncoder, paths: list[Path], dice: np.random.Generator) -> None:
    """Search pictures by texts and by a picture, and name what a picture shows."""
    pictures = encoder.encode_image(paths)
    texts = [f"a {colour} ball on {ground}" for colour in COLOURS for ground in GROUNDS]
    scores = encoder.similarity(encoder.encode_query(texts), pictures)
    for text, row in zip(texts, scores, strict=True):
        print(f"{text:24} {paths[int(row.argmax())].stem}")
    query = encoder.encode_image(draw("blue", "white", dice))
    best = int(encoder.similarity(query, pictures).argmax())
    print(f"{'(a drawing)':24} {paths[best].stem}")
    label = encoder.classify_image(draw("red", "black", dice), texts, template="{}")[0]
    print(f"shows {label.label}: {label.score:.0%}")


def draw(colour: str, ground: str, dice: np.random.Generator) -> Image.Image:
    """Draw a ball somewhere on a ground."""
    image = Image.new("RGB", (SIDE, SIDE), ground)
    size = int(dice.integers(24, 36))
    left, top = (int(at) for at in dice.integers(0, SIDE - size, 2))
    ImageDraw.Draw(image).ellipse((left, top, left + size, top + size), fill=colour)
    return image


def teach(folder: Path, dice: np.random.Generator) -> None:
    """Train a small CLIP model on drawings and their names, and save it as a checkpoint."""
    torch.manual_seed(0)
    tokenizer = word_tokenizer(("a", "ball", "on", *COLOURS, *GROUNDS))
    layers = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
    text = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 8,
        "bos_token_id": 1,
        "eos_token_id": 1,
    }
    config = CLIPConfig(
        text_config=layers | text | {"num_hidden_layers": 1, "pad_token_id": 0},
        vision_config=layers | {"num_hidden_layers": 2, "image_size": SIDE, "patch_size": 8},
        projection_dim=32,
    )
    model = CLIPModel(config)
    edges = {"shortest_edge": SIDE}
    pictures = CLIPImageProcessorPil(size=edges, crop_size={"height": SIDE, "width": SIDE})
    processor = CLIPProcessor(pictures, tokenizer)
    kinds = [(colour, ground) for colour in COLOURS for ground in GROUNDS]
    texts = processor(
        text=[f"a {colour} ball on {ground}" for colour, ground in kinds],
        padding=True,
        return_tensors="pt",
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(N_STEPS):
        drawings = [draw(colour, ground, dice) for colour, ground in kinds]
        pixels = processor(images=drawings, return_tensors="pt")
        loss = model(**texts, **pixels, return_loss=True).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)


def word_tokenizer(words: tuple[str, ...]) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words."""
    special = ("<pad>", "<end>", "<unk>")
    tokenizer = Tokenizer(
        WordLevel({word: at for at, word in enumerate((*special, *words))}, unk_token="<unk>")  # noqa: S106
    )
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 1)])
    tokens = {"pad_token": "<pad>", "eos_token": "<end>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=8, **tokens)


if __name__ == "__main__":
    main()
