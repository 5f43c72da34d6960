"""Deviations sample by sample: `.csv` with every detail, or `.npy` with the numbers only."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_verify.errors import OutputError
from lstm_verify.report import Report

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "output",
    "sample",
    "abs_deviation",
    "rel_deviation",
    "within",
    "index",
    "predicted",
    "replayed",
    "sigmas",
    "unjudged",
)


def render_csv(report: Report) -> str:
    """Write a line for each sample of each output; `index` is where in the sample its largest deviation is.

    It is the largest in σ if σ decides; `sigmas` is that number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for output in report.outputs:
        for sample, deviation in enumerate(output.deviations):
            writer.writerow(
                (
                    output.name,
                    sample,
                    repr(float(deviation)),
                    repr(float(output.relative_deviations[sample])),
                    int(output.within[sample]),
                    " ".join(str(i) for i in output.index(sample)[1:]),
                    repr(float(output.predicted[sample])),
                    repr(float(output.replayed[sample])),
                    repr(float(output.sigmas[sample])),
                    int(output.unjudged_rows[sample]),
                )
            )
    return text.getvalue()


def data_frame(report: Report) -> pandas.DataFrame:
    """Return a row for each sample of each output, with the columns of the `.csv`; `index` is a tuple of integers.

    Raises:
        OutputError: pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise OutputError(
            "data frames are made with pandas, which is not installed. Install it: pip install pandas"
        ) from None
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for output in report.outputs:
        samples = range(len(output.deviations))
        columns["output"] += [output.name] * len(samples)
        columns["sample"] += samples
        columns["index"] += [output.index(sample)[1:] for sample in samples]
        columns["abs_deviation"] += output.deviations.tolist()
        columns["rel_deviation"] += output.relative_deviations.tolist()
        columns["within"] += output.within.tolist()
        columns["predicted"] += output.predicted.tolist()
        columns["replayed"] += output.replayed.tolist()
        columns["sigmas"] += output.sigmas.tolist()
        columns["unjudged"] += output.unjudged_rows.tolist()
    return DataFrame(columns)


def render_npy(report: Report) -> bytes:
    """Write the largest |predicted - replayed| as float64, (samples, outputs); NaN where an output was not compared."""
    columns = [
        output.deviations if output.deviations.size else np.full(report.samples, np.nan) for output in report.outputs
    ]
    buffer = io.BytesIO()
    np.save(buffer, np.stack(columns, axis=1) if columns else np.empty((report.samples, 0)))
    return buffer.getvalue()
