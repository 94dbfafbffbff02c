"""Making an export: files, graph, comparison, and only then its name."""

from __future__ import annotations

import dataclasses
import errno
import inspect
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from holotype.encoders._load import import_part, load
from holotype.encoders.checkpoints.bge_m3 import PROJECTION_FILE
from holotype.encoders.checkpoints.checkpoint import GRAPHS, INDEX_FILE, Checkpoint
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.routes import module_folders
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.checkpoints.sparse import LEXICAL_STEM
from holotype.encoders.config import ModelConfig
from holotype.encoders.encoder import LoadedRecord
from holotype.encoders.exports import Export
from holotype.encoders.exports.captions import CaptionSource
from holotype.encoders.exports.graph import (
    write_caption_pictures,
    write_caption_texts,
    write_onnx,
    write_patches,
    write_pictures,
)
from holotype.encoders.exports.losses import PROBES, Limits, check_loss, measure_loss
from holotype.encoders.exports.quantizing import Inputs, quantize
from holotype.encoders.exports.quiet import without_noise
from holotype.encoders.exports.sources import ExportSource, contiguous, read_source
from holotype.encoders.graphs.captions import CAPTIONS_FILE, write_facts
from holotype.encoders.graphs.graph import ATTENDED, IDS, TYPE_IDS
from holotype.encoders.graphs.losses import Loss
from holotype.encoders.graphs.manifest import MANIFEST_FILE, Manifest, digests, write_manifest
from holotype.encoders.graphs.opening import PICTURE_GRAPHS
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_classes import TOKENIZER_FILE
from holotype.encoders.kinds.planning import make_plan
from holotype.encoders.torch_backend.tokenizer import load_tokenizer
from holotype.errors import ArtifactError, ExportError, HolotypeError, UnsupportedModelError
from holotype.references.paths import MANIFEST_FILE as ARTIFACT_FILE
from holotype.references.staging import stage_empty_folder

Loaded: TypeAlias = LoadedRecord[Any, Any]

_SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "artifact.metadata")
_NOT_COPIED = ("*.index.json", MANIFEST_FILE, ARTIFACT_FILE)


def copy_files(
    settings: CheckpointSettings, to: Path, *, tokenizer_folders: tuple[Path, ...]
) -> None:
    """Copy all of a checkpoint but its transformer's weights: settings, tokenizers, other modules.

    Args:
        settings: what the checkpoint says.
        to: the folder of the export.
        tokenizer_folders: where the checkpoint's tokenizers are.
    """
    folder, transformer = settings.folder, settings.transformer_folder
    modules = {folder / name for name in module_folders(settings.whole)}
    described = {
        path.parent
        for path in folder.glob("*/config.json")
        # What was exported into the checkpoint's own folder is no part of it.
        if not (path.parent / MANIFEST_FILE).is_file()
    }
    hidden = {path for path in described if path.name.startswith((".", "onnx", "openvino"))}
    for source in sorted({folder, transformer, *modules, *described} - hidden):
        for file in _small_files(source):
            _copy(file, to / file.relative_to(folder))
    for module in sorted(modules - {transformer, folder}):
        part = settings.whole.part(module.relative_to(folder).as_posix())
        index = (INDEX_FILE,) if part.has(INDEX_FILE) else ()
        for name in (*part.weight_names(), *index):
            _copy(module / name, to / module.relative_to(folder) / name)
    for layer in (folder / f"{LEXICAL_STEM}.safetensors", folder / PROJECTION_FILE):
        if layer.is_file():
            _copy(layer, to / layer.name)
    for source in tokenizer_folders:
        made = to / source.relative_to(folder)
        if not (made / TOKENIZER_FILE).is_file():
            # transformers makes it from other vocabularies; loading without it needs the file.
            AutoTokenizer.from_pretrained(source, local_files_only=True).save_pretrained(made)


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


