"""Reporters: one output format per file. To add one, write its file and a line in `REPORTERS`."""

from __future__ import annotations

from lstm_verify.reporters.interface import Reporter

REPORTERS: tuple[Reporter, ...] = (
    Reporter("terminal", "verification", "terminal", prints=True),
    Reporter("evidence", "verification", "evidence", prints=True),
    Reporter("json", "verification", "json", "render_samples"),
    Reporter("junit", "verification", "junit"),
    Reporter("html", "verification", "html"),
    Reporter("sarif", "verification", "sarif"),
    Reporter("annotations", "verification", "workflow_commands"),
    Reporter("summary", "verification", "summary"),
    Reporter("csv", "verification", "samples", "render_csv"),
    Reporter("npy", "verification", "samples", "render_npy"),
    Reporter("terminal", "rollout", "rollout", prints=True),
    Reporter("json", "rollout", "json", "render_report"),
    Reporter("html", "rollout", "html", "render_rollout"),
    Reporter("terminal", "comparison", "against", prints=True),
    Reporter("json", "comparison", "json", "render_samples"),
    Reporter("junit", "comparison", "junit", "render_against"),
    Reporter("sarif", "comparison", "sarif", "render_against"),
    Reporter("annotations", "comparison", "workflow_commands", "render_against"),
    Reporter("summary", "comparison", "summary", "render_against"),
    Reporter("terminal", "check", "check", prints=True),
    Reporter("json", "check", "json", "render_line"),
    Reporter("junit", "check", "check_junit"),
    Reporter("annotations", "check", "workflow_commands", "render_check"),
    Reporter("summary", "check", "summary", "render_check"),
    Reporter("terminal", "judgement", "anew", prints=True),
    Reporter("json", "judgement", "json", "render_report"),
    Reporter("json", "failure", "json", "render_report"),
    Reporter("json lines", "failure", "json", "render_line"),
    Reporter("junit", "failure", "junit", "render_failure"),
    Reporter("html", "failure", "html", "render_failure"),
    Reporter("sarif", "failure", "sarif", "render_failure"),
    Reporter("annotations", "failure", "workflow_commands", "render_failure"),
    Reporter("summary", "failure", "summary", "render_failure"),
    Reporter("terminal", "model", "inspection", prints=True),
    Reporter("json", "model", "json"),
)


def find(name: str, subject: str) -> Reporter:
    """Look a reporter up by its name and what it reports on.

    Raises:
        LookupError: there is none.
    """
    found = next((one for one in REPORTERS if (one.name, one.subject) == (name, subject)), None)
    if found is None:
        raise LookupError(f"there is no reporter '{name}' of a {subject}")
    return found


__all__ = ["REPORTERS", "Reporter", "find"]
