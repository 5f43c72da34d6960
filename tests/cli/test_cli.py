"""The command line: what it takes, where its output goes, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from lstm_verify import __version__, load, replay
from tests.command import FIXTURES, arguments, assert_refused, assert_usage_error, inputs, model, recorded, run

ORIGIN = "origin_tanh_sigmoid"


@pytest.fixture
def x(tmp_path: Path) -> dict[str, Path]:
    """The two inputs of the encoder and decoder, a `.npy` file each."""
    with np.load(inputs("encoder_decoder")) as archive:
        for name in archive.files:
            np.save(tmp_path / f"{name}.npy", archive[name])
    return {name: tmp_path / f"{name}.npy" for name in ("source", "target")}


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Predictions of the first fixture of which one element is wrong by 0.01."""
    with np.load(recorded(ORIGIN)) as archive:
        dense = archive["dense"]
    dense[2, 1] += 0.01
    np.savez(tmp_path / "wrong.npz", dense=dense)
    return tmp_path / "wrong.npz"


@pytest.fixture
def slightly_wrong(tmp_path: Path) -> Path:
    """The same wrong by 1e-5 alone, some 100 times what rounding does there."""
    with np.load(recorded(ORIGIN)) as archive:
        dense = archive["dense"]
    dense[2, 1] += 1e-5
    np.savez(tmp_path / "slightly_wrong.npz", dense=dense)
    return tmp_path / "slightly_wrong.npz"


# --- subcommands


def test_verify_is_what_is_done_without_a_subcommand() -> None:
    short, long = run(*arguments(ORIGIN), "--json", "-"), run("verify", *arguments(ORIGIN), "--json", "-")
    assert short.exit_code == long.exit_code == 0
    reports = [json.loads(result.stdout) for result in (short, long)]
    for report in reports:
        assert report.pop("timings")["total"] > 0
    assert reports[0] == reports[1]


def test_options_may_come_before_the_model() -> None:
    file, *options = arguments(ORIGIN)
    assert run(*options, file).exit_code == 0


