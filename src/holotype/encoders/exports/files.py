"""The files of a checkpoint that an export holds beside its graph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from transformers import AutoTokenizer

from holotype.encoders.checkpoints.headers import weight_files
from holotype.encoders.checkpoints.module_folders import module_folders
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.checkpoints.sparse_settings import LEXICAL_STEM
from holotype.encoders.graph_backends.export_manifest import MANIFEST_FILE
from holotype.encoders.tokens.tokenizer_json import TOKENIZER_FILE

_SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "artifact.metadata")
_NOT_COPIED = ("*.index.json", MANIFEST_FILE)


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
    modules = {folder / name for name in module_folders(folder)}
    described = {path.parent for path in folder.glob("*/config.json")}
    hidden = {path for path in described if path.name.startswith((".", "onnx", "openvino"))}
    for source in sorted({folder, transformer, *modules, *described} - hidden):
        for file in _small_files(source):
            _copy(file, to / file.relative_to(folder))
    for module in sorted(modules - {transformer, folder}):
        for name in weight_files([path.name for path in module.glob("*.safetensors")]):
            _copy(module / name, to / module.relative_to(folder) / name)
    layer = folder / f"{LEXICAL_STEM}.safetensors"
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
