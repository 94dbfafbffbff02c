"""How near results on a GPU come to those of the CPU in float32."""

from __future__ import annotations

import numpy as np
from tests.parity_table import Measurement, Subject, record
from tests.runtime.conftest import TEXTS
from tests.runtime.parity import Vectors, assert_same, lowest_cosine

DTYPES = ("float32", "bfloat16", "float16")
# Lengths from one token to more than a model reads, in no order.
MANY = [*TEXTS, *("late interaction of texts " * n for n in (9, 1, 5, 3, 17, 2, 12, 7))]
# The models of these tests have wide random weights, on which halves lose more than on trained ones.
LEAST_COSINES = {"bfloat16": 0.99, "float16": 0.9995}


def assert_near(ours: Vectors, exact: Vectors, dtype: str, *, of: str) -> None:
    """Assert that vectors of a GPU are those of the CPU in float32.

    Args:
        ours: the vectors, ``[n, dim]``.
        exact: those of the CPU in float32.
        dtype: the type of the GPU's arithmetic.
        of: what is compared, for the table of parity.
    """
    subject = Subject(kind=of, architecture=dtype, format="cuda", reference="cpu, float32")
    if dtype == "float32":
        assert_same(ours, exact, of=subject)
        return
    assert ours.shape == exact.shape
    assert ours.dtype == np.float32
    cosine = lowest_cosine(ours, exact)
    record(subject, Measurement(cosine=cosine))
    assert cosine >= LEAST_COSINES[dtype]
