"""Deviations sample by sample: `.csv` with every detail, or `.npy` with the numbers only."""

from __future__ import annotations

import csv
import io

import numpy as np

from lstm_verify.report import Report

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


def render_npy(report: Report) -> bytes:
    """Write the largest |predicted - replayed| as float64, (samples, outputs); NaN where an output was not compared."""
    columns = [
        output.deviations if output.deviations.size else np.full(report.samples, np.nan) for output in report.outputs
    ]
    buffer = io.BytesIO()
    np.save(buffer, np.stack(columns, axis=1) if columns else np.empty((report.samples, 0)))
    return buffer.getvalue()
