"""What a checkpoint says about how it must be run, each value with the file that says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.late_interaction import (
    PYLATE_KEYS,
    LateInteraction,
    read_multi_vector,
    read_pylate,
    read_stanford,
)
from holotype.encoders.checkpoints.modules import (
    MODULES_FILE,
    ModuleList,
    describe_modules,
    read_modules,
)
from holotype.errors import UnsupportedCheckpointError, WrongKindError

CONFIG_FILE = "config.json"
LIBRARY_FILE = "config_sentence_transformers.json"
STANFORD_ARCHITECTURE = "HF_ColBERT"
CLASSIFICATION = "ForSequenceClassification"

Format: TypeAlias = Literal[
    "transformers",
    "sentence-transformers",
    "multi-vector",
    "pylate",
    "stanford",
    "bge-m3",
    "cross-encoder",
    "sparse",
]

_TRANSFORMER_FILES = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
# Settings of the transformer module that leave results alone.
_HARMLESS_ARGUMENTS = {
    "add_pooling_layer",
    "attn_implementation",
    "dtype",
    "padding_side",
    "torch_dtype",
    "trust_remote_code",
    "use_cache",
    "use_safetensors",
}
# In these architectures the table of positions begins after the padding's row.
_POSITIONS_AFTER_PADDING = {
    "camembert",
    "data2vec-text",
    "ibert",
    "lilt",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
# These know distances alone; their `n_positions` is the length of pre-training.
_RELATIVE_POSITIONS = {"mt5", "t5", "umt5"}
DECODERS = frozenset({"gemma", "gemma2", "llama", "mistral", "qwen2", "qwen3"})
"""Architectures whose tokens see what comes before alone, unless a configuration says otherwise."""
# These do not pass on that they are not causal, which counts in rows with padding then.
_CAUSAL_WITHOUT_PADDING = {"nemotron", "stablelm"}
BIG_BIRDS = ("big_bird", "bigbird_pegasus")
"""Architectures that may attend in blocks."""
_MIX_PADDING = frozenset({"convbert", "cpmant", "fnet", "mobilebert", "nystromformer", "yoso"})
# This one takes the padding's row to be the second, whatever its configuration says.
_FIXED_PADDING = {"mpnet": 1}
_UNLIMITED = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSettings:
    """What the files of a checkpoint say; None where no file says it. Lengths are in tokens.

    Attributes:
        whole: the checkpoint.
        transformer: where the transformer and its tokenizer lie, mostly the same folder.
        format: who wrote it.
        architecture: the first of the architectures that `config.json` names.
        n_positions: the longest text that the transformer can read.
        declared_length: the length at which the checkpoint's library cuts texts.
        tokenizer_length: the length that the tokenizer's file allows.
        lower_case: whether texts are put in lower case before anything else.
        modules: the steps after the transformer.
        late_interaction: the settings that only late-interaction models have.
    """

    whole: Checkpoint
    transformer: Checkpoint
    format: Format
    architecture: str | None
    hidden_dim: Setting[int] | None
    vocab_size: Setting[int] | None
    n_positions: Setting[int] | None
    declared_length: Setting[int] | None
    tokenizer_length: Setting[int] | None
    lower_case: bool
    modules: ModuleList | None
    similarity: Setting[str] | None
    query_prompt: Setting[str] | None
    document_prompt: Setting[str] | None
    default_prompt: Setting[str] | None
    truncate_dim: Setting[int] | None
    late_interaction: LateInteraction | None

    @property
    def folder(self) -> Path:
        """The folder of the checkpoint on this machine."""
        return self.whole.folder

    @property
    def transformer_folder(self) -> Path:
        """The folder of the transformer on this machine."""
        return self.transformer.folder


def read_checkpoint(checkpoint: Checkpoint) -> CheckpointSettings:
    """Read every file of a dense or late-interaction checkpoint that says how it is run.

    No weights are touched.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    library = checkpoint.json(LIBRARY_FILE, optional=True)
    format = _format(checkpoint, library)
    modules = read_modules(checkpoint, token_level=format in ("multi-vector", "pylate"))
    within = modules.transformer_folder if modules else ""
    transformer = _transformer_file(checkpoint.part(within))
    if format != "multi-vector":
        refuse_lengths_of_sides(transformer)
    return describe_checkpoint(
        checkpoint,
        within,
        format=format,
        library=library,
        modules=modules,
        transformer=transformer,
        late_interaction=_late_interaction(format, checkpoint, library, transformer, modules),
    )


