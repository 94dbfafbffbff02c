"""From a `ModelConfig` to a dense encoder whose queries are read by modules of their own."""

from __future__ import annotations

from holotype.encoders.backbone import Backbone
from holotype.encoders.checkpoint import CheckpointSettings
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoding import side_of
from holotype.encoders.network import Network
from holotype.encoders.packed_backbone import PackedBackbone
from holotype.encoders.routed_checkpoint import RoutedCheckpoint, resolve_routed
from holotype.encoders.static_checkpoint import StaticCheckpoint
from holotype.encoders.static_loading import open_table
from holotype.encoders.static_network import StaticNetwork
from holotype.encoders.tensor_files import read_tensors
from holotype.encoders.torch_network import TorchNetwork
from holotype.encoders.transformer_opening import open_transformer
from holotype.records import AnyDenseModel


class SharedTransformer(TorchNetwork):
    """A network whose transformer belongs to another one as well, which counts its memory."""

    @property
    def memory_bytes(self) -> int:
        """How many bytes the layers after the transformer take."""
        return super().memory_bytes - self._open()[0].memory_bytes


def load_routed(config: ModelConfig[AnyDenseModel], routed: RoutedCheckpoint) -> DenseEncoder:
    """Load a dense model whose queries are read by modules of their own.

    Args:
        config: the record and how it is run, with a settled data type.
        routed: what the checkpoint says.

    Raises:
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
    """
    encoding = resolve_routed(config.record, routed)
    settings, dim = routed.documents, config.dim or encoding.native_dim
    backbone = _backbone(config, settings)
    documents = TorchNetwork(backbone, encoding.layers, dim=dim, normalized=encoding.normalized)
    read_by = side_of(encoding, "query")
    queries: Network
    if isinstance(routed.queries, StaticCheckpoint):
        queries = _table(routed.queries, dim=dim, normalized=read_by.normalized)
    elif routed.queries.transformer_folder == settings.transformer_folder:
        queries = SharedTransformer(
            backbone, read_by.layers, dim=dim, normalized=read_by.normalized
        )
    else:
        own = _backbone(config, routed.queries)
        queries = TorchNetwork(own, read_by.layers, dim=dim, normalized=read_by.normalized)
    return DenseEncoder(config, encoding, documents, queries)


def _backbone(
    config: ModelConfig[AnyDenseModel], settings: CheckpointSettings
) -> Backbone | PackedBackbone:
    return open_transformer(config, settings, read_tensors(settings.transformer_folder))


def _table(static: StaticCheckpoint, *, dim: int, normalized: bool) -> StaticNetwork:
    tokenizer, table, _ = open_table(static)
    return StaticNetwork(tokenizer, table, dim=dim, normalized=normalized)
