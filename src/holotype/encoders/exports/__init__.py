"""`export`: from a record or an id to a folder that runs without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holotype.encoders._load import import_part
from holotype.encoders.checkpoints.checkpoint import GRAPHS
from holotype.encoders.config import Backend, Precision, configure
from holotype.encoders.names import as_reference, resolve
from holotype.encoders.opening import open_reference
from holotype.errors import ExportError, InvalidArgumentError
from holotype.errors.checkpoints import how_to_limit
from holotype.naming import one_of
from holotype.records import CaptionerModel, ClassifierModel, CrossEncoderModel, ModelInfo
from holotype.references.staging import occupation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holotype.encoders.graphs.manifest import Manifest
    from holotype.references.ref import ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export that was made and accepted.

    Attributes:
        folder: what `load` takes as ``checkpoint=``.
        manifest: what it was made from, and what it lost.
    """

    folder: Path
    manifest: Manifest


def export(
    model: ModelInfo | str | ModelRef | os.PathLike[str],
    *,
    backend: Backend,
    dtype: Precision | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    to: str | os.PathLike[str] | None = None,
    texts: Sequence[str] | None = None,
    min_cosine: float | None = None,
    max_difference: float | None = None,
    trust_remote_code: bool = False,
) -> Export:
    """Write a model's transformer for another backend, and keep it only if it is the same model.

    The vectors of some texts, the scores of pairs of them, or captions are compared with those of
    the original weights on torch in float32, before the folder gets its name.

    Args:
        model: a record of any catalogue, an id of holotype's own, a reference such as
            ``local:my-model``, or the path of a folder; see `load`.
        backend: ``"onnx"`` or ``"openvino"``.
        dtype: the type of the arithmetic; None means float32. ``"int8"`` stores the
            weights of matrix products as bytes, with a scale for each column; what they are
            multiplied with is quantised while it runs.
        checkpoint: a folder with the model's files; None takes those that the reference names, or
            the pinned revision from the Hub.
        to: the folder to make; an empty one may be there. None means the id, the backend and the
            dtype in the current folder.
        texts: what is compared; None means a few texts in several languages. Captioners read none:
            built-in pictures are compared.
        min_cosine: how near each vector must be to its original; None means 0.99999 in float32,
            0.999 in float16 and bfloat16, and 0.9 in int8; in bfloat16 one text in ten may have
            0.99. Where it is left out, most of the heaviest words of sparse vectors must stay as
            well.
        max_difference: of cross-encoders and classifiers, how far a logit may be from its original
            (where logits exceed 1, as a share of the greatest), of captioners, how far the score of
            a caption may be; None means 1e-4 in float32, 0.01 in float16, 0.05 in bfloat16 and 0.25
            in int8. Where it is left out, most of the decisions, or of the words, must stay as
            well.
        trust_remote_code: whether Python files of the checkpoint may run on this machine.

    Raises:
        MissingExtraError: a package is not installed.
        ExportError: the folder holds something or cannot be written, or the export is too far from
            the original.
        UnsupportedModelError: this kind of model is not exported.
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
        ValueError: the backend or the dtype is unknown, there are no texts, or the model gives
            nothing that a limit is for.
    """
    if backend not in GRAPHS:
        why = ": torch runs the checkpoint itself" if backend == "torch" else ""
        raise ValueError(f"there is no export for {backend!r}{why}; {one_of(str(backend), GRAPHS)}")
    record, checkpoint = _opened(model, checkpoint)
    config = configure(
        record,
        dtype=dtype,
        checkpoint=checkpoint,
        trust_remote_code=trust_remote_code,
        backend=backend,
    )
    if texts is not None and not texts:
        raise ValueError("there are no texts to compare; name some, or none for those built in")
    if texts is not None and isinstance(record, CaptionerModel):
        raise ValueError(f"{record.id!r} reads no texts; name none")
    _check_limits(record, min_cosine, max_difference)
    folder = Path(_usual_name(record.id, backend, config.dtype) if to is None else to)
    problem = occupation(folder)
    if problem is not None:
        raise ExportError(
            record.id,
            f"{folder} {problem}, and nothing is overwritten; name another, or an empty folder",
        )
    import_part(f"holotype.encoders.graphs.{backend}_backend", backend, "export()")
    exporting: Any = import_part("holotype.encoders.exports.exporting", "export", "export()")
    losses: Any = import_part("holotype.encoders.exports.losses", "export", "export()")
    limits = losses.Limits(min_cosine=min_cosine, max_difference=max_difference)
    made: Export = exporting.make_export(config, folder, texts=texts, limits=limits)
    return made


def _opened(
    model: ModelInfo | str | ModelRef | os.PathLike[str],
    checkpoint: str | os.PathLike[str] | None,
) -> tuple[ModelInfo, str | os.PathLike[str] | None]:
    """Return the record of a model, and the folder with its files where one is known."""
    named = resolve(model, checkpoint=checkpoint) if isinstance(model, str) else model
    if isinstance(named, ModelInfo):
        return named, checkpoint
    ref = as_reference(named)
    if checkpoint is not None and ref.scheme != "catalogue":
        raise InvalidArgumentError(f"'{ref}' says where the files are; name no other folder")
    opened = open_reference(ref)
    folder = None if opened.checkpoint is None else opened.checkpoint.folder
    return opened.record, checkpoint if folder is None else folder


def _check_limits(
    record: ModelInfo, min_cosine: float | None, max_difference: float | None
) -> None:
    scores = isinstance(record, CaptionerModel | CrossEncoderModel | ClassifierModel)
    if scores and min_cosine is not None:
        raise InvalidArgumentError(f"{record.id!r} gives scores", how_to_limit("max_difference"))
    if not scores and max_difference is not None:
        raise InvalidArgumentError(f"{record.id!r} gives vectors", how_to_limit("min_cosine"))


def _usual_name(id: str, backend: str, dtype: str) -> str:
    return f"{id}-{backend}" if dtype == "float32" else f"{id}-{backend}-{dtype}"
