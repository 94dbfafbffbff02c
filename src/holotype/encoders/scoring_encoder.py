"""The base of cross-encoders and classifiers: logits for every item, and an activation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Generic

import numpy as np

from holotype.encoders.config import ModelConfig, ModelT_co
from holotype.encoders.encoder import Build, Encoder
from holotype.encoders.inputs.rows import Reader, Row
from holotype.encoders.kinds.plan import ClassifierPlan, CrossEncoderPlan
from holotype.encoders.options import EncodeSettings
from holotype.encoders.running.collecting import VectorCollector
from holotype.encoders.running.network import Towers
from holotype.encoders.running.pipeline import ItemT, Task, stream
from holotype.encoders.running.scores import Scores
from holotype.records import ScoreActivation


class ScoringEncoder(Encoder[ModelT_co], Generic[ModelT_co]):
    """Scores texts or pairs."""

    def __init__(
        self,
        config: ModelConfig[ModelT_co],
        plan: CrossEncoderPlan | ClassifierPlan,
        towers: Towers,
        build: Build,
    ) -> None:
        """Wrap a model that `holotype.encoders.load` has loaded.

        Raises:
            ValueError: the model's maximum length leaves no room for two texts.
        """
        towers.document.tokenizer.require_room_for_pairs(plan.encoding.max_length)
        super().__init__(config, plan, towers, build)
        self._activation: ScoreActivation = plan.encoding.activation
        self._max_length = plan.encoding.max_length

    @property
    def activation(self) -> ScoreActivation:
        """The function that turns logits into scores, unless a call names another."""
        return self._activation

    @property
    def max_length(self) -> int | None:
        """The longest text or pair in tokens, with special tokens; None for no limit."""
        return self._max_length

    def _logits(
        self,
        items: Iterable[ItemT],
        reader: Reader[ItemT, Row],
        settings: EncodeSettings,
        *,
        n_labels: int,
        n_items: int | None,
    ) -> Scores:
        """Return the logits of every item: float32 ``[n_items, n_labels]``."""
        task = Task(
            model_id=self._name,
            dtype=self.dtype,
            reader=reader,
            collector=partial(VectorCollector, width=n_labels),
        )
        networks = self._networks(settings.devices)
        windows = stream(networks, task, items, settings, n_items=n_items)
        return np.concatenate([np.empty((0, n_labels), dtype=np.float32), *windows])
