"""Compare one record with one checkpoint, field by field, with the plan that `load` builds.

Whatever `load` refuses shows up here as a comparison that differs, or as the same refusal. Facts
that do not affect how a model runs are compared, too: its files, the type of its weights, its card
and its commit.
"""

from __future__ import annotations

from dataclasses import dataclass

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.completeness import check_present
from holotype.encoders.kinds.merge import Comparer, Comparison
from holotype.encoders.kinds.planning import Draft, make_draft
from holotype.errors import CheckpointError, UnsafeCheckpointError
from holotype.hub.card import compare_card
from holotype.hub.checkpoint_files import CheckpointFiles
from holotype.hub.file_list import MISSING, compare_dtype, compare_files
from holotype.records import ModelInfo


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a checkpoint.

    Attributes:
        comparisons: one for each field.
        refusal: why `load` refuses the checkpoint whatever the record says; None if it does not.
        notes: values of the card that were ignored, and why.
    """

    comparisons: tuple[Comparison, ...]
    refusal: str | None
    notes: tuple[str, ...]


def compare_with_checkpoint(record: ModelInfo, files: CheckpointFiles) -> Reading:
    """Compare a record with a checkpoint.

    Raises:
        CheckpointError: a file is damaged.
    """
    draft = make_draft(record, files.checkpoint)
    beside = Comparer(record)
    compare_dtype(beside, files)
    compare_files(beside, files)
    notes = compare_card(beside, files)
    if files.repository is not None and record.revision is not None:
        beside.choose("revision", record.revision, Setting(files.repository.commit, "the Hub"))
    missing = _missing(draft)
    # Why nothing can be loaded says more than that a file is not there.
    kept = [found for found in beside.comparisons if missing is None or not _is_missing(found)]
    refusal = draft.refusal or missing
    return Reading(
        comparisons=(*draft.comparisons, *kept),
        refusal=None if refusal is None else str(refusal),
        notes=notes,
    )


def _missing(draft: Draft) -> CheckpointError | None:
    """Return why a load finds no weights or no tokenizer; None where it finds both."""
    record = draft.record
    if draft.plan is None:
        return None
    try:
        check_present(draft.plan)
    except UnsafeCheckpointError as error:
        # An entry may say that its weights are pickled, and contradicts nothing then.
        return None if record.pytorch_file and not record.safetensors_file else error
    except CheckpointError as error:
        return error
    return None


def _is_missing(comparison: Comparison) -> bool:
    theirs = comparison.theirs
    return comparison.field.endswith("_file") and theirs is not None and theirs.value == MISSING
