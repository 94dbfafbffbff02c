"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
import importlib
from functools import cached_property
from pathlib import Path
from typing import Any, Generic

from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.fingerprint import fingerprint_of_folder
from holotype.encoders.network import Network
from holotype.errors import CheckpointError


class Encoder(Generic[ModelT_co]):
    """A model that is ready to run.

    Attributes:
        config: the record and how it is run, with the device that was chosen.
    """

    def __init__(self, config: ModelConfig[ModelT_co], network: Network) -> None:
        """Take a network that has been loaded; `holotype.encoders.load` does that."""
        self.config = dataclasses.replace(config, device=network.device)
        self._network = network

    @property
    def record(self) -> ModelT_co:
        """The model."""
        return self.config.record

    @property
    def device(self) -> str:
        """Where the model runs, as torch names it."""
        return self._network.device

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are float32 always."""
        return self.config.dtype

    @cached_property
    def fingerprint(self) -> str:
        """A digest of what decides the vectors; encoders share an index only where it is equal.

        The weights are read once for it, when it is first asked for; those of an artifact are
        not, since its manifest has their digests. Device and data type do not change it.

        Raises:
            CheckpointError: the files are gone, or damaged.
        """
        trusted = self.config.trust_remote_code and self.record.requires_remote_code is not False
        # By name, so that type checkers do not read huggingface_hub and all that it imports.
        source = importlib.import_module("holotype.encoders.source")
        folder: Path = source.find_checkpoint(
            self.record, self.config.checkpoint, with_code=self.config.trust_remote_code
        )
        # Each kind has an encoding of its own.
        encoding: Any = vars(self)["encoding"]
        try:
            return fingerprint_of_folder(encoding, folder, dim=self.config.dim, with_code=trusted)
        except OSError as error:
            raise CheckpointError(str(folder), f"cannot be read any more: {error}") from error

    def compatible_with(self, other: Encoder[Any]) -> bool:
        """Whether the vectors of both may stand in one index: their fingerprints are equal."""
        return self.fingerprint == other.fingerprint
