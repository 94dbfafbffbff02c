"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
from typing import Generic

from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.network import Network


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
