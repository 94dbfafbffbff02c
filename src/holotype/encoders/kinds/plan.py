"""How a model is run, from its record and its files, without loading a tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from holotype.encoders.checkpoints.bge_m3 import read_colbert_checkpoint, read_projection
from holotype.encoders.checkpoints.heads import read_head_checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.modules import LinearSpec, stanford_linear
from holotype.encoders.checkpoints.safetensors import read_header, weight_files
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_checkpoint
from holotype.encoders.checkpoints.sparse import LEXICAL, read_sparse_checkpoint
from holotype.encoders.kinds.classifier import resolve_classifier
from holotype.encoders.kinds.colbert import compare_colbert
from holotype.encoders.kinds.cross_encoder import resolve_cross_encoder
from holotype.encoders.kinds.dense import compare_dense
from holotype.encoders.kinds.merge import Merge
from holotype.encoders.kinds.routed import read_routed, resolve_routed
from holotype.encoders.kinds.sparse import resolve_sparse
from holotype.encoders.kinds.static import is_static
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ModelInfo,
    SparseModel,
)


def resolve_encoding(record: ModelInfo, folder: Path) -> Any:
    """Return how a model is run: the encoding of its kind, as its encoder has it.

    Returns:
        A frozen dataclass, such as `DenseEncoding`; None for tables of token vectors, whose
        length only their tokenizer knows, and for kinds that have no encoder.

    Raises:
        CheckpointError: a file is missing, damaged, or of another kind of model.
        UnsupportedModelError: neither the record nor the checkpoint says how it is run.
        CatalogueMismatchError: they disagree.
    """
    if isinstance(record, SparseModel):
        lexical = record.activation == LEXICAL
        return resolve_sparse(record, read_sparse_checkpoint(folder, lexical=lexical))
    if isinstance(record, CrossEncoderModel):
        return resolve_cross_encoder(record, read_head_checkpoint(folder))
    if isinstance(record, ClassifierModel):
        return resolve_classifier(record, read_head_checkpoint(folder))
    if not isinstance(record, DenseModel | ColbertModel) or is_static(folder):
        return None
    dense = isinstance(record, DenseModel)
    routed = read_routed(folder) if dense else None
    if routed is not None:
        return resolve_routed(cast(AnyDenseModel, record), routed)
    settings = read_checkpoint(folder) if dense else read_colbert_checkpoint(folder)
    merge = Merge(record, settings)
    encoding = merged_encoding(record, settings, merge)
    merge.finish()
    return encoding


def merged_encoding(record: ModelInfo, settings: CheckpointSettings, merge: Merge) -> Any:
    """Compare a dense or a ColBERT record with a checkpoint, without raising what differs."""
    if isinstance(record, DenseModel):
        return compare_dense(record, settings, merge)
    projection = None
    if settings.format == "stanford":
        projection = stanford_projection(settings)
    elif settings.format == "bge-m3":
        projection = read_projection(settings.folder)
    return compare_colbert(cast(AnyColbertModel, record), settings, projection, merge)


def stanford_projection(settings: CheckpointSettings) -> Setting[LinearSpec] | None:
    """Return the projection that lies in the transformer's weights, by the header of their file."""
    folder = settings.transformer_folder
    for name in weight_files([path.name for path in folder.iterdir()]):
        header = read_header(folder / name)
        if "linear.weight" in header and len(header["linear.weight"].shape) == 2:
            shape = header["linear.weight"].shape
            return Setting(stanford_linear(folder, shape, bias="linear.bias" in header), name)
    return None
