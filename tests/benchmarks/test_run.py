# SPDX-License-Identifier: Apache-2.0
"""The sample's model measured on an emulated Cortex-M4, and a run whose outputs are wrong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cli import main
from benchmarks.machines import machines
from benchmarks.matrix import Wanted, run_matrix
from benchmarks.measure import Case, empty_rig, measure
from benchmarks.models import compile_for, expected
from west_utvm.errors import UtvmError

SAMPLE = Path(__file__).parents[2] / "samples" / "digits" / "digits.tflite"


@pytest.fixture(autouse=True)
def _tools() -> None:
    for program in ("qemu-system-arm", "arm-none-eabi-gcc", "gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def test_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same figures twice; with a trace that counts the same as the clock."""
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    common = ["--models", str(SAMPLE), "--cpus", "m4", "--opt", "-O2"]
    assert main([*common, "--layers", "--cycles", "--json", str(files[0])]) == 0
    assert main([*common, "--layers", "--cycles", "--json", str(files[1])]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    [record] = json.loads(files[0].read_text())["records"]
    by_layers = sum(layer["instructions"] for layer in record["layers"])
    assert by_layers == pytest.approx(record["instructions"], rel=0.1)
    assert record["instructions"] < record["cycles"] < 3 * record["instructions"]
    assert record["loops"][0]["instructions"] < record["instructions"]
    assert record["flash"] > 0
    assert record["stack"] >= 8
    assert "digits on cortex-m4" in capsys.readouterr().out


def test_inputs_and_outputs_in_the_workspace() -> None:
    wanted = Wanted(models=[str(SAMPLE)], cpus=["m4"], opts=["-O2"])
    [apart] = run_matrix(wanted).records
    [within] = run_matrix(replace(wanted, io_in_workspace=True)).records
    assert apart.io > 0
    assert within.io == 0
    assert within.arena <= apart.arena
    assert within.ram - within.stack <= apart.ram - apart.stack


def test_wrong_outputs_fail(tmp_path: Path) -> None:
    [machine] = machines(["m4"])
    compiled = compile_for(SAMPLE, machine, "balanced")
    right = expected(SAMPLE, compiled)
    wrong = replace(right, outputs=(bytes([right.outputs[0][0] ^ 1]) + right.outputs[0][1:],))
    case = Case("digits", compiled, wrong, machine, "-O2", "balanced", layers=False, cycles=False)
    with pytest.raises(UtvmError, match="differs from what"):
        measure(case, empty_rig(machine, "-O2", tmp_path / "empty"), tmp_path / "digits")


def test_a_model_that_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(SAMPLE.read_bytes()[:200])
    found = run_matrix(Wanted(models=[str(broken)], cpus=["m4"], opts=["-O2"]))
    assert found.records == []
    assert len(found.failures) == 1


def test_unknown_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cpus", "m5", "--models", str(SAMPLE)]) == 1
    assert "m5: is no CPU of the benchmarks" in capsys.readouterr().err