@pytest.mark.parametrize("command", [(), ("verify",), ("diagnose",), ("inspect",), ("extract",)])
def test_help(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: {' '.join(('lstm-verify', *command))} ")
    assert run(*command, "-h").stdout == result.stdout


def test_help_tells_the_exit_codes() -> None:
    words = " ".join(run("--help").stdout.split())
    assert "0 match, 1 mismatch, 2 usage error or unreadable file, 3 inconclusive" in words


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"lstm-verify, version {__version__}\n"


# --- inputs and recorded predictions


def test_input_npy() -> None:
    assert run(model(ORIGIN), "-i", FIXTURES / "origin.x.npy", "-e", recorded(ORIGIN)).exit_code == 0


@pytest.mark.parametrize("kind", ["keras2.h5", "keras2.keras", "keras3.h5", "keras3.keras"])
def test_input_npz_with_several_arrays(kind: str) -> None:
    assert run(*arguments("encoder_decoder", kind)).exit_code == 0


@pytest.mark.parametrize("order", [("source", "target"), ("target", "source")])
def test_inputs_by_name_in_any_order(order: tuple[str, str], x: dict[str, Path]) -> None:
    given = [item for name in order for item in ("-i", f"{name}={x[name]}")]
    result = run(model("encoder_decoder"), *given, "-e", recorded("encoder_decoder"))
    assert result.exit_code == 0
    assert result.stderr == ""


def test_an_input_file_may_have_an_equals_sign_in_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "lr=0.1.npy"
    odd.write_bytes((FIXTURES / "origin.x.npy").read_bytes())
    assert run(model(ORIGIN), "-i", odd, "-e", recorded(ORIGIN)).exit_code == 0


def test_npz_names_may_end_in_colon_0(tmp_path: Path) -> None:
    with np.load(inputs("encoder_decoder")) as archive:
        np.savez(tmp_path / "x.npz", **{f"{name}:0": archive[name] for name in reversed(archive.files)})
    result = run(model("encoder_decoder"), "-i", tmp_path / "x.npz", "-e", recorded("encoder_decoder"))
    assert result.exit_code == 0
    assert result.stderr == ""


def test_other_npz_names_are_taken_in_order_with_a_note(tmp_path: Path) -> None:
    with np.load(inputs("encoder_decoder")) as archive:
        np.savez(tmp_path / "x.npz", one=archive["source"], two=archive["target"])
    command = (model("encoder_decoder"), "-i", tmp_path / "x.npz", "-e", recorded("encoder_decoder"))
    result = run(*command)
    assert result.exit_code == 0
    assert result.stderr == "note: inputs taken in order: one, two as source, target\n"
    assert "note" not in result.stdout
    assert json.loads(run(*command, "--json", "-").stdout)["notes"] == [
        "inputs taken in order: one, two as source, target"
    ]


def test_expected_npy(tmp_path: Path) -> None:
    with np.load(recorded(ORIGIN)) as archive:
        np.save(tmp_path / "y.npy", archive["dense"])
    assert run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", tmp_path / "y.npy").exit_code == 0


def test_expected_by_name_in_any_order(tmp_path: Path) -> None:
    given: list[str] = []
    with np.load(recorded("encoder_decoder")) as archive:
        for name in reversed(archive.files):
            np.save(tmp_path / f"{name}.npy", archive[name])
            given += ["-e", f"{name}={tmp_path / name}.npy"]
    assert run(model("encoder_decoder"), "-i", inputs("encoder_decoder"), *given).exit_code == 0


def test_expected_by_wrong_names_is_a_mismatch(tmp_path: Path) -> None:
    with np.load(recorded("encoder_decoder")) as archive:
        swapped = {"dense": archive["dense"], "decoder": archive["decoder_1"], "decoder_1": archive["decoder"]}
    np.savez(tmp_path / "y.npz", **swapped)
    result = run(model("encoder_decoder"), "-i", inputs("encoder_decoder"), "-e", tmp_path / "y.npz", "--json", "-")
    assert result.exit_code == 1
    verdicts = {output["name"]: output["verdict"] for output in json.loads(result.stdout)["outputs"]}
    assert verdicts == {"dense": "match", "decoder": "mismatch", "decoder_1": "mismatch"}


# --- exit codes and tolerances


def test_exit_code_of_a_match_and_a_mismatch(wrong: Path) -> None:
    match, mismatch = run(*arguments(ORIGIN)), run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", wrong)
    assert (match.exit_code, mismatch.exit_code) == (0, 1)
    assert "MATCH  all 4 samples agree" in match.stdout
    assert "MISMATCH  dense: 1 of 4 samples beyond what rounding explains" in mismatch.stdout
    assert match.stderr == mismatch.stderr == ""


def test_the_default_is_what_rounding_explains(slightly_wrong: Path) -> None:
    """A deviation that a fixed tolerance would let pass."""
    command = (model(ORIGIN), "-i", inputs(ORIGIN), "-e", slightly_wrong, "--no-diagnose", "--json", "-")
    result = run(*command)
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["tolerance"] == {"sigmas": 8.0, "atol": None, "rtol": None, "decimals": None, "digits": None}
    assert report["outputs"][0]["samples_beyond"] == 1
    assert 8 < report["outputs"][0]["max_sigmas"] < 1000
    fixed = run(*command, "--atol", "1e-5", "--rtol", "1e-4")
    assert fixed.exit_code == 0
    assert json.loads(fixed.stdout)["tolerance"] == {
        "sigmas": None,
        "atol": 1e-5,
        "rtol": 1e-4,
        "decimals": None,
        "digits": None,
    }


def test_sigmas(slightly_wrong: Path) -> None:
    """Just above and just below what a report says, of a match and of a mismatch."""
    for expected in (recorded(ORIGIN), slightly_wrong):
        command = (model(ORIGIN), "-i", inputs(ORIGIN), "-e", expected, "--no-diagnose", "--json", "-")
        most = json.loads(run(*command).stdout)["outputs"][0]["max_sigmas"]
        above, below = run(*command, "--sigmas", 1.001 * most), run(*command, "--sigmas", 0.999 * most)
        assert (above.exit_code, below.exit_code) == (0, 1)
        assert json.loads(above.stdout)["tolerance"]["sigmas"] == 1.001 * most


@pytest.mark.parametrize("option", ["--atol", "--rtol"])
def test_a_tolerance_takes_the_place_of_rounding(option: str, slightly_wrong: Path) -> None:
    command = (model(ORIGIN), "-i", inputs(ORIGIN), "-e", slightly_wrong, "--no-diagnose", "--sigmas", "1e9")
    assert run(*command).exit_code == 3  # which would let anything pass
    assert run(*command, option, "1e-8").exit_code == 1
    assert run(*command, option, "1e-2").exit_code == 0


def test_the_diagnosis_names_what_the_runtime_does() -> None:
    """Keras 3 computes another hard_sigmoid than the Keras 2 that wrote the file."""
    command = (model("hard_sigmoid", "keras2.h5"), "-i", inputs("hard_sigmoid"), "-e", recorded("hard_sigmoid"))
    result = run(*command)
    assert result.exit_code == 1
    said = "behaves as if `lstm` had recurrent_activation = hard_sigmoid(slope=0.166667); the file says hard_sigmoid("
    assert said in result.stdout.split("MISMATCH")[1]
    diagnosis = json.loads(run(*command, "--json", "-").stdout)["diagnosis"]
    assert diagnosis["status"] == "explained"
    assert [(fault["fault"], fault["layer"]) for fault in diagnosis["faults"]] == [("recurrent_activation", "lstm")]
    without = run(*command, "--no-diagnose", "--json", "-")
    assert (without.exit_code, json.loads(without.stdout)["diagnosis"]) == (1, None)
    assert "behaves as if" not in run(*command, "--no-diagnose").stdout


def test_blind_spots_of_a_match() -> None:
    """No value of this model comes near a clip, so nothing could have shown one."""
    result = run(*arguments(ORIGIN))
    last = result.stdout.splitlines()[-1]
    assert result.exit_code == 0
    assert last.startswith("blind spots: this input could not have shown: ")
    assert "clip" in last
    listed = run(*arguments(ORIGIN), "--verbose").stdout
    assert "(-v lists them)" in last
    assert "(-v lists them)" not in listed
    assert "  `lstm`: clip, cell_clip = " in listed
    spots = json.loads(run(*arguments(ORIGIN), "--json", "-").stdout)["blind_spots"]
    assert ("clip", "lstm") in {(spot["fault"], spot["layer"]) for spot in spots}
    assert all(spot["effect_sigmas"] <= 8 for spot in spots)
    without = run(*arguments(ORIGIN), "--no-blind-spots", "--json", "-")
    assert (without.exit_code, json.loads(without.stdout)["blind_spots"]) == (0, None)
    assert "blind spots" not in run(*arguments(ORIGIN), "--no-blind-spots").stdout


def test_one_step_does_not_show_the_recurrent_kernel(tmp_path: Path) -> None:
    """From a state of zeros the first step never uses it, and padding hides the rest; a second step uses it."""
    found = {}
    for steps in (1, 2):
        tokens = np.zeros((6, 7), np.int32)
        tokens[:, :steps] = np.random.default_rng(1).integers(1, 11, (6, steps))
        np.save(tmp_path / "x.npy", tokens)
        np.savez(tmp_path / "y.npz", **replay(load(model("bidirectional_masked")), tokens))
        command = (model("bidirectional_masked"), "-i", tmp_path / "x.npy", "-e", tmp_path / "y.npz", "--json", "-")
        report = json.loads(run(*command).stdout)
        assert report["verdict"] == "match"
        found[steps] = {spot["fault"] for spot in report["blind_spots"]}
    assert "recurrent_kernel_transposed" in found[1]
    assert "recurrent_kernel_transposed" not in found[2]


def test_fail_on_blind_spots(wrong: Path) -> None:
    result = run(*arguments(ORIGIN), "--fail-on-blind-spots", "--json", "-")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["exit_code"], report["verdict"]) == (1, 1, "match")
    assert "could not have shown" in report["reason"]
    text = run(*arguments(ORIGIN), "--fail-on-blind-spots").stdout
    assert text.splitlines()[-1].endswith("treated as a failure")
    mismatch = run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", wrong, "--fail-on-blind-spots", "--no-diagnose")
    assert mismatch.exit_code == 1
    assert "blind spots" not in mismatch.stdout
    forced = run(*arguments(ORIGIN), "--no-blind-spots", "--fail-on-blind-spots")
    assert forced.exit_code == 1  # asking for a failure asks for what it depends on


