#!/usr/bin/env bash
# What surprised: ColQwen2ForRetrieval counts the parts of a page one by one, where the Qwen2-VL inside it would count them by rows and columns, as in training.
# Version: transformers 5.23.0, torch 2.13.0
# Why it matters here: the class did count by rows and columns when it was added, with the scores of colpali-engine, which trained the models; so pages get their places from us.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet transformers==5.23.0 torch==2.13.0
cat > "$work/program.py" <<'END'
import torch
from transformers import ColQwen2Config, ColQwen2ForRetrieval

layers = dict(hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4)
rope = dict(rope_type="default", mrope_section=[1, 1, 2], rope_theta=10000.0)
picture, begin, end = 1, 2, 3
config = ColQwen2Config(
    vlm_config=dict(
        model_type="qwen2_vl",
        text_config=dict(
            model_type="qwen2_vl_text", **layers, num_key_value_heads=2, vocab_size=16,
            max_position_embeddings=128, rope_parameters=rope,
            bos_token_id=None, eos_token_id=None,
        ),
        vision_config=dict(
            model_type="qwen2_vl_vision", depth=1, embed_dim=32, hidden_size=32, num_heads=2, mlp_ratio=2
        ),
        image_token_id=picture, vision_start_token_id=begin, vision_end_token_id=end,
    ),
    embedding_dim=16,
)
torch.manual_seed(0)
model = ColQwen2ForRetrieval(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, 0.2)
rows, columns = 4, 6
ids = torch.tensor([[begin, *[picture] * (rows * columns // 4), end, 7, 8]])
inputs = dict(
    input_ids=ids,
    attention_mask=torch.ones_like(ids),
    pixel_values=torch.randn(rows * columns, 3 * 2 * 14 * 14),
    image_grid_thw=torch.tensor([[1, rows, columns]]),
)


def vectors(states):
    return torch.nn.functional.normalize(model.embedding_proj_layer(states), dim=-1)


with torch.no_grad():
    found = model(**inputs | dict(pixel_values=inputs["pixel_values"][None])).embeddings
    kinds = (ids == picture).int()
    by_grid = vectors(model.vlm(**inputs, mm_token_type_ids=kinds).last_hidden_state)
    one_by_one = torch.arange(ids.shape[1])[None]
    in_a_row = vectors(model.vlm(**inputs, position_ids=one_by_one).last_hidden_state)
near_grid = torch.allclose(found, by_grid, atol=1e-4)
near_row = torch.allclose(found, in_a_row, atol=1e-4)
print(f"expected: the vectors of places by the grid; seen: by the grid {near_grid}, one by one {near_row}")
assert (near_grid, near_row) == (False, True)
END
"$work/venv/bin/python" "$work/program.py"
