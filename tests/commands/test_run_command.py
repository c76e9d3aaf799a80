# SPDX-License-Identifier: Apache-2.0
"""``west utvm-run`` on the board ``host``: the same runner and protocol as on a real board."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.support import DIGITS, ROOT, Workspace
from west_utvm.runner.tensors import save_npz

ARCHIVES = ROOT / "tests" / "data" / "mlf"


@pytest.fixture
def ws(host_workspace: Workspace) -> Workspace:
    return host_workspace


def test_the_test_set_agrees_with_tflite_micro(ws: Workspace, tmp_path: Path) -> None:
    """TVM of 2023 rounds differently: at most 6 of 256 quanta, and no digit."""
    out = tmp_path / "out.npz"
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz")
    said = ws.ok("utvm-run", "digits", *args, "--atol", "6", "-o", out)
    assert "scores: agrees, 405 of 2000 elements differ, by 6 at most (allowed 6)" in said
    assert "same top-1 in 200 of 200" in said
    scores = np.load(out)["scores"]
    assert scores.shape == (200, 10) and scores.dtype == np.int8
    assert (scores.argmax(1) == np.load(DIGITS / "labels.npz")["labels"]).mean() == 0.995


def test_a_compiled_tflite_model_is_right_to_the_last_bit(ws: Workspace) -> None:
    pytest.importorskip("tvm")
    ws.ok("utvm-compile", DIGITS / "digits.tflite", "-n", "exact", "-b", "host")
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz")
    assert "scores: agrees, 0 of 2000 elements differ" in ws.ok("utvm-run", "exact", *args)


def test_inputs_and_outputs_in_the_workspace(ws: Workspace, tmp_path: Path) -> None:
    """By way of an archive too; every run needs its inputs anew, and gets them."""
    pytest.importorskip("tvm")
    tar = tmp_path / "pools.tar"
    ws.ok("utvm-compile", DIGITS / "digits.tflite", "--io-in-workspace", "-f", "mlf", "-o", tar)
    ws.ok("utvm-compile", tar, "-n", "pools", "-b", "host")
    model = (ws.modules / "pools" / "src" / "pools_model.c").read_text()
    assert "UTVM_WORKSPACE(pool_sram, " in model and "static uint8_t" not in model
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz", "--repeat", "2")
    assert "scores: agrees, 0 of 2000 elements differ" in ws.ok("utvm-run", "pools", *args)


def test_a_mismatch_fails(ws: Workspace) -> None:
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz")
    error = ws.error("utvm-run", "digits", *args, "--atol", "5")
    assert error == f"{DIGITS / 'expected.npz'}: outputs differ from what is expected"


def test_fill_mode_and_seed_decide_the_inputs(ws: Workspace, tmp_path: Path) -> None:
    def outputs(*args: str) -> bytes:
        ws.ok("utvm-run", "digits", "-o", tmp_path / "o.npz", *args)
        return (tmp_path / "o.npz").read_bytes()

    zeros = outputs("--fill-mode", "zeros")
    assert zeros == outputs("--fill-mode", "zeros", "--seed", "3")
    assert zeros != outputs("--fill-mode", "ones")
    assert outputs() == outputs("--fill-mode", "random", "--seed", "0")
    assert outputs("--seed", "1") != outputs("--seed", "2")


def test_print_top_and_repeat(ws: Workspace, tmp_path: Path) -> None:
    image = np.load(DIGITS / "input.npz")["image"][:1]
    np.savez(tmp_path / "one.npz", image=image)
    said = ws.ok(
        "utvm-run", "digits", "-i", tmp_path / "one.npz", "--print-top", "3", "--repeat", "7"
    )
    label = np.load(DIGITS / "labels.npz")["labels"][0]
    assert re.search(rf"^scores: {label}: \d+  \d: -?\d+  \d: -?\d+$", said, re.MULTILINE), said
    assert "min / median / max of 7 runs" in said


def test_pools_and_workspace_calls_give_the_same_outputs(ws: Workspace, tmp_path: Path) -> None:
    """The same model as tvmc writes it with an external pool, and with no static planner."""
    ws.ok("utvm-run", "digits", "-i", DIGITS / "input.npz", "-o", tmp_path / "expected.npz")
    for name in ("digits_aot_c_pools", "digits_aot_c_nousmp", "digits_named"):
        ws.ok("utvm-compile", ARCHIVES / f"{name}.tar.gz", "-n", name, "-b", "host")
        said = ws.ok(
            "utvm-run", name, "-i", DIGITS / "input.npz", "--verify", tmp_path / "expected.npz"
        )
        assert "scores: agrees, 0 of 2000 elements differ" in said


def test_several_tensors_with_odd_names(ws: Workspace, tmp_path: Path) -> None:
    ws.ok("utvm-compile", ARCHIVES / "two_io.tar", "-n", "odd", "-b", "host")
    said = ws.ok("utvm-run", "odd", "-o", tmp_path / "out.npz")
    outputs = np.load(tmp_path / "out.npz")
    assert len(outputs.files) == 2 and "time per inference" in said


def test_a_module_by_its_folder(ws: Workspace) -> None:
    assert "time per inference" in ws.ok("utvm-run", ws.modules / "digits")


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"picture": np.zeros((1, 8, 8, 1), np.int8)}, "an array 'picture' that the model has not"),
        ({"image": np.zeros((1, 8, 8, 1), np.float32)}, "is float32 and the model takes int8"),
        ({"image": np.zeros((1, 8, 9, 1), np.int8)}, "is 1x8x9x1 and the model takes 1x8x8x1"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_anything_is_built(
    ws: Workspace, arrays: dict[str, np.ndarray], complaint: str, tmp_path: Path
) -> None:
    save_npz(tmp_path / "in.npz", arrays)
    done = ws.west("utvm-run", "digits", "-i", str(tmp_path / "in.npz"))
    assert done.returncode == 1 and complaint in done.stderr
    assert "building" not in done.stdout


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("nonesuch",), "no model 'nonesuch'; compile it with west utvm-compile (here: "),
        (("./nonesuch",), "is not a module of west utvm-compile"),
        (("digits", "-b", "mps2/an385"), "no Zephyr in this workspace; add zephyr to the manifest"),
        (("digits", "-i", "nonesuch.npz"), "nonesuch.npz: no such file"),
        (("digits", "--verify", "nonesuch.npz"), "nonesuch.npz: no such file"),
        (("digits", "--max-flash", "many"), "'many' is not a budget"),
        (("digits", "--max-flash", "1K"), " of 1,024 bytes, "),
        (("digits", "--frobnicate"), "unknown argument --frobnicate; west utvm-run -h lists"),
    ],
)
def test_requests_that_cannot_be_met(ws: Workspace, args: tuple[str, ...], complaint: str) -> None:
    assert complaint in ws.error("utvm-run", *args)


def test_no_board(ws: Workspace) -> None:
    ws.ok("utvm-compile", DIGITS / "digits.tar", "-n", "boardless")
    assert "no board; give -b BOARD here or to utvm-compile" in ws.error("utvm-run", "boardless")


def test_a_budget_of_the_workspace_gates_before_running(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", DIGITS / "digits.tar", "-n", "digits", "-b", "host")
    workspace.ok("config", "utvm.max-ram", "2K")
    done = workspace.west("utvm-run", "digits")
    assert done.returncode == 1
    assert "RAM is over budget: " in done.stderr and "largest: model digits " in done.stderr
    assert "time per inference" not in done.stdout


def test_a_model_that_is_compiled_anew_shows_what_it_takes_now(workspace: Workspace) -> None:
    for expected in (False, True):
        said = workspace.ok("utvm-compile", DIGITS / "digits.tar", "-n", "d", "-b", "host")
        assert ("again for its sizes" in said and "Workspace" in said) is expected
        workspace.ok("utvm-run", "d")
