"""An endpoint of SageMaker as an encoder or a classifier.

A request is ``{"inputs": [texts]}``, which the containers of Hugging Face read, those of Text
Embeddings Inference among them. Answers are vectors, alone or under ``embedding``, ``embeddings``
or ``data``; or labels with scores. Texts are sent in chunks, several at a time.
"""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Event
from time import monotonic
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.items import each_text
from holotype.encoders.options import EncodeOptions, settings_of
from holotype.encoders.running.scores import LabelScore, label_rule
from holotype.errors import MissingExtraError
from holotype.pool.errors import PoolError

MOST_BODY_BYTES = 5_000_000
"""The longest body that SageMaker takes."""
MOST_TEXTS = 32
"""How many texts a request has at most: answers have a limit, too."""
TIMEOUT_S = 30.0

_N_THREADS = 16
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_CONNECT_TIMEOUT_S = 5.0
_TOO_MANY = 429
_SERVER_ERROR = 500
_VECTOR_KEYS = ("embeddings", "embedding", "vectors", "data")
_PASSING = frozenset(
    {"ThrottlingException", "ModelNotReadyException", "ServiceUnavailable", "InternalFailure"}
)


class RemoteError(PoolError):
    """An endpoint does not answer, fails, or answers something else than expected."""


class RemoteRefusalError(RemoteError, ValueError):
    """An endpoint refuses what it was sent; another attempt would be refused, too."""


class RemoteTimeoutError(RemoteError, TimeoutError):
    """An endpoint has not answered before the deadline."""


