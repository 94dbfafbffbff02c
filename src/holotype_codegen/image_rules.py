"""Rules about models that read pictures: how they resize, cut, scale, and compare with texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.report import quote_json
from holotype_codegen.wording import join_quoted

_IMAGE = "/image"
_MODALITIES = "/capabilities/modalities"
_READS = {"image-text": ("text", "image"), "captioner": ("image",)}
"""What a model of each kind reads at least."""
_WAYS = ("size", "shortest_edge", "longest_edge", "max_patches", "max_pixels")
"""The fields that each say by themselves how a picture is resized."""
_HIGHEST = 255
_TWO_SIDES = 2


def models_for_pictures_read_them(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A kind that reads pictures lists them, and so does an entry that says how it does."""
    listed = [modality for _, modality in entry.texts(_MODALITIES)]
    if not listed:
        return
    wanted = _READS.get(entry.kind or "", ())
    missing = [modality for modality in wanted if modality not in listed]
    if missing:
        yield entry.breach(
            _MODALITIES,
            f"modalities is {join_quoted(listed)} for a model of the type {quote_json(entry.kind)}",
            f"expected {join_quoted(wanted)} among them",
            f"add {join_quoted(missing)}, or correct the type",
        )
    elif "image" not in listed and entry.members(_IMAGE):
        yield entry.breach(
            _IMAGE,
            f"image says how pictures are read, and modalities is {join_quoted(listed)}",
            'expected "image" among them',
            'add "image" to the modalities, or delete the image',
        )


def pictures_are_resized_in_one_way(entry: Entry, _: Entries) -> Iterator[Breach]:
    """At most one field says how a picture is resized."""
    image = entry.members(_IMAGE)
    stated = [name for name in _WAYS if image.get(name) is not None]
    for name in stated[1:]:
        yield entry.breach(
            f"{_IMAGE}/{name}",
            f"image has {quote_json(stated[0])} and {quote_json(name)}",
            f"expected at most one of {join_quoted(_WAYS)}",
            "keep the one by which the model resizes, and delete the other",
        )
    most = entry.count(f"{_IMAGE}/max_pixels")
    fewest = entry.count(f"{_IMAGE}/min_pixels") if most else None
    if fewest and most and fewest > most:
        yield entry.breach(
            f"{_IMAGE}/min_pixels",
            f"min_pixels is {fewest}, max_pixels is {most}",
            "expected the smaller area first",
            "correct the wrong one",
        )