def test_exit_code_of_an_inconclusive_verdict(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((4, 3, 2), np.nan))
    np.save(tmp_path / "y.npy", np.full((4, 2), np.nan))
    result = run(model(ORIGIN), "-i", tmp_path / "x.npy", "-e", tmp_path / "y.npy")
    assert result.exit_code == 3
    assert "INCONCLUSIVE  dense: 8 values are NaN or infinite on both sides" in result.stdout


@pytest.mark.parametrize(
    ("tolerance", "code"),
    [
        (("--atol", "0.011", "--rtol", "0"), 0),
        (("--atol", "0.009", "--rtol", "0"), 1),
        (("--atol", "0", "--rtol", "0.018"), 0),  # the replayed value is 0.61
        (("--atol", "0", "--rtol", "0.015"), 1),
        (("--atol", "0.011"), 0),
        (("--atol", "0.009"), 1),  # nothing is added to what is given
        (("--rtol", "0.018"), 0),
        (("--rtol", "0.015"), 1),
        (("--atol", "0.005", "--rtol", "0.009"), 0),  # 0.0105 in all
        (("--atol", "0.005", "--rtol", "0.007"), 1),
    ],
)
def test_tolerances(tolerance: tuple[str, ...], code: int, wrong: Path) -> None:
    result = run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", wrong, *tolerance, "--no-diagnose", "--json", "-")
    assert result.exit_code == code
    given = dict(zip(tolerance[::2], map(float, tolerance[1::2]), strict=True))
    wanted = {"sigmas": None, "atol": given.get("--atol", 0.0), "rtol": given.get("--rtol", 0.0)}
    wanted["decimals"] = wanted["digits"] = None
    assert json.loads(result.stdout)["tolerance"] == wanted


