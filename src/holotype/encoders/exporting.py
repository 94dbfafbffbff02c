"""Making an export: files, graph, comparison, and only then its name."""

from __future__ import annotations

import dataclasses
import inspect
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from holotype.encoders._load import load
from holotype.encoders.checkpoint import (
    STANFORD_ARCHITECTURE,
    CheckpointSettings,
    read_checkpoint,
)
from holotype.encoders.config import ModelConfig
from holotype.encoders.export_loss import PROBES, check_loss, measure_loss
from holotype.encoders.export_manifest import (
    MANIFEST_FILE,
    Loss,
    Manifest,
    digests,
    write_manifest,
)
from holotype.encoders.exports import Export
from holotype.encoders.graph import TYPE_IDS
from holotype.encoders.graph_export import convert_to_openvino, quantize, write_onnx
from holotype.encoders.graph_files import GRAPHS
from holotype.encoders.modules import LinearSpec
from holotype.encoders.remote_code import code_policy
from holotype.encoders.source import find_checkpoint
from holotype.encoders.tensor_files import read_tensors
from holotype.encoders.tokenizer_files import load_tokenizer
from holotype.encoders.tokenizer_json import TOKENIZER_FILE
from holotype.encoders.weights import load_backbone
from holotype.errors import ExportError, UnsupportedModelError
from holotype.records import ColbertModel, DenseModel

_SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "artifact.metadata")
_NOT_COPIED = ("*.index.json", MANIFEST_FILE)
_WEIGHTS = "model.safetensors"
_TOOLS = ("holotype", "torch", "transformers", "tokenizers", "onnx", "onnxscript")
_RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino"}


def make_export(
    config: ModelConfig[Any], to: Path, *, texts: Sequence[str] | None, min_cosine: float | None
) -> Export:
    """Make an export; see `holotype.encoders.exports.export`."""
    record = config.record
    if not isinstance(record, DenseModel | ColbertModel) or record.architecture_type == "static":
        raise UnsupportedModelError(
            record.id, "only dense and colbert models on a transformer are exported so far"
        )
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    settings = read_checkpoint(folder)
    to.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder that it becomes, since renaming works within one file system only.
    made = Path(tempfile.mkdtemp(prefix=f".{to.name}.", dir=to.parent))
    try:
        _copy_small_files(settings, made)
        _write_graph(config, settings, made)
        manifest = _manifest(config, settings, made, loss=None)
        write_manifest(made, manifest)
        loss = _measured(config, folder, made, PROBES if texts is None else texts)
        check_loss(record.id, loss, config.dtype, min_cosine)
        manifest = dataclasses.replace(manifest, loss=loss)
        write_manifest(made, manifest)
        made.chmod(0o755)  # mkdtemp made it private
        _rename(record.id, made, to)
    except BaseException:
        shutil.rmtree(made)
        raise
    return Export(folder=to, manifest=manifest)


def _rename(model_id: str, made: Path, to: Path) -> None:
    if to.exists():
        raise ExportError(model_id, f"{to} has come to be meanwhile; nothing is overwritten")
    made.rename(to)


def _measured(config: ModelConfig[Any], folder: Path, made: Path, texts: Sequence[str]) -> Loss:
    original = dataclasses.replace(
        config, backend="torch", dtype="float32", device="cpu", checkpoint=str(folder)
    )
    exported = dataclasses.replace(config, checkpoint=str(made))
    with closing(load(original)) as theirs, closing(load(exported)) as ours:
        return measure_loss(ours, theirs, texts)


def _copy_small_files(settings: CheckpointSettings, made: Path) -> None:
    folder = settings.folder
    module_folders = {path.parent for path in folder.glob("*/config.json")}
    hidden = {path for path in module_folders if path.name.startswith((".", "onnx", "openvino"))}
    for source in sorted({folder, settings.transformer_folder, *module_folders} - hidden):
        for file in _small_files(source):
            target = made / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    steps = settings.modules.steps if settings.modules else ()
    for step in steps:
        if isinstance(step, LinearSpec):
            _save(read_tensors(step.folder), made / step.folder.relative_to(folder))
    inner = settings.transformer_folder.relative_to(folder)
    if not (made / inner / TOKENIZER_FILE).is_file():
        # transformers makes it from other vocabularies; loading without transformers needs it.
        wrapper = AutoTokenizer.from_pretrained(settings.transformer_folder, local_files_only=True)
        wrapper.save_pretrained(made / inner)


def _small_files(folder: Path) -> Iterator[Path]:
    for pattern in _SMALL_FILES:
        for file in folder.glob(pattern):
            if file.is_file() and not any(file.match(unwanted) for unwanted in _NOT_COPIED):
                yield file


def _save(tensors: dict[str, torch.Tensor], folder: Path) -> None:
    kept = {name: tensor.float().contiguous() for name, tensor in tensors.items()}
    save_file(kept, folder / _WEIGHTS)


def _write_graph(config: ModelConfig[Any], settings: CheckpointSettings, made: Path) -> None:
    folder = settings.transformer_folder
    policy = code_policy(config.record, trusted=config.trust_remote_code)
    tensors = read_tensors(folder)
    if settings.architecture == STANFORD_ARCHITECTURE:
        projection = {name: found for name, found in tensors.items() if name.startswith("linear.")}
        tensors = {name: found for name, found in tensors.items() if name not in projection}
        if settings.format == "stanford":
            _save(projection, made / folder.relative_to(settings.folder))
    # transformers hides the signature of `to` behind a decorator.
    model: Any = load_backbone(folder, tensors, policy=policy)
    tokenizer = load_tokenizer(folder, lower_case=settings.lower_case, policy=policy)
    with_type_ids = (
        TYPE_IDS in tokenizer.input_names
        and TYPE_IDS in inspect.signature(model.forward).parameters
    )
    path = made / GRAPHS[config.backend]
    path.parent.mkdir()
    model_id, dtype = config.record.id, config.dtype
    if config.backend == "onnx" and dtype != "int8":
        if dtype == "float16":
            model = model.to(torch.float16)
        write_onnx(model_id, model, path, with_type_ids=with_type_ids)
        return
    with tempfile.TemporaryDirectory(dir=made) as scratch:
        whole = Path(scratch) / "model.onnx"
        write_onnx(model_id, model, whole, with_type_ids=with_type_ids)
        if config.backend == "onnx":
            quantize(whole, path)
        else:
            convert_to_openvino(whole, path, halved=dtype == "float16")


def _manifest(
    config: ModelConfig[Any], settings: CheckpointSettings, made: Path, *, loss: Loss | None
) -> Manifest:
    record, folder = config.record, settings.transformer_folder
    files = (path for path in made.rglob("*") if path.is_file())
    weights = (path for path in folder.glob("*.safetensors"))
    return Manifest(
        model_id=record.id,
        huggingface_id=record.huggingface_id,
        # Nothing says of which commit a folder is that the caller names.
        revision=record.revision if config.checkpoint is None else None,
        backend=config.backend,
        dtype=config.dtype,
        graph=GRAPHS[config.backend],
        files=digests(made, _names(files, made)),
        weights=digests(folder, _names(weights, folder)),
        tools={name: version(name) for name in (*_TOOLS, _RUNTIMES[config.backend])},
        loss=loss,
    )


def _names(paths: Iterable[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]