def crops_lie_in_the_picture(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A crop has two sides, or none; it is no larger than the resized picture."""
    pointer = f"{_IMAGE}/crop"
    crop = entry.value(pointer)
    if not isinstance(crop, list) or any(type(side) is not int for side in crop) or not crop:
        return
    if len(crop) == 1:
        yield entry.breach(
            pointer,
            f"crop is {quote_json(crop)}",
            "expected height and width, or an empty list where nothing is cut off",
            f"write {quote_json(crop * _TWO_SIDES)}",
        )
    if len(crop) != _TWO_SIDES:
        return
    edge = entry.count(f"{_IMAGE}/shortest_edge")
    resized = _sides(entry, f"{_IMAGE}/size") or ((edge, edge) if edge else None)
    if resized and any(cut > side for cut, side in zip(crop, resized, strict=True)):
        yield entry.breach(
            pointer,
            f"crop is {quote_json(crop)}, and pictures are resized to {quote_json(list(resized))}",
            "expected a crop that lies in the resized picture",
            "correct the wrong one",
        )


def patches_fit_the_picture(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A network makes no more vectors of a picture than it has patches; two towers just as many."""
    patch = entry.count(f"{_IMAGE}/patch_size")
    seen = _seen(entry) if patch else None
    if not patch or not seen:
        return
    name, sides = seen
    if patch > min(sides):
        yield entry.breach(
            f"{_IMAGE}/patch_size",
            f"patch_size is {patch}, {name} is {quote_json(list(sides))}",
            "expected patches no larger than the picture",
            "correct the wrong one",
        )
        return
    merge = entry.count(f"{_IMAGE}/merge_size") or 1
    if merge > 1 and any(side % (patch * merge) for side in sides):
        yield entry.breach(
            f"{_IMAGE}/merge_size",
            f"patch_size times merge_size is {patch * merge}, {name} is {quote_json(list(sides))}",
            "expected sides that are multiples of it, so that each token has all its patches",
            "correct the wrong one",
        )
        return
    patches = (sides[0] // (patch * merge)) * (sides[1] // (patch * merge))
    tokens = entry.count(f"{_IMAGE}/tokens")
    exact = entry.kind == "image-text"
    if tokens and (tokens > patches or (exact and tokens != patches)):
        yield entry.breach(
            f"{_IMAGE}/tokens",
            f"tokens is {tokens}, and {name} {quote_json(list(sides))} has {patches} patches of "
            f"{patch * merge} pixels",
            f"expected {patches}" if exact else f"expected at most {patches}",
            "correct the wrong one; a class token is not counted",
        )


def channels_are_of_the_rescaled_values(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Pictures are rescaled by at most 1; mean and deviation are of the rescaled values."""
    rescale = entry.value(f"{_IMAGE}/rescale")
    if not isinstance(rescale, int | float) or isinstance(rescale, bool) or rescale <= 0:
        return
    if rescale > 1:
        yield entry.breach(
            f"{_IMAGE}/rescale",
            f"rescale is {quote_json(rescale)}",
            "expected a factor of at most 1 on values from 0 to 255",
            f"write {1 / rescale}, if values are divided by {quote_json(rescale)}",
        )
        return
    highest = max(1.0, _HIGHEST * rescale)
    for name in ("mean", "std"):
        value = entry.value(f"{_IMAGE}/{name}")
        for n, channel in enumerate(value if isinstance(value, list) else ()):
            if type(channel) in (int, float) and abs(channel) > highest:
                yield entry.breach(
                    f"{_IMAGE}/{name}/{n}",
                    f"{name} is {quote_json(channel)}, and values reach {highest:g} after rescaling",
                    f"expected the {name} of the rescaled values",
                    f"write {channel * rescale:g}, if it is that of the values from 0 to 255",
                )


def biases_belong_to_sigmoids(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Only a score that is a sigmoid has a bias: it changes no order, and no cosine has one."""
    bias = entry.value("/encoding/logit_bias")
    similarity = entry.text("/encoding/similarity") if bias is not None else None
    if similarity is not None and similarity != "sigmoid":
        yield entry.breach(
            "/encoding/logit_bias",
            f"logit_bias is {quote_json(bias)}, and similarity is {quote_json(similarity)}",
            'expected a bias only with the similarity "sigmoid"',
            "correct the wrong one",
        )


def text_lengths_fit_the_context(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Texts are not padded or truncated to more tokens than the network reads."""
    length = entry.count("/encoding/text_length")
    context = entry.count("/specs/context_length") if length else None
    if length and context and length > context:
        yield entry.breach(
            "/encoding/text_length",
            f"text_length is {length}, context_length is {context}",
            "expected a length no longer than the context",
            "correct the wrong one",
        )


def captions_have_one_limit(entry: Entry, _: Entries) -> Iterator[Breach]:
    """The length of a caption has one upper limit, which is no smaller than the lower one."""
    longest = entry.count("/encoding/max_length")
    if not longest:
        return
    added, shortest = entry.count("/encoding/max_new_tokens"), entry.count("/encoding/min_length")
    if added:
        yield entry.breach(
            "/encoding/max_new_tokens",
            f"max_length is {longest}, and max_new_tokens is {added}",
            "expected one of them: the first counts the prompt, the second does not",
            "keep the one that the source states",
        )
    if shortest and shortest > longest:
        yield entry.breach(
            "/encoding/min_length",
            f"min_length is {shortest}, max_length is {longest}",
            "expected the smaller number of tokens first",
            "correct the wrong one",
        )


def captions_fit_the_network(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A search follows no more beams than there are tokens, and writes no more than can be read."""
    for size, names in (
        ("vocab_size", ("num_beams",)),
        ("max_position_embeddings", ("max_new_tokens", "max_length", "min_length")),
    ):
        most = entry.count(f"/specs/{size}")
        for name in names:
            stated = entry.count(f"/encoding/{name}")
            if most and stated and stated > most:
                yield entry.breach(
                    f"/encoding/{name}",
                    f"{name} is {stated}, {size} is {most}",
                    f"expected no more than {size}",
                    "correct the wrong one",
                )


def _seen(entry: Entry) -> tuple[str, tuple[int, int]] | None:
    """Return the field that says what the network sees of a picture, and its sides; else None."""
    tile = entry.count(f"{_IMAGE}/tile_size")
    if tile:
        return "tile_size", (tile, tile)
    for name in ("crop", "size"):
        sides = _sides(entry, f"{_IMAGE}/{name}")
        if sides:
            return name, sides
    return None


def _sides(entry: Entry, pointer: str) -> tuple[int, int] | None:
    sides: Any = entry.value(pointer)
    if isinstance(sides, list) and len(sides) == _TWO_SIDES:
        height, width = sides
        if type(height) is int and type(width) is int and height > 0 and width > 0:
            return height, width
    return None


IMAGE_RULES = (
    models_for_pictures_read_them,
    pictures_are_resized_in_one_way,
    crops_lie_in_the_picture,
    patches_fit_the_picture,
    channels_are_of_the_rescaled_values,
    biases_belong_to_sigmoids,
    text_lengths_fit_the_context,
    captions_have_one_limit,
    captions_fit_the_network,
)
"""The rules about models that read pictures."""
