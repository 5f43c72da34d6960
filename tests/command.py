"""The command line, called in this process, with the fixtures it is called on."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from lstm_verify.cli import cli

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def run(*arguments: object) -> Result:
    """Call the command line; anything but an exit is a bug, and is raised as it is."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="lstm-verify")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def model(name: str, kind: str = "keras3.h5") -> Path:
    """A model of the fixtures; `kind` is who wrote it, and as what."""
    return FIXTURES / f"{name}.{kind}"


def inputs(name: str) -> Path:
    return FIXTURES / f"{name}.x.npz"


def recorded(name: str, kind: str = "keras3.h5") -> Path:
    """The predictions of the framework that wrote the model."""
    return FIXTURES / f"{name}.{kind.split('.')[0]}.y.npz"


def arguments(name: str, kind: str = "keras3.h5") -> tuple[object, ...]:
    """What verifies a fixture without a framework."""
    return (model(name, kind), "--input", inputs(name), "--expected", recorded(name, kind))


def assert_refused(result: Result, *mentioned: object) -> None:
    """One line on stderr that says what is wrong where, nothing on stdout, exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.endswith("\n")
    for item in mentioned:
        assert str(item) in result.stderr


def assert_usage_error(result: Result, *mentioned: object) -> None:
    """Usage, and one line that says what is wrong with it; nothing on stdout, exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: lstm-verify ")
    assert "\nError: " in result.stderr
    for item in mentioned:
        assert str(item) in result.stderr