def read_side(
    checkpoint: Checkpoint, entries: Sequence[tuple[str, str, str]]
) -> CheckpointSettings:
    """Read what a dense checkpoint says of one of its sides, which has modules of its own.

    Args:
        checkpoint: the checkpoint.
        entries: the package, the class and the folder of each of the side's modules.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    library = checkpoint.json(LIBRARY_FILE, optional=True)
    format = _format(checkpoint, library)
    if format != "sentence-transformers":
        raise UnsupportedCheckpointError(
            checkpoint.location, f"has modules of their own for queries in the {format} format"
        )
    modules = describe_modules(checkpoint, entries, token_level=False)
    within = modules.transformer_folder
    transformer = _transformer_file(checkpoint.part(within))
    refuse_lengths_of_sides(transformer)
    return describe_checkpoint(
        checkpoint,
        within,
        format=format,
        library=library,
        modules=modules,
        transformer=transformer,
    )


def describe_checkpoint(
    checkpoint: Checkpoint,
    within: str,
    *,
    format: Format,
    library: JsonFile,
    modules: ModuleList | None,
    transformer: JsonFile,
    late_interaction: LateInteraction | None = None,
) -> CheckpointSettings:
    """Read what checkpoints of all kinds have in common.

    Args:
        checkpoint: the checkpoint.
        within: the transformer's folder, relative to it.
        format: who wrote it.
        library: the file of sentence-transformers, empty where there is none.
        modules: the steps after the transformer.
        transformer: the file with the settings of the transformer module.
        late_interaction: the settings that only late-interaction models have.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    folder = checkpoint.part(within)
    config = folder.json(CONFIG_FILE)
    architectures = config.texts("architectures")
    query_prompt, document_prompt = read_prompts(library)
    return CheckpointSettings(
        whole=checkpoint,
        transformer=folder,
        format=format,
        architecture=architectures.value[0] if architectures and architectures.value else None,
        hidden_dim=config.integer("hidden_size", "d_model", "dim", "n_embd"),
        vocab_size=config.integer("vocab_size"),
        n_positions=usable_positions(config),
        declared_length=declared_length(folder, transformer),
        tokenizer_length=tokenizer_length(folder),
        lower_case=bool((found := transformer.boolean("do_lower_case")) and found.value),
        modules=modules,
        similarity=library.text("similarity_fn_name"),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        default_prompt=read_default_prompt(library),
        truncate_dim=read_truncation(library),
        late_interaction=late_interaction,
    )


def _format(checkpoint: Checkpoint, library: JsonFile) -> Format:
    kind = library.text("model_type")
    if kind is not None and kind.value == "MultiVectorEncoder":
        return "multi-vector"
    if kind is not None and kind.value == "ColBERT":
        return "pylate"
    if kind is not None and kind.value != "SentenceTransformer":
        raise WrongKindError(
            checkpoint.location,
            f"{LIBRARY_FILE} says that it is a {kind.value}; expected a dense or a "
            "late-interaction model",
        )
    if any(key in library.values for key in PYLATE_KEYS):
        return "pylate"
    if checkpoint.has(MODULES_FILE):
        return "sentence-transformers"
    architectures = checkpoint.json(CONFIG_FILE).texts("architectures")
    names: tuple[str, ...] = architectures.value if architectures else ()
    for name in names:
        if not name.endswith(CLASSIFICATION):
            continue
        raise WrongKindError(
            checkpoint.where(CONFIG_FILE),
            f"says that it is a {name}, which scores or classifies; use the record of the kind "
            "cross-encoder or classifier",
        )
    return "stanford" if STANFORD_ARCHITECTURE in names else "transformers"


