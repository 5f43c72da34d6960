"""The JSON Schema of reports: every report that there is keeps to it, and it has no keys that reports lack."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from lstm_verify import report
from lstm_verify.cli import cli
from lstm_verify.reporters import find
from lstm_verify.rollouts import report as rollouts
from tests.command import FIXTURES, arguments, inputs, model, recorded, run
from tests.contract.test_reporters import SUBJECTS

SCHEMA = json.loads(files("lstm_verify.reporters").joinpath("report.schema.json").read_text())
KINDS = {
    "verification": "verification",
    "rollout": "rollout",
    "comparison": "comparison",
    "failure": "failure",
    "model": "inspection",
    "check": "check",
    "judgement": "judgement",
}
"""What the schema calls that which a reporter reports on."""


def check(data: Any, kind: str) -> None:
    """Raise an error if a report is not of its kind, or of another one too."""
    of_its_kind = {"$schema": SCHEMA["$schema"], "$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    jsonschema.Draft202012Validator(of_its_kind).validate(data)
    jsonschema.Draft202012Validator(SCHEMA).validate(data)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_version_is_that_of_reports() -> None:
    assert SCHEMA["$defs"]["schema_version"]["const"] == report.SCHEMA_VERSION == rollouts.SCHEMA_VERSION


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object type in a schema, at any depth."""
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" and "properties" in schema else []
    return own + [found for item in schema.values() for found in objects(item)]


def test_a_new_key_must_be_put_into_the_schema() -> None:
    assert len(objects(SCHEMA)) > 30
    for one in objects(SCHEMA):
        assert one["additionalProperties"] is False, one
        optional = set(one["properties"]) - set(one["required"])
        assert optional <= {"timings"} or "total" in one["properties"], one
    data = json.loads(find("json", "failure").render(report.Failure("model.h5", "an error")))
    with pytest.raises(jsonschema.ValidationError):
        check({**data, "news": 1}, "failure")


@pytest.mark.parametrize("subject", KINDS)
def test_every_kind_of_report_is_as_the_schema_has_it(subject: str) -> None:
    for make in SUBJECTS[subject].values():
        check(json.loads(find("json", subject).render(make())), KINDS[subject])


def written(*command: object) -> Any:
    """What a command writes to standard output as JSON."""
    return json.loads(run(*command, "--json", "-").stdout)


@pytest.mark.parametrize("samples", ["none", "worst", "all"])
def test_a_match(samples: str) -> None:
    data = written(*arguments("encoder_decoder"), "--json-samples", samples)
    assert data["verdict"] == "match"
    assert data["blind_spots"]
    check(data, "verification")


def test_a_model_checked_against_a_golden_folder(tmp_path: Path) -> None:
    assert run("record", *arguments("origin_tanh_sigmoid"), "-o", tmp_path / "golden", "-q").exit_code == 0
    data = written(model("origin_tanh_sigmoid", "keras3.keras"), "--golden", tmp_path / "golden")
    assert data["golden"]["same_file"] is False
    check(data, "verification")


def test_a_mismatch_that_is_explained() -> None:
    name = "hard_sigmoid"
    data = written(model(name, "keras2.h5"), "-i", inputs(name), "-e", recorded(name))
    assert data["diagnosis"]["faults"]
    check(data, "verification")


def test_a_mismatch_that_no_fault_explains(tmp_path: Path) -> None:
    """A single weight is off: there is a suspect."""
    name = "origin_tanh_sigmoid"
    rows = np.load(inputs(name))["input"]
    with np.load(recorded(name)) as archive:
        (key,) = archive.files
        predicted = archive[key] + 0.01 * rows.sum((1, 2))[:, None] ** 2
    np.savez(tmp_path / "y.npz", **{key: predicted.astype(np.float32)})
    data = written(model(name), "-i", inputs(name), "-e", tmp_path / "y.npz")
    assert (data["verdict"], data["diagnosis"]["status"]) == ("mismatch", "unexplained")
    check(data, "verification")


def test_a_tolerance_below_rounding() -> None:
    data = written(*arguments("origin_tanh_sigmoid"), "--atol", "1e-12")
    assert data["diagnosis"]["smallest_tolerance"]
    check(data, "verification")


def test_inconclusive(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((4, 3, 2), np.nan))
    np.save(tmp_path / "y.npy", np.full((4, 2), np.nan))
    data = written(model("origin_tanh_sigmoid"), "-i", tmp_path / "x.npy", "-e", tmp_path / "y.npy")
    assert data["verdict"] == "inconclusive"
    check(data, "verification")


def test_an_error() -> None:
    data = written("missing.h5", "-i", inputs("sine"), "-e", recorded("sine"))
    assert data["verdict"] == "error"
    check(data, "failure")


@pytest.mark.parametrize("samples", ["worst", "all"])
def test_files_against_each_other(samples: str) -> None:
    first, second = (FIXTURES / f"hard_sigmoid.{kind}.h5" for kind in ("keras2", "keras3"))
    command = (first, "--against", second, "-i", inputs("hard_sigmoid"), "--no-runtime", "--json-samples", samples)
    data = written(*command)
    assert (data["verdict"], bool(data["against"][0]["settings"])) == ("mismatch", True)
    check(data, "comparison")


def test_a_rollout() -> None:
    command = ("rollout", FIXTURES / "sine.keras3.onnx", "-i", inputs("sine"), "--steps", 3)
    data = written(*command)
    assert (data["verdict"], len(data["steps"])) == ("match", 3)
    check(data, "rollout")


def test_many_models(tmp_path: Path) -> None:
    """A line for each, and one for all; one of them is against another file."""
    x, y, first = inputs("hard_sigmoid"), recorded("hard_sigmoid"), model("hard_sigmoid", "keras2.h5")
    (tmp_path / "bad.h5").write_text("nothing")
    entries = (
        f'path = "{first}"\ninput = "{x}"\nexpected = "{y}"\n',
        f'path = "{first}"\ninput = "{x}"\nagainst = "{model("hard_sigmoid")}"\nrun = false\n',
        'path = "bad.h5"\n',
    )
    (tmp_path / "models.toml").write_text("".join(f'[[model]]\nname = "{len(entry)}"\n{entry}' for entry in entries))
    done = run("check", "-m", tmp_path / "models.toml", "--no-cache", "--json", "-")
    *lines, last = map(json.loads, done.stdout.splitlines())
    assert [line["verdict"] for line in lines] == ["mismatch", "mismatch", "error"]
    for line in lines:
        check(line, "outcome")
    check(last, "check")


def test_an_inspection() -> None:
    check(written("inspect", model("bidirectional_masked")), "inspection")


def test_every_command_with_a_report_has_a_kind_in_the_schema() -> None:
    with_json = {name for name, command in cli.commands.items() if any(p.name == "json_file" for p in command.params)}
    assert with_json == {"verify", "diagnose", "rollout", "inspect", "check", "judge"}
    assert [one["$ref"].rpartition("/")[2] for one in SCHEMA["oneOf"]] == [
        *list(KINDS.values())[:-2],
        "outcome",
        "check",
        "judgement",
    ]
