"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
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
        config: the record and how it is run, with the device that was chosen and the folder in
            which the files were found.
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
        if self.config.checkpoint is None:
            raise CheckpointError(
                self.record.id, "was not loaded from a folder, and so has no fingerprint"
            )
        # Each kind has an encoding of its own.
        encoding: Any = vars(self)["encoding"]
        trusted = self.config.trust_remote_code and self.record.requires_remote_code is not False
        try:
            return fingerprint_of_folder(
                encoding,
                Path(self.config.checkpoint),
                dim=self.config.dim,
                with_code=trusted,
            )
        except OSError as error:
            raise CheckpointError(
                self.config.checkpoint, f"cannot be read any more: {error}"
            ) from error

    def compatible_with(self, other: Encoder[Any]) -> bool:
        """Whether the vectors of both may stand in one index: their fingerprints are equal."""
        return self.fingerprint == other.fingerprint