def _small_files(folder: Path) -> Iterator[Path]:
    for pattern in _SMALL_FILES:
        for file in folder.glob(pattern):
            if file.is_file() and not any(file.match(unwanted) for unwanted in _NOT_COPIED):
                yield file


_TOOLS = ("holotype", "torch", "transformers", "tokenizers", "onnx", "onnxscript")
_RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino"}


def make_export(
    config: ModelConfig[Any], to: Path, *, texts: Sequence[str] | None, limits: Limits
) -> Export:
    """Make an export; see `holotype.encoders.exports.export`."""
    record = config.record
    if record.architecture_type == "static":
        raise UnsupportedModelError(
            record.id, "it is a table of token vectors, run by NumPy alone; load it as it is"
        )
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    with without_noise():
        return _make(config, folder, to, texts=texts, limits=limits)


def _make(
    config: ModelConfig[Any],
    folder: Path,
    to: Path,
    *,
    texts: Sequence[str] | None,
    limits: Limits,
) -> Export:
    record = config.record
    policy = code_policy(record, trusted=config.trust_remote_code)
    source = read_source(make_plan(record, Checkpoint(folder, policy=policy)))
    _refuse_rounded_counts(config, source.model)
    with explained(record.id, to.parent), _staged(record.id, to) as made:
        _require_room(config, source, to.parent)
        copy_files(source.settings, made, tokenizer_folders=source.tokenizer_folders)
        _write_graph(config, source, made)
        manifest = _manifest(config, source.settings, made, loss=None)
        write_manifest(made, manifest)
        loss = _measured(config, folder, made, PROBES if texts is None else texts)
        check_loss(record.id, loss, config.dtype, limits)
        manifest = dataclasses.replace(manifest, loss=loss)
        write_manifest(made, manifest)
    return Export(folder=to, manifest=manifest)


def _refuse_rounded_counts(config: ModelConfig[Any], model: Any) -> None:
    """Refuse mixtures of experts where the numbers of their tokens would be rounded.

    torch counts as floats the tokens that go to each expert; OpenVINO computes all floats in one type.
    """
    rounds = config.backend == "openvino" and config.dtype in ("float16", "bfloat16")
    if rounds and any(hasattr(part, "num_experts") for part in model.modules()):
        raise UnsupportedModelError(
            config.record.id,
            f"it is a mixture of experts, whose tokens OpenVINO would count in {config.dtype}, which "
            "rounds; export it in float32 or int8",
        )


