"""Whether pictures become what the network of a checkpoint reads, told before anything is built.

Files say in one place how pictures are prepared, and in another how large the network for them is;
where both do not fit, libraries fail at the first picture, deep inside of them, or fill the memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holotype.encoders.checkpoints.captioner import picture_network
from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE, Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.checkpoints.visual import IN_TILES
from holotype.encoders.kinds.images import PixelSettings
from holotype.encoders.kinds.merge import Comparison
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ColbertPlan,
    ImageTextPlan,
    transformers,
)
from holotype.errors import CheckpointError

USUAL_SIZES: Mapping[str, tuple[int, int]] = {
    "blip": (384, 16),
    "blip-2": (224, 14),
    "chinese_clip": (224, 32),
    "clip": (224, 32),
    "colpali": (224, 16),
    "git": (224, 16),
    "metaclip_2": (224, 32),
    "siglip": (224, 16),
    "vision-encoder-decoder": (224, 16),
}
"""The sides of pictures and of patches where no file states them, of the networks that read pictures
of one size."""
_EXACT = frozenset({"chinese_clip", "clip", "git", "metaclip_2", "vision-encoder-decoder"})
"""Networks that read no other size; others leave out what is no whole patch."""
_BY_PATCHES, _BY_AREA = "siglip2", "colqwen2"
USUAL_PATCHES: Mapping[str, tuple[int, int]] = {_BY_PATCHES: (16, 1), _BY_AREA: (14, 2)}
"""The side of a patch, and the patches on the side of what becomes a vector, of those that read
pictures of any shape, where no file states them."""

# No network is known that reads a quarter of one of these.
_MOST_SIDE = 4_096
_MOST_PATCHES = 16_384
_MOST: Mapping[str, int] = {
    **dict.fromkeys(("size", "shortest_edge", "crop", "tile_size", "patch_size"), _MOST_SIDE),
    "longest_edge": 100_000,
    "max_patches": _MOST_PATCHES,
    "min_pixels": 25_000_000,
    "max_pixels": 100_000_000,
    "merge_size": 64,
}
# What the files call a field, where that is not its own name.
_KEYS: Mapping[str, str] = {
    "crop": "crop_size",
    "longest_edge": "size.longest_edge",
    "max_patches": "max_num_patches",
    "max_pixels": "max_pixels or size.longest_edge",
    "min_pixels": "min_pixels or size.shortest_edge",
    "shortest_edge": "size.shortest_edge",
    "tile_size": "max_image_size.longest_edge",
}
_PATCHES = re.compile(
    r"(^|\.)(vision_model|vision_tower|visual)\.(.+\.)?patch_embed(ding|\.proj)\.weight$"
    r"|^encoder\.embeddings\.patch_embeddings\.projection\.weight$"
)
_POSITIONS = re.compile(
    r"(^|\.)(vision_model|vision_tower)\.(.+\.)?embeddings\.position_embedding(\.weight)?$"
    r"|^encoder\.embeddings\.position_embeddings$"
)
_CHANNELS = 3
_FRAMES = 2


@dataclass(frozen=True, slots=True)
class _Read:
    """What is compared with a network.

    Attributes:
        pixels: how a picture becomes numbers.
        comparisons: where each of that stands, by the name of the record's field.
        config: what the files say of the network for pictures.
        whole: the checkpoint.
    """

    pixels: PixelSettings
    comparisons: Mapping[str, Comparison]
    config: JsonFile
    whole: Checkpoint

    def wrong(self, field: str, expected: str) -> CheckpointError:
        """Return the error for a field that is not what the network reads."""
        value = getattr(self.pixels, field)
        found = self.comparisons.get(f"image_{field}")
        theirs = None if found is None else found.theirs
        shown = "by".join(f" {side} " for side in value).strip() if _is_pair(value) else value
        if theirs is not None and theirs.value == value:
            name, location = _KEYS.get(field, field), self.whole.where(theirs.file)
            return CheckpointError(location, f"{name!r} is {shown}; expected {expected}")
        return CheckpointError(
            self.config.location, f"image_{field} is {shown} for it; expected {expected}"
        )


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple)


def check_pictures(plan: AnyPlan) -> None:
    """Check that pictures become what the network of a plan reads.

    Raises:
        CheckpointError: a size is impossible, or another than the network's.
    """
    pixels: PixelSettings | None = None
    if isinstance(plan, ImageTextPlan | CaptionerPlan):
        pixels = plan.encoding.pixels
    elif isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None:
        pixels = plan.encoding.pictures.pixels
    if pixels is not None:
        for folder in transformers(plan):
            _check_pixels(pixels, folder, plan.comparisons)


def _check_pixels(
    pixels: PixelSettings, folder: Checkpoint, comparisons: Sequence[Comparison]
) -> None:
    """Check that the sizes of pictures are possible, and those that the network reads.

    Args:
        pixels: how a picture becomes numbers.
        folder: the folder of the network.
        comparisons: what the record and the checkpoint say of each field.

    Raises:
        CheckpointError: a size is impossible, or another than the network's.
    """
    config = folder.json(CONFIG_FILE)
    stated = config.text("model_type")
    kind = "" if stated is None else stated.value
    inner = config.part("vlm_config") or config
    network = picture_network(inner)
    named = {comparison.field: comparison for comparison in comparisons}
    read = _Read(pixels, named, network, folder.whole)
    _check_bounds(read)
    _check_channels(network)
    _check_weights(folder, network, kind)
    if kind in USUAL_SIZES:
        _check_fixed(read, kind)
    elif kind in USUAL_PATCHES:
        _check_any_shape(read, kind)
    elif kind in IN_TILES:
        _check_tiles(read, inner, kind)


def _check_bounds(read: _Read) -> None:
    for field, most in _MOST.items():
        value = getattr(read.pixels, field)
        numbers = value if isinstance(value, tuple) else () if value is None else (value,)
        if any(not 1 <= number <= most for number in numbers):
            both = "two numbers" if isinstance(value, tuple) else "a number"
            raise read.wrong(field, f"{both} from 1 to {most:,}")


def _check_channels(network: JsonFile) -> None:
    for key, expected in (
        ("num_channels", _CHANNELS),
        ("temporal_patch_size", _FRAMES),
    ):
        found = network.integer(key)
        if found is not None and found.value != expected:
            raise network.wrong(key, found.value, f"{expected}, as pictures are read here")


def _side(network: JsonFile, key: str, usual: int) -> int:
    """Return the side of a picture or a patch, in pixels, that a network has."""
    found = network.integer(key)
    side = usual if found is None else found.value
    if not 1 <= side <= _MOST_SIDE:
        raise network.wrong(key, side, f"a number from 1 to {_MOST_SIDE:,}")
    return side


def _check_weights(folder: Checkpoint, network: JsonFile, kind: str) -> None:
    """Check the sides that a network states by its weights, as far as their headers are at hand."""
    # An export keeps a few tensors beside its graph.
    if folder.whole.has(EXPORT_FILE):
        return
    shapes = {
        name: each.shape for header in folder.headers.values() for name, each in header.items()
    }
    patches = next((shapes[name] for name in shapes if _PATCHES.search(name)), ())
    usual = (USUAL_SIZES.get(kind) or (0, *USUAL_PATCHES.get(kind, (0,))))[1]
    stated = network.integer("patch_size")
    if len(patches) > 1 and (stated is not None or usual):
        has = math.isqrt(patches[1] // _CHANNELS) if len(patches) == 2 else patches[-1]
        side = _side(network, "patch_size", usual)
        if side != has:
            raise network.wrong("patch_size", side, f"{has}, that of the patches in the weights")
    positions = next((shapes[name] for name in shapes if _POSITIONS.search(name)), ())
    if len(positions) > 1 and kind in USUAL_SIZES:
        side = _side(network, "image_size", USUAL_SIZES[kind][0])
        n_patches = (side // _side(network, "patch_size", usual)) ** 2
        # Some have a position for the class beside those of the patches.
        if positions[-2] not in (n_patches, n_patches + 1):
            raise network.wrong(
                "image_size",
                side,
                f"one whose patches have the {positions[-2]} positions in the weights",
            )


def _check_fixed(read: _Read, kind: str) -> None:
    """Check what becomes of pictures by a network that reads one size."""
    pixels, network = read.pixels, read.config
    side = _side(network, "image_size", USUAL_SIZES[kind][0])
    patch = _side(network, "patch_size", USUAL_SIZES[kind][1])
    if patch > side:
        raise network.wrong("patch_size", patch, f"at most {side}, the side of its pictures")
    shown = f"{side} by {side} pixels, the pictures that its network reads"
    for field in ("tile_size", "max_patches", "max_pixels"):
        if getattr(pixels, field) is not None:
            raise read.wrong(field, f"none, but {shown}")
    field = "size" if pixels.crop is None else "crop"
    found = pixels.size if pixels.crop is None else pixels.crop
    if found is None:
        raise read.wrong("shortest_edge", f"a crop besides (do_center_crop), to {shown}")
    fits = (
        found == (side, side)
        if kind in _EXACT
        else {found[0] // patch, found[1] // patch} == {side // patch}
    )
    if not fits:
        raise read.wrong(field, shown)


def _check_any_shape(read: _Read, kind: str) -> None:
    """Check what becomes of pictures by a network that reads patches of any shape of picture."""
    pixels, network = read.pixels, read.config
    usual_patch, usual_merge = USUAL_PATCHES[kind]
    patch = _side(network, "patch_size", usual_patch)
    merge = _side(network, "spatial_merge_size", usual_merge) if kind == _BY_AREA else 1
    needed, other = (
        ("max_patches", "max_pixels") if kind == _BY_PATCHES else ("max_pixels", "max_patches")
    )
    for field in (other, "shortest_edge", "crop", "tile_size"):
        if getattr(pixels, field) is not None:
            raise read.wrong(field, "none, since its network reads pictures of any shape")
    if getattr(pixels, needed) is None:
        raise read.wrong(needed, "a number, since its network reads pictures of any shape")
    if (pixels.patch_size or 1) != patch:
        raise read.wrong("patch_size", f"{patch}, the patches that its network reads")
    if (pixels.merge_size or 1) != merge:
        raise read.wrong("merge_size", f"{merge}, the patches that its network merges")
    if pixels.size is not None and any(length % (patch * merge) for length in pixels.size):
        raise read.wrong("size", f"multiples of {patch * merge}, the side of its patches")


def _check_tiles(read: _Read, network: JsonFile, kind: str) -> None:
    """Check what becomes of pictures by a network that reads tiles of one size."""
    pixels = read.pixels
    _, factor = [key for key in IN_TILES[kind] if key != "image_size"]
    patch = _side(read.config, "patch_size", IN_TILES[kind]["patch_size"])
    merge = _side(network, factor, IN_TILES[kind][factor])
    side = pixels.tile_size or 0
    if pixels.patch_size != patch:
        raise read.wrong("patch_size", f"{patch}, the patches that its network reads")
    if pixels.merge_size != merge:
        raise read.wrong("merge_size", f"{merge}, the patches that its network merges")
    if side < patch or side // patch % merge:
        raise read.wrong("tile_size", f"one of squares of {merge} by {merge} patches of {patch}")
