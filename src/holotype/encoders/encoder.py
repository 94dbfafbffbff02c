"""What encoders of every kind have in common."""

from __future__ import annotations

import dataclasses
from types import TracebackType
from typing import Generic, Self

from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.network import Network
from holotype.errors import ClosedEncoderError


class Encoder(Generic[ModelT_co]):
    """A model that is ready to run, until it is closed.

    Works as a context manager that closes it.

    Attributes:
        config: the record and how it is run, with the device that was chosen.
    """

    def __init__(self, config: ModelConfig[ModelT_co], network: Network) -> None:
        """Take a network that has been loaded; `holotype.encoders.load` does that."""
        self.config = dataclasses.replace(config, device=network.device)
        self._opened: Network | None = network

    @property
    def record(self) -> ModelT_co:
        """The model."""
        return self.config.record

    @property
    def device(self) -> str:
        """Where the model runs, as torch names it."""
        return str(self.config.device)

    @property
    def dtype(self) -> str:
        """The type of the weights and of the arithmetic; results are float32 always."""
        return self.config.dtype

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device.

        Raises:
            ClosedEncoderError: the encoder has been closed.
        """
        return self._network.memory_bytes

    @property
    def _network(self) -> Network:
        if self._opened is None:
            raise ClosedEncoderError(self.record.id)
        return self._opened

    def close(self) -> None:
        """Let go of the weights and give the memory back; closing twice does no harm.

        Calls that run on other threads come to their end first.
        """
        network, self._opened = self._opened, None
        if network is not None:
            network.close()

    def __enter__(self) -> Self:
        """Return the encoder."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the encoder."""
        self.close()