@contextmanager
def _staged(model_id: str, to: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes the export; see `stage_empty_folder`.

    Raises:
        ExportError: the folder cannot be made, or another process makes it.
    """
    try:
        with stage_empty_folder(to) as made:
            yield made
    except ArtifactError as error:
        raise ExportError(model_id, f"{error.location}: {error.problem}") from error


_BYTES_A_WEIGHT = {"float32": 4, "bfloat16": 4, "float16": 2, "int8": 1}
_LEAST_USED = 0.9
"""The least share of a network's weights in its graph: a layer may have no part in what it returns."""


def _require_room(config: ModelConfig[Any], source: ExportSource, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold: the graphs, and the ONNX files that they are made of.

    Raises:
        ExportError: it has too little room.
    """
    models = [source.model]
    if source.pictures is not None:
        models.append(source.pictures.model)
    if source.captions is not None:
        models.append(source.captions.pictures)
    weights = {id(one): one for model in models for one in model.parameters()}
    n_weights = _LEAST_USED * sum(one.numel() for one in weights.values())
    needed = n_weights * _BYTES_A_WEIGHT[config.dtype]
    if not _is_direct(config):
        # Of two graphs, one after the other; the larger one has at least half of the weights.
        needed += 4 * n_weights / len(models)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ExportError(
            config.record.id,
            f"{folder.absolute()} has {free:,} bytes free, and the export takes at least "
            f"{int(needed):,} while it is made; make room, or name a folder on another disk",
        )


_OF_TARGET = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_LEAST_FREE = 1 << 20


@contextmanager
def explained(model_id: str, folder: Path, *, room: int = _LEAST_FREE) -> Iterator[None]:
    """Say of what cannot be written, or read, which file or folder that is.

    Libraries that write graphs tell of a full disk as of a damaged file or stream.

    Args:
        model_id: the id of the record.
        folder: where the export is made.
        room: how many bytes must have been free there for what is written; where there are fewer
            after a failure, the disk is the reason.

    Raises:
        ExportError: a file cannot be read or written.
    """
    try:
        yield
    except HolotypeError:
        raise
    except OSError as error:
        where = None if error.errno in _OF_TARGET else error.filename
        raise ExportError(
            model_id,
            f"{where or folder.absolute()} cannot be read or written: {error.strerror or error}",
        ) from error
    except Exception as error:
        free = shutil.disk_usage(folder).free
        if free >= room:
            raise
        raise ExportError(
            model_id,
            f"{folder.absolute()} cannot be written: its disk has {free:,} bytes free; make room, or "
            "name a folder on another disk",
        ) from error


def _measured(config: ModelConfig[Any], folder: Path, made: Path, texts: Sequence[str]) -> Loss:
    original = dataclasses.replace(
        config, backend="torch", dtype="float32", device="cpu", checkpoint=str(folder)
    )
    exported = dataclasses.replace(config, checkpoint=str(made))
    # What is exported reads texts or pictures, or both.
    with (
        closing(cast("Loaded", load(original))) as theirs,
        closing(cast("Loaded", load(exported))) as ours,
    ):
        return measure_loss(ours, theirs, texts)


def _write_graph(config: ModelConfig[Any], source: ExportSource, made: Path) -> None:
    settings, model = source.settings, source.model
    path = made / GRAPHS[config.backend]
    path.parent.mkdir()
    if source.captions is not None:
        _write_caption_graphs(config, source.captions, path, made)
        return
    for file, tensors in source.tensor_files(made, path).items():
        save_file(contiguous(tensors), file)
    tokenizer = load_tokenizer(settings.transformer, lower_case=settings.lower_case)
    # Networks for pictures and texts may attend to padding, which their tokenizers say.
    with_mask = source.pictures is None or ATTENDED in tokenizer.input_names
    with_type_ids = (
        TYPE_IDS in tokenizer.input_names
        and TYPE_IDS in inspect.signature(model.forward).parameters
    )
    if config.backend == "onnx" and config.dtype == "float16":
        model = model.to(torch.float16)

    def write(to: Path) -> None:
        write_onnx(
            config.record.id,
            model,
            to,
            with_mask=with_mask,
            with_type_ids=with_type_ids,
            returned=source.returned,
            output=source.output,
            n_positions=None if settings.n_positions is None else settings.n_positions.value,
            parts_width=source.parts_width,
            in_grid=source.pictures is not None and source.pictures.in_patches,
        )

    # What reads the parts of pictures among tokens would need pictures, too.
    texts_alone = source.parts_width is None
    examples = _examples(tokenizer, settings) if texts_alone else None
    _convert(config, write, path, made, examples)
    pictures = source.pictures
    if pictures is not None:

        def write_of_pictures(to: Path) -> None:
            if pictures.in_patches:
                write_patches(
                    config.record.id,
                    pictures.model,
                    to,
                    n_merged=pictures.height,
                    n_numbers=pictures.width,
                )
                return
            write_pictures(
                config.record.id,
                # In the type to which the model for texts, which is the same, has been converted.
                pictures.model,
                to,
                height=pictures.height,
                width=pictures.width,
            )

        _convert(config, write_of_pictures, path.parent / PICTURE_GRAPHS[path.name], made)


_EXAMPLE_LENGTH = 256


def _examples(tokenizer: TextTokenizer, settings: CheckpointSettings) -> Iterator[Inputs]:
    """Yield inputs of a graph that reads texts, one text at a time."""
    positions = settings.n_positions
    length = _EXAMPLE_LENGTH if positions is None else min(_EXAMPLE_LENGTH, positions.value)
    for text in tokenizer.encode(PROBES, max_length=length):
        ids = np.array([text.ids])
        yield {IDS: ids, ATTENDED: np.ones_like(ids), TYPE_IDS: np.array([text.type_ids])}


def _write_caption_graphs(
    config: ModelConfig[Any], source: CaptionSource, path: Path, made: Path
) -> None:
    write_facts(path.parent / CAPTIONS_FILE, source.facts)
    if config.backend == "onnx" and config.dtype == "float16":
        # The network for texts is the same model.
        source.pictures.to(torch.float16)
    n_keys, n_heads, width = source.facts.layers
    model_id = config.record.id

    def write_of_texts(to: Path) -> None:
        memory = (n_keys, n_heads, source.facts.n_parts, width)
        write_caption_texts(model_id, source.texts, to, memory=memory)

    def write_of_pictures(to: Path) -> None:
        write_caption_pictures(
            model_id,
            source.pictures,
            to,
            height=source.height,
            width=source.width,
            reads_prompt=source.reads_prompt,
        )

    _convert(config, write_of_texts, path, made)
    _convert(config, write_of_pictures, path.parent / PICTURE_GRAPHS[path.name], made)


def _is_direct(config: ModelConfig[Any]) -> bool:
    """Whether what torch writes is the graph itself."""
    return config.backend == "onnx" and config.dtype != "int8"


def _convert(
    config: ModelConfig[Any],
    write: Callable[[Path], None],
    path: Path,
    made: Path,
    examples: Iterable[Inputs] | None = None,
) -> None:
    """Write a graph in the form and the type of a backend.

    Args:
        config: the backend and the type.
        write: writes it as ONNX.
        path: the graph.
        made: the folder of the export.
        examples: inputs of the graph, which show what bytes cannot tell apart; None where there are
            none.
    """
    if _is_direct(config):
        write(path)
        return
    # What is written is explained before the scratch is gone, and the disk has room again.
    with (
        tempfile.TemporaryDirectory(dir=made) as scratch,
        explained(config.record.id, made.parent),
    ):
        whole = Path(scratch) / "model.onnx"
        write(whole)
        n_bytes = sum(file.stat().st_size for file in Path(scratch).iterdir())
        # Some libraries take what they could not finish away again, and the disk seems to have room.
        with explained(config.record.id, made.parent, room=max(n_bytes, _LEAST_FREE)):
            if config.backend == "onnx":
                quantize(whole, path, examples)
                return
            # Exports for ONNX Runtime need no OpenVINO.
            converting: Any = import_part("holotype.encoders.exports.graph", "openvino", "export()")
            converting.convert_to_openvino(whole, path, dtype=config.dtype)


def _manifest(
    config: ModelConfig[Any], settings: CheckpointSettings, made: Path, *, loss: Loss | None
) -> Manifest:
    record, folder = config.record, settings.transformer_folder
    files = (path for path in made.rglob("*") if path.is_file())
    weights = (folder / name for name in settings.transformer.weight_names())
    return Manifest(
        model_id=record.id,
        huggingface_id=record.huggingface_id or None,
        # Nothing says of which commit a folder is that the caller names.
        revision=record.revision if config.checkpoint is None else None,
        backend=config.backend,
        dtype=config.dtype,
        graph=GRAPHS[config.backend],
        files=digests(made, _names(files, made)),
        transformer="" if folder == settings.folder else _names([folder], settings.folder)[0],
        weights=digests(folder, _names(weights, folder)),
        tools={name: version(name) for name in (*_TOOLS, _RUNTIMES[config.backend])},
        loss=loss,
    )


def _names(paths: Iterable[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]