def test_zero_tolerance_fails_on_rounding() -> None:
    assert run(*arguments(ORIGIN), "--atol", "0", "--rtol", "0").exit_code == 1


def test_the_tolerance_that_a_mismatch_suggests_passes(slightly_wrong: Path) -> None:
    command = (model(ORIGIN), "-i", inputs(ORIGIN), "-e", slightly_wrong)
    suggested = run(*command).stdout.split("so --atol ")[1].split(" would pass")[0]
    assert run(*command, "--atol", suggested).exit_code == 0
    assert run(*command, "--atol", 0.8 * float(suggested)).exit_code == 1


def test_no_tolerance_is_suggested_that_would_let_anything_pass(wrong: Path) -> None:
    assert "would pass" not in run(model(ORIGIN), "-i", inputs(ORIGIN), "-e", wrong).stdout


# --- random inputs


def replayed_at_random(tmp_path: Path, *options: object) -> np.ndarray:
    """What is replayed for random inputs; the recorded predictions are those of other inputs."""
    output = tmp_path / "replayed.npz"
    command = (model(ORIGIN), "--random", *options, "-e", recorded(ORIGIN), "--output", output, "--no-diagnose")
    assert run(*command).exit_code == 1
    with np.load(output) as archive:
        return archive["dense"]


def test_random_inputs_come_from_the_seed(tmp_path: Path) -> None:
    first, again, other = (replayed_at_random(tmp_path, 4, "--seed", seed) for seed in (1, 1, 2))
    assert first.shape == (4, 2)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_array_equal(replayed_at_random(tmp_path, 4), replayed_at_random(tmp_path, 4, "--seed", 0))


