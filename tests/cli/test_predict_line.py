"""What `goodfit predict RUN "text"` prints of an answer."""

from __future__ import annotations

import pytest

from goodfit.cli.predict import _line
from goodfit.predict import Prediction

P = {"billing": 0.91, "bug": 0.725, "praise": 0.081}


@pytest.mark.parametrize(
    ("prediction", "line"),
    [
        (Prediction("billing", ("billing",), 0.91, P), "billing 91.0%  bug 72.5%  praise 8.1%"),
        (Prediction(None, ("billing", "bug"), 0.7, P), "billing 91.0%, bug 72.5% | praise 8.1%"),
        (Prediction(None, (), 0.7, P), "none | billing 91.0%, bug 72.5%, praise 8.1%"),
        (Prediction(None, (), None, {}, "empty text"), "not answered: empty text"),
    ],
)
def test_a_line(prediction: Prediction, line: str) -> None:
    assert _line(prediction) == line
