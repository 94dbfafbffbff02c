"""From a plan to networks on exported graphs of which one reads pictures."""

from __future__ import annotations

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.graphs.captions import GraphCaptions, beginning, read_facts, search_rules
from holotype.encoders.graphs.graph import (
    ATTENDED,
    GRID_PLACES,
    IDS,
    LOGITS,
    MEMORY,
    PARTS,
    PAST,
    PATCH_PLACES,
    PICTURE_FEATURES,
    PIXELS,
    PLACES,
    PRESENT,
    TEXT_FEATURES,
    Graph,
    choose_output,
    require_inputs,
    require_output,
)
from holotype.encoders.graphs.network import GraphNetwork, GraphPictures, LayersGraphHead
from holotype.encoders.graphs.opening import GraphOpening, check_vocabulary, check_width
from holotype.encoders.graphs.pages import GraphPages, PageBackbone
from holotype.encoders.inputs.page_prompts import make_page_prompt
from holotype.encoders.inputs.tokenizer_json import read_tokenizer
from holotype.encoders.kinds.colbert import PictureSide
from holotype.encoders.kinds.plan import CaptionerPlan, ColbertPlan, ImageTextPlan
from holotype.encoders.running.captions import Writers
from holotype.encoders.running.network import Tower, Towers
from holotype.errors import UnsupportedCheckpointError


def build_image_text(plan: ImageTextPlan, opening: GraphOpening) -> Towers:
    """Return the networks of a model for pictures and texts.

    Raises:
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    encoding = plan.encoding
    # Punctuation is taken out by Python's rules, before which the texts are in lower case already.
    lower_case = plan.settings.lower_case or encoding.lower_case
    backbone = opening.open(
        plan.settings,
        _text_features,
        lower_case=lower_case and not encoding.remove_punctuation,
        masked=False,
    )
    if ATTENDED in backbone.tokenizer.input_names and ATTENDED not in backbone.graph.inputs:
        raise UnsupportedCheckpointError(
            backbone.graph.location,
            f"has no input {ATTENDED}, which the tokenizer of its folder gives; the files are not of "
            "one checkpoint",
        )
    pictures = opening.open_pictures()
    check_width(backbone.graph, TEXT_FEATURES, encoding.native_dim)
    check_width(pictures, PICTURE_FEATURES, encoding.native_dim)
    dim = opening.dim or encoding.native_dim
    head = LayersGraphHead((), dim=dim, normalized=encoding.normalized)
    tower = Tower(GraphNetwork(backbone, head), backbone.tokenizer)
    return Towers(
        document=tower,
        query=tower,
        dtype=opening.dtype,
        pictures=GraphPictures(pictures, dim=dim, normalized=encoding.normalized),
    )


def _text_features(graph: Graph) -> str:
    return require_output(graph, TEXT_FEATURES)


def build_captioner(plan: CaptionerPlan, opening: GraphOpening) -> Writers:
    """Return what writes the captions of a model.

    Raises:
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    encoding, folder = plan.encoding, plan.settings.transformer
    tokenizer = read_tokenizer(folder, lower_case=plan.settings.lower_case)
    check_vocabulary(tokenizer, plan.settings)
    facts = read_facts(Checkpoint(opening.graph.parent), plan.limits)
    texts = opening.open_texts()
    require_inputs(texts, IDS, MEMORY, PAST)
    for output in (LOGITS, PRESENT):
        require_output(texts, output)
    begin = beginning(facts, encoding, tokenizer)
    reads = (PIXELS,) if begin.read is None else (PIXELS, IDS)
    rules = search_rules(facts, encoding, plan.limits, len(begin.shown), plan.record.id)
    pictures = opening.open_pictures(MEMORY, reads=reads)
    check_width(pictures, MEMORY, facts.layers[-1])
    return Writers(
        network=GraphCaptions(pictures, texts, facts, begin, rules),
        tokenizer=tokenizer,
        dtype=opening.dtype,
    )


def build_pages(plan: ColbertPlan, pictures: PictureSide, opening: GraphOpening) -> Towers:
    """Return the networks of late interaction with pictures.

    Args:
        plan: how the model is run.
        pictures: how it reads them.
        opening: its graphs.

    Raises:
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    settings, encoding = plan.settings, plan.encoding
    in_grid = pictures.model_type == "colqwen2"
    beside = (PARTS, PLACES, GRID_PLACES) if in_grid else (PARTS, PLACES)
    backbone = opening.open(settings, lambda graph: choose_output(graph)[0], beside=beside)
    tiles = opening.open_pictures(reads=(PIXELS, PATCH_PLACES) if in_grid else (PIXELS,))
    width = settings.hidden_dim.value if settings.hidden_dim else 0
    check_width(backbone.graph, backbone.output, encoding.native_dim)
    check_width(tiles, PICTURE_FEATURES, width)
    pages = PageBackbone(backbone, width)
    prompt = make_page_prompt(settings.transformer, pictures, backbone.tokenizer, n_parts=None)
    dim = opening.dim or encoding.native_dim
    tower = Tower(
        GraphNetwork(pages, LayersGraphHead((), dim=dim, normalized=True)), backbone.tokenizer
    )
    return Towers(
        document=tower,
        query=tower,
        dtype=opening.dtype,
        pictures=GraphPages(
            tiles, pages, prompt, dim=dim, n_merged=(pictures.pixels.merge_size or 1) ** 2
        ),
    )