def _late_interaction(
    format: Format,
    checkpoint: Checkpoint,
    library: JsonFile,
    transformer: JsonFile,
    modules: ModuleList | None,
) -> LateInteraction | None:
    if format == "multi-vector":
        return read_multi_vector(transformer, modules)
    if format == "pylate":
        return read_pylate(library)
    return read_stanford(checkpoint) if format == "stanford" else None


def find_transformer_file(folder: Checkpoint) -> JsonFile:
    """Return the file in which sentence-transformers keeps the transformer's settings.

    One that says nothing is passed over, as by the library.

    Args:
        folder: the transformer's folder.

    Raises:
        CheckpointError: the file is damaged.
    """
    files = (folder.json(name, optional=True) for name in _TRANSFORMER_FILES)
    first = folder.json(_TRANSFORMER_FILES[0], optional=True)
    return next((file for file in files if file.values), first)


def _transformer_file(folder: Checkpoint) -> JsonFile:
    file = find_transformer_file(folder)
    where = file.location
    task = file.text("transformer_task")
    if task is not None and task.value != "feature-extraction":
        raise WrongKindError(where, f"is run for {task.value!r}; expected 'feature-extraction'")
    modalities = file.values.get("modality_config")
    plain = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
    if modalities is not None and modalities != plain:
        raise UnsupportedCheckpointError(
            where, f"reads its input as {modalities!r}; only plain text is supported so far"
        )
    refuse_arguments(file)
    if file.values.get("processing_kwargs"):
        raise UnsupportedCheckpointError(
            where, "processing_kwargs changes how texts are read, which has no equivalent here yet"
        )
    return file


def refuse_arguments(file: JsonFile) -> None:
    """Refuse arguments of the transformer module that would change results.

    Raises:
        UnsupportedCheckpointError: there are such arguments.
    """
    groups = ("model", "tokenizer", "config", "processor")
    for key in [f"{group}_{end}" for group in groups for end in ("args", "kwargs")]:
        given = file.part(key)
        unknown = sorted(set(given.values) - _HARMLESS_ARGUMENTS) if given else []
        if unknown:
            raise UnsupportedCheckpointError(
                file.location,
                f"{key} sets {', '.join(unknown)}, which has no equivalent here yet",
            )


def refuse_lengths_of_sides(file: JsonFile) -> None:
    """Refuse lengths that queries or documents alone have, where the model is no late interaction.

    Raises:
        UnsupportedCheckpointError: there are such lengths.
    """
    keys = ("query_length", "document_length", "query_expansion")
    stated = [key for key in keys if file.values.get(key) is not None]
    if stated:
        raise UnsupportedCheckpointError(
            file.location,
            f"sets {', '.join(stated)}, which has an equivalent in late interaction only; expected "
            "max_seq_length, which both sides have",
        )


def declared_length(folder: Checkpoint, transformer: JsonFile) -> Setting[int] | None:
    """Return the length in tokens at which the checkpoint's library cuts texts."""
    declared = transformer.integer("max_seq_length")
    if declared is None and "transformer_task" in transformer.values:
        # Newer files leave the length to the tokenizer's, which is written with them.
        return tokenizer_length(folder)
    return declared


def tokenizer_length(folder: Checkpoint) -> Setting[int] | None:
    """Return the length in tokens that the tokenizer's file allows; None where it is unlimited."""
    file = folder.json("tokenizer_config.json", optional=True)
    # Old files have another name for it.
    key = "model_max_length" if "model_max_length" in file.values else "max_len"
    length = file.values.get(key)
    # Without a limit, it is a large number, such as 1e30.
    if length is None or (isinstance(length, int | float) and length >= _UNLIMITED):
        return None
    return file.integer(key)


