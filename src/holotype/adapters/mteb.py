"""A dense encoder for mteb: ``mteb.evaluate(MtebEncoder(encoder), tasks)``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from holotype.adapters.identity import identity, load_again, require_dense, short_digest
from holotype.encoders.dense import DenseEncoder
from holotype.errors import MissingExtraError

try:
    from mteb.models import ModelMeta
    from mteb.models.abs_encoder import AbsEncoder
    from mteb.models.model_meta import ScoringFunction
    from mteb.types import Licenses, PromptType
except ModuleNotFoundError as error:
    raise MissingExtraError("mteb", "mteb", "holotype.adapters.mteb") from error

if TYPE_CHECKING:
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.types import Array, BatchedInput
    from torch.utils.data import DataLoader

    from holotype.encoders.config import ModelConfig
    from holotype.records import AnyDenseModel

_SCORES = {"cosine": ScoringFunction.COSINE, "dot": ScoringFunction.DOT_PRODUCT}


class MtebEncoder(AbsEncoder):
    """Runs a model on mteb's tasks with the prompts, pooling, length and similarity of its record.

    Queries and documents of retrieval tasks get the model's prompts. Texts of other tasks get no
    prompt, unless the prompt takes an instruction: then every text is encoded as a query, with
    mteb's instruction for the task. A pickle holds the configuration of the encoder, and whoever
    reads it loads the model again; see `holotype.adapters.identity.load_again`.

    Attributes:
        model: the encoder.
        mteb_model_meta: the metadata that mteb writes beside the results, from the record.
    """

    model: DenseEncoder

    def __init__(self, encoder: DenseEncoder) -> None:
        """Wrap a loaded encoder.

        Raises:
            TypeError: it is no dense encoder.
        """
        require_dense(encoder)
        self.model = encoder
        self.mteb_model_meta = model_meta(encoder)

    def __reduce__(self) -> tuple[object, ...]:
        """Send the configuration to another process, which loads the model again."""
        return _wrap_again, (type(self), self.model.config)

    def encode(
        self,
        inputs: DataLoader[BatchedInput],
        *,
        task_metadata: TaskMetadata,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **kwargs: Any,
    ) -> Array:
        """Encode the texts of a task; see `mteb.EncoderProtocol`.

        Args:
            inputs: batches that have the key ``text``.
            task_metadata: the task, perhaps with an instruction.
            hf_split: unused.
            hf_subset: unused.
            prompt_type: whether these are queries or documents; None if it makes no difference.
            kwargs: `batch_size`; `show_progress_bar` is ignored.

        Returns:
            float32 ``[n_texts, dim]``.
        """
        texts = list(_texts(inputs))
        options: dict[str, Any] = {
            "batch_size": kwargs.get("batch_size"),
            "on_overflow": "truncate",
        }
        encoding = self.model.encoding
        as_document = prompt_type == PromptType.document
        prompt = encoding.document_prompt if as_document else encoding.query_prompt
        if prompt_type is None and not prompt.takes_instruction:
            return self.model.encode(texts, **options)
        if prompt.takes_instruction:
            options["instruction"] = self.get_instruction(task_metadata, prompt_type)
        run = self.model.encode_document if as_document else self.model.encode_query
        return run(texts, **options)


def model_meta(encoder: DenseEncoder) -> ModelMeta:
    """Return mteb's metadata about a model, from its record; unknown values are None.

    mteb keeps results under the name, the revision and the experiment. The experiment says what
    else decides them, so that a run with another checkpoint, size, type or backend never gets the
    results of this one. The weights are read once for it.

    Raises:
        CheckpointError: the files of the model are gone, or damaged.
    """
    record = encoder.record
    known_licenses = get_args(Licenses)
    return ModelMeta.create_empty(
        {
            "name": record.huggingface_id,
            # For None mteb would take the results of any revision.
            "revision": record.revision or "no_revision_available",
            "release_date": record.release_date,
            "n_parameters": record.parameters,
            "max_tokens": encoder.max_length,
            "embed_dim": encoder.dim,
            "license": record.license if record.license in known_licenses else None,
            "reference": f"https://huggingface.co/{record.huggingface_id}"
            if record.is_on_hub
            else None,
            "similarity_fn_name": _SCORES[encoder.encoding.similarity],
            "use_instructions": encoder.encoding.query_prompt.takes_instruction,
            "experiment_kwargs": {
                "dim": encoder.dim,
                "dtype": encoder.dtype,
                "backend": encoder.config.backend,
                "identity": short_digest(identity(encoder, None)),
            },
        }
    )


def _texts(inputs: DataLoader[BatchedInput]) -> Iterator[str]:
    for batch in inputs:
        yield from batch["text"]


def _wrap_again(kind: type[MtebEncoder], config: ModelConfig[AnyDenseModel]) -> MtebEncoder:
    return kind(load_again(config))
