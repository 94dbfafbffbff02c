"""From a `ModelConfig` to a dense encoder whose queries are read by modules of their own."""

from __future__ import annotations

from holotype.encoders.arrays.tables import StaticNetwork, open_table
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.kinds.dense import DenseEncoding, side_of
from holotype.encoders.kinds.routed import RoutedCheckpoint, resolve_routed
from holotype.encoders.kinds.static import StaticCheckpoint
from holotype.encoders.running.network import Network
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.transformer import HeadedTransformer, Transformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.records import AnyDenseModel


class _SharedTransformer(HeadedTransformer):
    """A transformer that belongs to another network as well, which counts its memory."""

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of the head take."""
        return self._head.memory_bytes


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
    read_by = side_of(encoding, "query")
    settings, dim = routed.documents, config.dim or encoding.native_dim

    def layers(transformer: Transformer, of: DenseEncoding) -> LayersHead:
        return LayersHead(transformer, of.layers, dim=dim, normalized=of.normalized)

    transformer = _open(config, settings)
    queries: Network
    if isinstance(routed.queries, StaticCheckpoint):
        queries = _table(routed.queries, dim=dim, normalized=read_by.normalized)
    elif routed.queries.transformer_folder == settings.transformer_folder:
        queries = TorchNetwork(_SharedTransformer(transformer, layers(transformer, read_by)))
    else:
        own = _open(config, routed.queries)
        queries = TorchNetwork(HeadedTransformer(own, layers(own, read_by)))
    documents = TorchNetwork(HeadedTransformer(transformer, layers(transformer, encoding)))
    return DenseEncoder(config, encoding, documents, queries)


def _open(config: ModelConfig[AnyDenseModel], settings: CheckpointSettings) -> Transformer:
    return open_transformer(config, settings, read_tensors(settings.transformer_folder))


def _table(static: StaticCheckpoint, *, dim: int, normalized: bool) -> StaticNetwork:
    tokenizer, table, _ = open_table(static)
    return StaticNetwork(tokenizer, table, dim=dim, normalized=normalized)
