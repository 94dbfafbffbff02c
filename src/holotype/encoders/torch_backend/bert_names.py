"""What BERT and its kin call their tensors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What an architecture calls its tensors; a layer's come after `layer` and its number.

    All but the first four have a weight and a bias.
    """

    words: str = "embeddings.word_embeddings.weight"
    positions: str = "embeddings.position_embeddings.weight"
    segments: str | None = None
    bias_table: str | None = None
    norm: str = "embeddings.LayerNorm"
    layer: str
    query_key_value: tuple[str, str, str]
    attended: str
    attention_norm: str
    up: str
    down: str
    output_norm: str


BERT = Names(
    segments="embeddings.token_type_embeddings.weight",
    layer="encoder.layer",
    query_key_value=("attention.self.query", "attention.self.key", "attention.self.value"),
    attended="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    output_norm="output.LayerNorm",
)
DISTILBERT = Names(
    layer="transformer.layer",
    query_key_value=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    attended="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    down="ffn.lin2",
    output_norm="output_layer_norm",
)
MPNET = Names(
    bias_table="encoder.relative_attention_bias.weight",
    layer="encoder.layer",
    query_key_value=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    attended="attention.attn.o",
    attention_norm="attention.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    output_norm="output.LayerNorm",
)


def shapes(
    names: Names,
    *,
    n_layers: int,
    hidden_dim: int,
    inner_dim: int,
    tables: tuple[tuple[str | None, tuple[int, int]], ...],
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that a model has, by its name.

    Args:
        names: what the architecture calls them.
        n_layers: how many layers there are.
        hidden_dim: the width between them.
        inner_dim: the width within them.
        tables: the names of tables, None for those that the architecture lacks, and their shapes.
    """
    maps: dict[str, tuple[int, ...]] = {}
    for number in range(n_layers):
        prefix = f"{names.layer}.{number}."
        for name in (*names.query_key_value, names.attended):
            maps[prefix + name] = (hidden_dim, hidden_dim)
        maps[prefix + names.up] = (inner_dim, hidden_dim)
        maps[prefix + names.down] = (hidden_dim, inner_dim)
        for name in (names.attention_norm, names.output_norm):
            maps[prefix + name] = (hidden_dim,)
    maps[names.norm] = (hidden_dim,)
    found: dict[str, tuple[int, ...]] = {name: shape for name, shape in tables if name is not None}
    for name, shape in maps.items():
        found[f"{name}.weight"] = shape
        found[f"{name}.bias"] = shape[:1]
    return found