def test_random_samples_differ_and_are_as_many_as_asked_for(tmp_path: Path) -> None:
    outputs = replayed_at_random(tmp_path, 9)
    assert len(np.unique(outputs, axis=0)) == 9


# --- usage


@pytest.mark.parametrize(
    ("options", "mentioned"),
    [
        ((), "either --input or --random"),
        (("-i", "x.npy", "--random", "3"), "either --input or --random"),
        (("-i", "x.npy", "-e", "y.npy", "--runtime", "keras"), "--expected and --runtime exclude each other"),
        (
            ("-i", "x.npy", "--per-sample", "deviations.txt"),
            "deviations.txt: expected a name that ends in .csv or .npy",
        ),
        (("--random", "0"), "--random"),
        (("--random", "many"), "--random"),
        (("--random", "2", "--batch-size", "0"), "--batch-size"),
        (("--random", "2", "--timeout", "0"), "--timeout"),
        (("--random", "2", "--top", "-1"), "--top"),
        (("--random", "2", "--atol", "little"), "--atol"),
        (("--random", "2", "--sigmas", "few"), "--sigmas"),
        (("--random", "2", "--seed", "-1"), "--seed"),
        (("--random", "2", "--no-such-option"), "--no-such-option"),
        (("--random", "2", "surplus"), "surplus"),
    ],
)
def test_usage_errors(options: tuple[str, ...], mentioned: str) -> None:
    assert_usage_error(run(model(ORIGIN), *options), mentioned)


def test_an_unknown_runtime() -> None:
    result = run(model(ORIGIN), "--random", "2", "--runtime", "keros")
    assert_refused(result, "unknown runtime 'keros'; the known ones are keras, tf_keras")


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-0.1"])
def test_tolerances_that_would_pass_anything(tolerance: str) -> None:
    for option in ("--atol", "--rtol", "--sigmas"):
        assert_refused(run(*arguments(ORIGIN), f"{option}={tolerance}"), option.strip("-"))


@pytest.mark.parametrize("command", ["verify", "diagnose", "inspect", "extract"])
def test_a_command_without_its_model(command: str) -> None:
    assert_usage_error(run(command), "MODEL")


def test_extract_without_a_place_for_the_weights() -> None:
    assert_usage_error(run("extract", model(ORIGIN)), "--output")


@pytest.mark.parametrize(
    ("given", "mentioned"),
    [
        (("-i", "source={source}", "-i", "{target}"), "expected NAME=FILE"),
        (("-i", "source={source}", "-i", "source={target}"), "source is given twice"),
        (("-i", "source={source}", "-i", "={target}"), "expected NAME=FILE"),
        (
            ("-i", f"source={inputs('encoder_decoder')}", "-i", "target={target}"),
            "2 arrays (source, target), expected one for one name",
        ),
    ],
)
def test_usage_errors_of_named_inputs(given: tuple[str, ...], mentioned: str, x: dict[str, Path]) -> None:
    assert_usage_error(run(model("encoder_decoder"), *(item.format(**x) for item in given)), mentioned)


# --- extract


@pytest.mark.parametrize("kind", ["keras2.h5", "keras3.h5"])
def test_extract_gives_the_tensors_of_the_file(kind: str, tmp_path: Path) -> None:
    output = tmp_path / "weights.npz"
    result = run("extract", model("encoder_decoder", kind), "-o", output)
    assert result.exit_code == 0
    with np.load(output) as found, h5py.File(model("encoder_decoder", kind), "r") as file:
        assert result.stdout.splitlines() == [f"{name}  {found[name].shape}  float32" for name in found.files]
        weights = file["model_weights"]
        for name in found.files:
            layer, tensor = name.split("/")[0], name.split("/")[-1]
            path = next(
                str(p) for p in weights[layer].attrs["weight_names"] if tensor in str(p).split("/")[-1].split(":")
            )
            np.testing.assert_array_equal(found[name], weights[layer][path][()])
        assert len(found.files) == 8