def usable_positions(config: JsonFile) -> Setting[int] | None:
    """Return the longest text in tokens that the transformer of a `config.json` can read.

    None where nothing limits it, or nothing says so.
    """
    positions = config.integer("max_position_embeddings", "n_positions")
    if positions is None or positions.value <= 0:
        return None
    stated, padding = config.text("model_type"), config.integer("pad_token_id")
    kind = stated.value if stated else ""
    if kind in _RELATIVE_POSITIONS:
        return None
    has_table = config.values.get("position_embedding_type", "absolute") == "absolute"
    if kind not in _POSITIONS_AFTER_PADDING and not (kind == "esm" and has_table):
        return positions
    first = _FIXED_PADDING.get(kind, padding.value if padding else 1) + 1
    return Setting(positions.value - first, positions.file)


def mixes_padding(config: Mapping[str, object]) -> bool:
    """Return whether padding changes the vectors of a row, although it is masked.

    Args:
        config: what a `config.json` holds, or a configuration of transformers.
    """
    kind = config.get("model_type")
    if kind in _MIX_PADDING or changes_with_length(config):
        return True
    # transformers has two ways to hide what follows, one of them for rows without padding alone.
    # Here only that one knows whether to.
    is_causal = config.get("is_causal")
    if is_causal is None:
        return kind == "gemma" and bool(config.get("use_bidirectional_attention"))
    if not is_causal:
        return kind in _CAUSAL_WITHOUT_PADDING
    return kind not in DECODERS


def changes_with_length(config: Mapping[str, object]) -> bool:
    """Return whether transformers changes the network itself to the length of the longest row.

    Args:
        config: as for `mixes_padding`.
    """
    if config.get("model_type") in BIG_BIRDS:
        # Blocks are counted from the end, and rows of few tokens are not divided.
        return config.get("attention_type", "block_sparse") == "block_sparse"
    return _scales_by_longest(config)


def _scales_by_longest(config: Mapping[str, object]) -> bool:
    """Return whether the length of the longest row decides how all positions are scaled."""
    stated = [config.get(key) for key in ("rope_parameters", "rope_scaling")]
    rules = [rule for rule in stated if isinstance(rule, Mapping)]
    # There may be a rule for each kind of layer.
    rules += [part for rule in rules for part in rule.values() if isinstance(part, Mapping)]
    names = {rule.get(key) for rule in rules for key in ("rope_type", "type")}
    return not names.isdisjoint(("longrope", "su"))


def read_truncation(library: JsonFile) -> Setting[int] | None:
    """Return the number of dimensions to which vectors are cut, if they are.

    Raises:
        CheckpointError: it is less than 1.
    """
    found = library.integer("truncate_dim")
    if found is not None and found.value < 1:
        raise library.wrong("truncate_dim", found.value, "at least 1, or null")
    return found


def cut_width(width: Setting[int], truncation: Setting[int] | None) -> Setting[int]:
    """Return the width of vectors that are cut; what is narrower stays as it is."""
    return truncation if truncation and truncation.value < width.value else width


def read_prompts(library: JsonFile) -> tuple[Setting[str] | None, Setting[str] | None]:
    """Return the prompts of queries and of documents that the library's file names."""
    prompts = library.part("prompts")
    # The library fills the prompts of both sides with "" when it saves a model that has none,
    # so that empty ones say something only beside one that is not empty.
    if prompts is None or not any(prompts.values.values()):
        return None, None
    # Authors name the prompt of documents in one of three ways.
    return prompts.text("query"), prompts.text("document", "passage", "corpus")


def read_default_prompt(library: JsonFile) -> Setting[str] | None:
    """Return the prompt of texts that are neither queries nor documents.

    Raises:
        CheckpointError: the file names a prompt that it does not have.
    """
    name, prompts = library.text("default_prompt_name"), library.part("prompts")
    if name is None:
        return None
    prompt = prompts.text(name.value) if prompts else None
    if prompt is None:
        raise library.wrong("default_prompt_name", name.value, "the name of one of its prompts")
    return prompt
