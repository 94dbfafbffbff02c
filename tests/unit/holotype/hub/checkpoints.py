"""Checkpoints of a few bytes, file by file."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from tests.unit.holotype.hub.server import REPOSITORY, REVISION

from holotype.hub.checkpoint_files import CheckpointFiles, open_folder
from holotype.records import DenseModel

Files = dict[str, bytes]

ST = "sentence_transformers"
PYLATE = {
    "query_prefix": "[Q] ",
    "document_prefix": "[D] ",
    "query_length": 24,
    "document_length": 60,
    "do_query_expansion": True,
    "attend_to_expansion_tokens": False,
    "skiplist_words": list(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"""),
}
MASK = f"{ST}.multi_vector_encoder.modules.MultiVectorMask"


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


BITS = {
    "F4": 4,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F16": 16,
    "BF16": 16,
    "F32": 32,
    "I64": 64,
    "C64": 64,
}
Shapes = dict[str, tuple[str, list[int]]]


def safetensors(tensors: Shapes, *, number: float = 0) -> bytes:
    """Weights of these types and shapes; single numbers have a value, all others are 0."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = bytearray()
    for name, (dtype, shape) in tensors.items():
        at, n_values = len(content), math.prod(shape)
        is_number = n_values == 1 and dtype == "F32"
        content += struct.pack("<f", number) if is_number else bytes(n_values * BITS[dtype] // 8)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, len(content)]}
    text = as_json(header)
    return len(text).to_bytes(8, "little") + text + content


TOKENIZER = as_json(
    {
        "version": "1.0",
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "word": 5},
        },
    }
)


def linear(name: str, n_outputs: int, n_inputs: int) -> Shapes:
    return {
        f"{name}.weight": ("F32", [n_outputs, n_inputs]),
        f"{name}.bias": ("F32", [n_outputs]),
    }


def norm(name: str) -> Shapes:
    return {f"{name}.weight": ("F32", [32]), f"{name}.bias": ("F32", [32])}


def bert_tensors(prefix: str = "", *, n_positions: int = 64) -> Shapes:
    """All tensors of a BERT, but those of a head."""
    found: Shapes = {
        "embeddings.word_embeddings.weight": ("F32", [100, 32]),
        "embeddings.position_embeddings.weight": ("F32", [n_positions, 32]),
        "embeddings.token_type_embeddings.weight": ("F32", [2, 32]),
        "embeddings.position_ids": ("I64", [1, n_positions]),
        **norm("embeddings.LayerNorm"),
    }
    for at in range(2):
        layer = f"encoder.layer.{at}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            found |= linear(f"{layer}.attention.{name}", 32, 32)
        found |= linear(f"{layer}.intermediate.dense", 64, 32)
        found |= linear(f"{layer}.output.dense", 32, 64)
        found |= norm(f"{layer}.attention.output.LayerNorm") | norm(f"{layer}.output.LayerNorm")
    return {f"{prefix}{name}": tensor for name, tensor in found.items()}


N_PARAMETERS = sum(math.prod(shape) for dtype, shape in bert_tensors().values() if dtype == "F32")
"""Of what `bert()` has."""


def classified(n_labels: int) -> bytes:
    """The weights of a BERT that classifies."""
    head = linear("bert.pooler.dense", 32, 32) | linear("classifier", n_labels, 32)
    return safetensors(bert_tensors("bert.") | head)


def predicting() -> bytes:
    """The weights of a BERT that gives the logits of words."""
    head = "cls.predictions"
    return safetensors(
        bert_tensors("bert.")
        | linear(f"{head}.transform.dense", 32, 32)
        | norm(f"{head}.transform.LayerNorm")
        | linear(f"{head}.decoder", 100, 32)
        | {f"{head}.bias": ("F32", [100])}
    )


def bert(**changes: Any) -> Files:
    config: dict[str, Any] = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": 32,
        "vocab_size": 100,
        "max_position_embeddings": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        **changes,
    }
    return {
        "config.json": as_json(config),
        "tokenizer_config.json": as_json({"model_max_length": 64}),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": safetensors(
            bert_tensors(n_positions=config["max_position_embeddings"])
        ),
        "README.md": b"---\nlicense: mit\nlanguage:\n- en\n- code\n---\n# Tiny\n",
    }


def modules(*kinds: str) -> bytes:
    """The list of these modules, the first in the folder itself."""
    return as_json(
        [
            {"idx": at, "name": str(at), "path": f"{at}_{kind.rpartition('.')[2]}" * (at > 0)}
            | {"type": kind}
            for at, kind in enumerate(kinds)
        ]
    )


def dense(**changes: Any) -> Files:
    """A model of sentence-transformers that takes the mean and normalises it."""
    package = "sentence_transformers.models"
    kinds = (f"{package}.Transformer", f"{package}.Pooling", f"{package}.Normalize")
    return bert(**changes) | {
        "modules.json": modules(*kinds),
        "1_Pooling/config.json": as_json({"pooling_mode": "mean"}),
        "sentence_bert_config.json": as_json({"max_seq_length": 48}),
    }


LINEAR = as_json({"in_features": 32, "out_features": 16, "bias": False})


def colbert_pylate() -> Files:
    return bert() | {
        "modules.json": modules(f"{ST}.models.Transformer", "pylate.models.Dense.Dense"),
        "1_Dense/config.json": LINEAR,
        "1_Dense/model.safetensors": safetensors({"linear.weight": ("F32", [16, 32])}),
        "config_sentence_transformers.json": as_json(PYLATE),
    }


def colbert_stanford(**metadata: Any) -> Files:
    tensors = bert_tensors("bert.") | {"linear.weight": ("F32", [16, 32])}
    return bert(architectures=["HF_ColBERT"]) | {
        "model.safetensors": safetensors(tensors),
        "artifact.metadata": as_json(
            {"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "dim": 16}
            | {"query_maxlen": 32, "doc_maxlen": 60, "mask_punctuation": True, **metadata}
        ),
    }


def colbert_multi_vector() -> Files:
    return bert() | {
        "modules.json": modules(f"{ST}.base.modules.Transformer", f"{ST}.models.Dense", MASK),
        "1_Dense/config.json": LINEAR,
        "1_Dense/model.safetensors": safetensors({"linear.weight": ("F32", [16, 32])}),
        "2_MultiVectorMask/config.json": as_json({"skiplist_words": ["."]}),
        "sentence_bert_config.json": as_json({"query_length": 24, "document_length": 60}),
        "config_sentence_transformers.json": as_json({"model_type": "MultiVectorEncoder"}),
    }


def sparse() -> Files:
    kinds = (f"{ST}.sparse_encoder.models.MLMTransformer", f"{ST}.sparse_encoder.SpladePooling")
    return bert(architectures=["BertForMaskedLM"]) | {
        "model.safetensors": predicting(),
        "modules.json": modules(*kinds),
        "1_SpladePooling/config.json": as_json(
            {"pooling_strategy": "max", "activation_function": "relu"}
        ),
        "config_sentence_transformers.json": as_json(
            {"model_type": "SparseEncoder", "similarity_fn_name": "dot"}
        ),
    }


def cross_encoder() -> Files:
    return bert(
        architectures=["BertForSequenceClassification"],
        id2label={"0": "LABEL_0"},
        sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"},
    ) | {"model.safetensors": classified(1)}


def classifier() -> Files:
    return bert(
        architectures=["BertForSequenceClassification"],
        id2label={"2": "last", "0": "first", "1": "second"},
        problem_type="multi_label_classification",
    ) | {"model.safetensors": classified(3)}


def image_text(
    model_type: str = "clip", *, processor: dict[str, Any] | None = None, **config: Any
) -> Files:
    """A CLIP or SigLIP of two layers in each of its networks, without the tensors themselves."""
    lays: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
    texts = {"hidden_size": 32, "intermediate_size": 64, "vocab_size": 100} | lays
    pictures = {"hidden_size": 48, "intermediate_size": 96, "patch_size": 16} | lays
    is_clip = model_type == "clip"
    projection = "text_projection.weight" if is_clip else "text_model.head.weight"
    tensors: Shapes = {
        "text_model.embeddings.token_embedding.weight": ("F32", [100, 32]),
        "text_model.embeddings.position_embedding.weight": ("F32", [40, 32]),
        projection: ("F32", [24, 32]),
        "vision_model.embeddings.patch_embedding.weight": ("F32", [48, 3, 16, 16]),
        "logit_scale": ("F32", []),
    }
    if not is_clip:
        tensors["logit_bias"] = ("F32", [1])
    values: dict[str, Any] = {
        "model_type": model_type,
        "text_config": texts | {"max_position_embeddings": 40},
        "vision_config": pictures | {"image_size": 224},
    }
    class_name = "CLIP" if is_clip else "Siglip"
    return {
        "config.json": as_json(values | ({"projection_dim": 24} if is_clip else {}) | config),
        "preprocessor_config.json": as_json(
            {"image_processor_type": f"{class_name}ImageProcessor"} | (processor or {})
        ),
        "tokenizer_config.json": as_json(
            {"tokenizer_class": f"{class_name}Tokenizer", "model_max_length": 40}
        ),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": safetensors(tensors, number=2.5),
    }


def captioner(**generation: Any) -> Files:
    """A BLIP of two layers in each of its networks, without the tensors themselves.

    Args:
        generation: what the configuration of the network that writes says beside its sizes.
    """
    lays: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
    texts = {"hidden_size": 32, "intermediate_size": 64, "vocab_size": 100} | lays
    pictures = {"hidden_size": 48, "intermediate_size": 96, "patch_size": 16} | lays
    tensors: Shapes = {
        "text_decoder.bert.embeddings.word_embeddings.weight": ("F32", [100, 32]),
        "text_decoder.bert.embeddings.position_embeddings.weight": ("F32", [40, 32]),
        "vision_model.embeddings.patch_embedding.weight": ("F32", [48, 3, 16, 16]),
    }
    config = {
        "architectures": ["BlipForConditionalGeneration"],
        "model_type": "blip",
        "text_config": texts | {"max_position_embeddings": 40} | generation,
        "vision_config": pictures | {"image_size": 384},
    }
    return {
        "config.json": as_json(config),
        "preprocessor_config.json": as_json(
            {"image_processor_type": "BlipImageProcessor", "size": 384}
        ),
        "tokenizer_config.json": as_json({"model_max_length": 40}),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": safetensors(tensors),
    }


def captioner_with_file(**generation: Any) -> Files:
    """A GIT of two layers, whose settings for captions have a file of their own."""
    lays: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
    pictures = {"hidden_size": 48, "intermediate_size": 96, "patch_size": 16} | lays
    tensors: Shapes = {
        "git.embeddings.word_embeddings.weight": ("F32", [100, 32]),
        "git.embeddings.position_embeddings.weight": ("F32", [40, 32]),
        "git.image_encoder.vision_model.embeddings.patch_embedding.weight": (
            "F32",
            [48, 3, 16, 16],
        ),
    }
    config = {
        "architectures": ["GitForCausalLM"],
        "model_type": "git",
        **{"hidden_size": 32, "intermediate_size": 64, "vocab_size": 100},
        "max_position_embeddings": 40,
        "vision_config": pictures | {"image_size": 384},
        **lays,
    }
    return {
        "config.json": as_json(config),
        "generation_config.json": as_json(generation),
        "preprocessor_config.json": as_json(
            {"image_processor_type": "BlipImageProcessor", "size": 384}
        ),
        "tokenizer_config.json": as_json({"model_max_length": 40}),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": safetensors(tensors),
    }


def pages() -> Files:
    """A ColPali of two layers in each of its networks, without the tensors themselves."""
    lays: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
    texts = {"hidden_size": 32, "intermediate_size": 64, "vocab_size": 100} | lays
    pictures = {"hidden_size": 48, "intermediate_size": 96, "patch_size": 14} | lays
    config = {
        "architectures": ["ColPaliForRetrieval"],
        "model_type": "colpali",
        "embedding_dim": 16,
        "vlm_config": {
            "text_config": texts | {"max_position_embeddings": 64},
            "vision_config": pictures | {"image_size": 448},
        },
    }
    processor = {"query_prefix": "Question: ", "visual_prompt_prefix": "Describe the image."}
    return {
        "config.json": as_json(config),
        "preprocessor_config.json": as_json(
            {"image_processor_type": "SiglipImageProcessor", "image_seq_length": 1024}
            | {"size": {"height": 448, "width": 448}}
        ),
        "processor_config.json": as_json(processor),
        "tokenizer_config.json": as_json({"model_max_length": 64}),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": safetensors(
            {
                "embedding_proj_layer.weight": ("F32", [16, 32]),
                "vlm.model.language_model.embed_tokens.weight": ("F32", [100, 32]),
            }
        ),
    }


def pages_in_tiles() -> Files:
    """A ColModernVBERT of two layers in each of its networks, without the tensors themselves."""
    lays: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
    config = {
        "architectures": ["ColModernVBertForRetrieval"],
        "model_type": "colmodernvbert",
        "embedding_dim": 16,
        "vlm_config": {
            "model_type": "modernvbert",
            "pixel_shuffle_factor": 4,
            "text_config": {"hidden_size": 32, "vocab_size": 100, **lays},
            "vision_config": {"hidden_size": 48, "image_size": 512, "patch_size": 16, **lays},
        },
    }
    prepared = {
        "image_processor_type": "Idefics3ImageProcessor",
        "size": {"longest_edge": 2048},
        "max_image_size": {"longest_edge": 512},
    }
    return {
        "config.json": as_json(config),
        "preprocessor_config.json": as_json(prepared),
        "processor_config.json": as_json({"image_seq_len": 64}),
        "tokenizer_config.json": as_json({"model_max_length": 64}),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": safetensors(
            {
                "embedding_proj_layer.weight": ("F32", [16, 32]),
                "vlm.text_model.embeddings.tok_embeddings.weight": ("F32", [100, 32]),
            }
        ),
    }


def open_clip() -> Files:
    """A CLIP model that only OpenCLIP describes, without the tensors themselves."""
    model = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32},
        "text_cfg": {"context_length": 40, "vocab_size": 100, "width": 32, "heads": 2, "layers": 3},
    }
    prepared = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "resize_mode": "squash"}
    return {
        "open_clip_config.json": as_json({"model_cfg": model, "preprocess_cfg": prepared}),
        "tokenizer_config.json": as_json({"model_max_length": 77}),
        "tokenizer.json": TOKENIZER,
        "open_clip_model.safetensors": safetensors(
            {
                "logit_scale": ("F32", []),
                "text_projection": ("F32", [32, 24]),
                "visual.proj": ("F32", [128, 24]),
                "visual.transformer.resblocks.1.mlp.c_fc.bias": ("F32", [512]),
                "transformer.resblocks.2.mlp.c_fc.bias": ("F32", [128]),
            },
            number=2.5,
        ),
    }


def templated_reranker() -> Files:
    """A causal model that reads pairs through a chat template, which is missing."""
    package = "sentence_transformers"
    task = {"text": {"method": "forward", "method_output_name": "logits"}}
    return bert(architectures=["Qwen3ForCausalLM"]) | {
        "modules.json": as_json(
            [
                {"type": f"{package}.base.modules.Transformer", "path": ""},
                {"type": f"{package}.cross_encoder.modules.LogitScore", "path": "1_LogitScore"},
            ]
        ),
        "1_LogitScore/config.json": as_json({"true_token_id": 5, "false_token_id": 4}),
        "config_sentence_transformers.json": as_json({"model_type": "CrossEncoder"}),
        "sentence_bert_config.json": as_json(
            {
                "transformer_task": "text-generation",
                "modality_config": task | {"message": task["text"] | {"format": "flat"}},
            }
        ),
    }


def table(name: str) -> bytes:
    """A table of token vectors, with its values: 100 tokens of 8 dimensions."""
    n_bytes = 100 * 8 * 4
    tensor = {"dtype": "F32", "shape": [100, 8], "data_offsets": [0, n_bytes]}
    text = as_json({name: tensor})
    return len(text).to_bytes(8, "little") + text + b"\0" * n_bytes


def model2vec() -> Files:
    return {
        "config.json": as_json({"model_type": "model2vec", "normalize": True, "hidden_dim": 8}),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": table("embeddings"),
    }


def static() -> Files:
    return {
        "modules.json": modules(f"{ST}.models.StaticEmbedding"),
        "tokenizer.json": TOKENIZER,
        "model.safetensors": table("embedding.weight"),
    }


def record(**known: Any) -> DenseModel[Any]:
    """A record that agrees with `dense()` in all that it says."""
    values = {
        "id": "tiny",
        "type": "dense",
        "name": "Tiny",
        "huggingface_id": REPOSITORY,
        "organization": "Tests",
        "description": "A model of the tests.",
        "embedding_dim": 32,
        "revision": REVISION,
        **known,
    }
    return DenseModel(**values)


def saved(folder: Path, files: Files) -> CheckpointFiles:
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return open_folder(folder)