class SagemakerEndpoint:
    """Sends texts to an endpoint and reads its answers.

    Attributes:
        endpoint: its name.
        timeout_s: how many seconds a call may take, with all attempts.
    """

    def __init__(self, endpoint: str, *, region: str | None, timeout_s: float | None) -> None:
        """Prepare to call it; nothing is sent yet.

        Args:
            endpoint: its name.
            region: its region; None takes that of the environment.
            timeout_s: see above; None is 30 seconds.

        Raises:
            MissingExtraError: boto3 is not installed.
            PoolError: there is no region.
        """
        self.endpoint = endpoint
        self.timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        try:
            # By name: it is part of an extra.
            boto3: Any = importlib.import_module("boto3")
            self._errors: Any = importlib.import_module("botocore.exceptions")
            config: Any = importlib.import_module("botocore.config")
        except ModuleNotFoundError:
            raise MissingExtraError("aws", "boto3", "an endpoint of SageMaker") from None
        options = config.Config(
            connect_timeout=min(_CONNECT_TIMEOUT_S, self.timeout_s),
            read_timeout=self.timeout_s,
            # The deadline decides how often is tried, and only what may be.
            retries={"total_max_attempts": 1},
            max_pool_connections=_N_THREADS,
        )
        try:
            self._client: Any = boto3.client(
                "sagemaker-runtime", region_name=region, config=options
            )
        except self._errors.NoRegionError:
            raise PoolError(
                endpoint, "has no region; add region: to its source, or set AWS_REGION"
            ) from None
        self._closed = Event()
        self._threads = ThreadPoolExecutor(_N_THREADS, thread_name_prefix="holotype-sagemaker")

    def rows(self, texts: Sequence[str]) -> list[Any]:
        """Return what the endpoint answers for each text, in their order.

        Raises:
            RemoteError: it fails, and goes on failing until the deadline.
            RemoteTimeoutError: it does not answer in time.
            RemoteRefusalError: it refuses the texts, or one is too long to be sent.
        """
        deadline_s = monotonic() + self.timeout_s
        chunks = [*self._chunks(texts)]
        futures = [self._threads.submit(self._send, chunk, deadline_s) for chunk in chunks]
        try:
            return [
                row
                for chunk, future in zip(chunks, futures, strict=True)
                for row in self._rows_of(chunk, self._await(future, deadline_s))
            ]
        finally:
            for future in futures:
                future.cancel()

    def _await(self, future: Future[Any], deadline_s: float) -> Any:
        try:
            return future.result(max(0.0, deadline_s - monotonic()))
        except FutureTimeoutError as error:
            if future.done():
                raise
            raise RemoteTimeoutError(
                self.endpoint, f"has not answered within {self.timeout_s:g} s", 1.0
            ) from error

    def _chunks(self, texts: Sequence[str]) -> Iterator[list[str]]:
        chunk: list[str] = []
        n_bytes = len('{"inputs": []}')
        for index, text in enumerate(texts):
            size = len(json.dumps(text)) + len(", ")
            if size > MOST_BODY_BYTES:
                raise RemoteRefusalError(
                    self.endpoint,
                    f"cannot be sent the text at index {index}: {size:,} bytes as JSON, and a body "
                    f"has at most {MOST_BODY_BYTES:,}; split the text",
                )
            if chunk and (len(chunk) == MOST_TEXTS or n_bytes + size > MOST_BODY_BYTES):
                yield chunk
                chunk, n_bytes = [], len('{"inputs": []}')
            chunk.append(text)
            n_bytes += size
        if chunk:
            yield chunk

    def _send(self, chunk: list[str], deadline_s: float) -> Any:
        """Send a chunk, again and again as long as that may help."""
        body = json.dumps({"inputs": chunk}).encode()
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._attempt(body)
            except RemoteRefusalError:
                raise
            except RemoteError as error:
                if error.retry_after_s is None:
                    raise
                # Callers that failed together must not come back together.
                wait_s = pause_s * random.uniform(0.5, 1.5)  # noqa: S311
                if monotonic() + wait_s >= deadline_s or self._closed.wait(wait_s):
                    raise
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _attempt(self, body: bytes) -> Any:
        errors = self._errors
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self.endpoint,
                ContentType="application/json",
                Accept="application/json",
                Body=body,
            )
            found = answer["Body"].read()
        except errors.ClientError as error:
            raise self._said(error.response) from error
        except (
            errors.ConnectionError,
            errors.HTTPClientError,
            errors.IncompleteReadError,
        ) as error:
            raise RemoteError(self.endpoint, f"cannot be reached: {error}", 1.0) from error
        except errors.BotoCoreError as error:
            raise RemoteError(self.endpoint, f"cannot be called: {error}") from error
        try:
            return json.loads(found)
        except (ValueError, RecursionError) as error:
            raise RemoteError(self.endpoint, f"answers what is not JSON: {found[:60]!r}") from error

    def _said(self, response: Mapping[str, Any]) -> RemoteError:
        """Return the error for what SageMaker says, or the model behind it."""
        code = response.get("Error", {}).get("Code", "")
        message = response.get("OriginalMessage") or response.get("Error", {}).get("Message", "")
        status = int(
            response.get("OriginalStatusCode")
            or response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
        )
        what = f"answers {status} {code}: {message}".rstrip(": ")
        if code in _PASSING or status >= _SERVER_ERROR or status == _TOO_MANY:
            return RemoteError(self.endpoint, what, 1.0)
        if "OriginalStatusCode" in response:
            return RemoteRefusalError(self.endpoint, what)
        return RemoteError(self.endpoint, what)

    def _rows_of(self, chunk: Sequence[str], found: Any) -> list[Any]:
        """Return one row for each text of an answer."""
        if isinstance(found, Mapping):
            key = next((name for name in _VECTOR_KEYS if name in found), None)
            found = None if key is None else found[key]
        if isinstance(found, list) and found and isinstance(found[0], Mapping):
            if "embedding" in found[0]:
                in_order = sorted(found, key=lambda row: row.get("index", 0))
                found = [row.get("embedding") for row in in_order]
            elif len(chunk) == 1:
                # Some containers leave the outer list out for a single text.
                found = [found]
        if not isinstance(found, list) or len(found) != len(chunk):
            n_found = f"{len(found)} rows" if isinstance(found, list) else "no list of rows"
            raise RemoteError(
                self.endpoint, f"answers {n_found} for {len(chunk)} texts; expected one for each"
            )
        return found

    def close(self) -> None:
        """End attempts that wait, and the connections."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


class SagemakerEncoder:
    """An endpoint that returns vectors, under the methods of a dense encoder.

    Attributes:
        dim: the size of the vectors; None if the deployment does not say.
        fingerprint: None: nobody knows what runs behind an endpoint.
        memory_bytes: 0: it runs elsewhere.
        device: ``"sagemaker"``.
    """

    fingerprint = None
    memory_bytes = 0
    device = "sagemaker"

    def __init__(self, endpoint: SagemakerEndpoint, *, dim: int | None) -> None:
        """Use an endpoint."""
        self._endpoint = endpoint
        self.dim = dim

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        prompt: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> NDArray[np.float32]:
        """Encode texts: float32 ``[n_texts, dim]``, or ``[dim]`` for one.

        Raises:
            RemoteError: see `SagemakerEndpoint.rows`; or the answers are no vectors.
        """
        settings_of(**options)
        given = [(prompt or "") + text for text in each_text(texts)]
        rows = self._endpoint.rows(given)
        found = _as_vectors(rows)
        if found is None:
            raise RemoteError(
                self._endpoint.endpoint,
                "answers no vector for each text; expected a list of numbers for each, as containers "
                "give that pool the vectors of tokens (Text Embeddings Inference)",
            )
        if not np.isfinite(found).all():
            raise RemoteError(self._endpoint.endpoint, "answers NaN or infinity")
        return found[0] if isinstance(texts, str) else found

    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> NDArray[np.float32]:
        """Encode queries; the endpoint adds the prompt, if it has one. See `encode`."""
        _refuse_instruction(self._endpoint.endpoint, instruction)
        return self.encode(texts, **options)

    def encode_document(
        self,
        texts: str | Iterable[str],
        *,
        instruction: str | None = None,
        **options: Unpack[EncodeOptions],
    ) -> NDArray[np.float32]:
        """Encode documents; see `encode_query`."""
        return self.encode_query(texts, instruction=instruction, **options)

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()


class SagemakerClassifier:
    """An endpoint that returns labels with scores, under the methods of a classifier.

    Attributes:
        labels: the labels that the deployment states.
        multi_label: whether several may apply; the endpoint does not say, so that all do whose
            scores reach the threshold.
        memory_bytes: 0: it runs elsewhere.
        device: ``"sagemaker"``.
    """

    multi_label = True
    memory_bytes = 0
    device = "sagemaker"

    def __init__(self, endpoint: SagemakerEndpoint, *, labels: tuple[str, ...]) -> None:
        """Use an endpoint."""
        self._endpoint = endpoint
        self.labels = labels

    def classify(
        self,
        texts: str | Iterable[str],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        **options: Unpack[EncodeOptions],
    ) -> tuple[LabelScore, ...] | list[tuple[LabelScore, ...]]:
        """Return the labels that apply; see `Classifier.classify`.

        Raises:
            RemoteError: see `SagemakerEndpoint.rows`; or the answers are no labels of the
                deployment.
        """
        scores = np.atleast_2d(self.predict_scores(texts, **options))
        rule = label_rule(
            self.labels, multi_label=True, top_k=top_k, threshold=threshold, thresholds=thresholds
        )
        found = [rule.apply(row, row) for row in scores]
        return found[0] if isinstance(texts, str) else found

    def predict_scores(
        self, texts: str | Iterable[str], **options: Unpack[EncodeOptions]
    ) -> NDArray[np.float32]:
        """Return the scores of all labels; a label that the endpoint leaves out has 0."""
        settings_of(**options)
        given = list(each_text(texts))
        scores = np.zeros((len(given), len(self.labels)), dtype=np.float32)
        for row, found in zip(scores, self._endpoint.rows(given), strict=True):
            for one in [found] if isinstance(found, Mapping) else found:
                row[self._position(one)] = one["score"]
        return scores[0] if isinstance(texts, str) else scores

    def _position(self, one: Any) -> int:
        label = one.get("label") if isinstance(one, Mapping) else None
        if label not in self.labels or not isinstance(one.get("score"), (int, float)):
            raise RemoteError(
                self._endpoint.endpoint,
                f"answers {one!r}; expected a score of one of the labels "
                f"{', '.join(map(repr, self.labels)) or '(none): state them in the deployment'}",
            )
        return self.labels.index(label)

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()


def _as_vectors(rows: Sequence[Any]) -> NDArray[np.float32] | None:
    """Return rows of numbers as an array; None if they are something else."""
    if not rows:
        return np.empty((0, 0), dtype=np.float32)
    try:
        found = np.array(rows, dtype=np.float32)
    except (TypeError, ValueError):
        return None
    return found if found.ndim == 2 and found.shape[1] else None


def _refuse_instruction(endpoint: str, instruction: str | None) -> None:
    if instruction is not None:
        raise ValueError(f"the endpoint {endpoint!r} takes no instruction; leave instruction= out")
