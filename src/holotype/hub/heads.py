"""What the last step of cross-encoders and classifiers says."""

from __future__ import annotations

from pathlib import Path

from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.settings import CONFIG_FILE, LIBRARY_FILE
from holotype.encoders.kinds.derived_record import label_names
from holotype.encoders.kinds.merge import Comparer
from holotype.hub.fields import compare_field

_SCORE_ACTIVATIONS = {"Identity": "identity", "Sigmoid": "sigmoid", "Softmax": "softmax"}
_PROBLEM_TYPES = {"single_label_classification": False, "multi_label_classification": True}


def compare_head(comparer: Comparer, folder: Path, inside: Path) -> None:
    """Compare the head of the kinds that have one; of the others, nothing.

    Raises:
        CheckpointError: a file is damaged.
    """
    config = JsonFile.read(folder, str(inside / CONFIG_FILE), optional=True)
    library = JsonFile.read(folder, LIBRARY_FILE, optional=True)
    compare = {
        "cross-encoder": _compare_scores,
        "classifier": _compare_labels,
    }.get(comparer.record.type)
    if compare is not None:
        compare(comparer, folder, config, library)


def _compare_scores(comparer: Comparer, folder: Path, config: JsonFile, library: JsonFile) -> None:
    stated = library.text("activation_fn")
    nested = config.part("sentence_transformers")
    if stated is None and nested is not None:
        stated = nested.text("activation_fn")
    if stated is None:
        stated = config.text("sbert_ce_default_activation_function")
    name = stated.value.rpartition(".")[2] if stated else ""
    known = (
        Setting(_SCORE_ACTIVATIONS[name], stated.file)
        if (stated is not None and name in _SCORE_ACTIVATIONS)
        else None
    )
    compare_field(comparer, "activation", known)


def _compare_labels(comparer: Comparer, folder: Path, config: JsonFile, library: JsonFile) -> None:
    labels = label_names(config)
    # transformers writes such names where the authors gave none.
    placeholders = all(label == f"LABEL_{at}" for at, label in enumerate(labels))
    known = Setting(labels, config.name) if labels and not placeholders else None
    compare_field(comparer, "labels", known)
    problem = config.text("problem_type")
    several = (
        Setting(_PROBLEM_TYPES[problem.value], problem.file)
        if problem is not None and problem.value in _PROBLEM_TYPES
        else None
    )
    compare_field(comparer, "multi_label", several)
