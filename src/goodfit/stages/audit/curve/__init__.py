"""Learning curves: what the rows that are there say of the score that more rows would bring.

`measure.py` trains a probe on nested subsets; `forecast.py` extends the curve, with an interval that knows that the form is not known.
Part of audit (methods 4; Viering & Loog 2021).
"""

from goodfit.stages.audit.curve.forecast import Curve, Forecast, forecast
from goodfit.stages.audit.curve.learned import CURVE_ROWS, Learned, learn, macro_f1, micro_f1, targets_of
from goodfit.stages.audit.curve.measure import Probe, learning_curve, sizes_of

__all__ = [
    "CURVE_ROWS",
    "Curve",
    "Forecast",
    "Learned",
    "Probe",
    "forecast",
    "learn",
    "learning_curve",
    "macro_f1",
    "micro_f1",
    "sizes_of",
    "targets_of",
]
