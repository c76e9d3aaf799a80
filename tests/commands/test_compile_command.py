# SPDX-License-Identifier: Apache-2.0
"""``west utvm-compile`` as a user calls it."""

from __future__ import annotations

import filecmp
import io
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.onnx_digits import write_samples
from tests.support import DIGITS, ROOT, Workspace

ARCHIVE = DIGITS / "digits.tar"
ARCHIVES = ROOT / "tests" / "data" / "mlf"


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_it_writes_a_self_contained_module(workspace: Workspace) -> None:
    said = workspace.ok("utvm-compile", ARCHIVE, "-n", "kws")
    assert files_in(workspace.modules / "kws") == [
        "CMakeLists.txt",
        "Kconfig",
        "abi/dlpack/dlpack.h",
        "abi/tvm/runtime/c_backend_api.h",
        "abi/tvm/runtime/c_runtime_api.h",
        "abi/utvm_workspace.h",
        "include/tvmgen_kws.h",
        "include/utvm/model.h",
        "metadata.json",
        "src/kws_lib0.c",
        "src/kws_lib1.c",
        "src/kws_model.c",
        "src/tvmgen_kws_errno.c",
        "zephyr/module.yml",
    ]
    assert "image: int8 1x8x8x1, 64 bytes" in said and "workspace 7712 bytes" in said


def test_the_archive_s_own_name_stays_without_n(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", ARCHIVE)
    header = (workspace.modules / "default" / "include" / "tvmgen_default.h").read_text()
    assert "tvmgen_default_run" in header


def test_one_of_several_modules(workspace: Workspace) -> None:
    said = workspace.ok("utvm-compile", ARCHIVES / "two_modules.tar", "--module", "Times_three")
    assert "use it by CONFIG_UTVM_TIMES_THREE=y and <tvmgen_times_three.h>" in said
    said = workspace.ok("utvm-run", "times_three", "-b", "host", "--fill-mode", "ones")
    assert "time per inference" in said


def test_folders_come_from_the_configuration_or_the_option(workspace: Workspace) -> None:
    workspace.ok("config", "utvm.modules-dir", "lib/models")
    workspace.ok("utvm-compile", ARCHIVE, "-n", "a")
    workspace.ok("utvm-compile", ARCHIVE, "-n", "b", "-d", workspace.topdir / "other")
    assert (workspace.topdir / "lib" / "models" / "a" / "Kconfig").is_file()
    assert (workspace.topdir / "other" / "include" / "tvmgen_b.h").is_file()


def test_output_is_the_same_whatever_the_day_and_the_folder(
    workspace: Workspace, tmp_path: Path
) -> None:
    shutil.copy(ARCHIVE, tmp_path / "renamed.tar")
    workspace.ok("utvm-compile", ARCHIVE, "-d", tmp_path / "one", "-b", "mps2/an385")
    workspace.ok(
        "utvm-compile", tmp_path / "renamed.tar", "-d", tmp_path / "two", "-b", "mps2/an385"
    )
    names = files_in(tmp_path / "one")
    assert names == files_in(tmp_path / "two")
    _, different, missing = filecmp.cmpfiles(
        tmp_path / "one", tmp_path / "two", names, shallow=False
    )
    assert not different and not missing
    for name in names:
        data = (tmp_path / "one" / name).read_bytes()
        assert str(tmp_path).encode() not in data and str(ROOT).encode() not in data
        assert b"export_datetime" not in data and b"1970-01" not in data


def test_a_second_model_of_the_archive_s_name_is_not_lost(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", ARCHIVE)
    error = workspace.error("utvm-compile", ARCHIVES / "two_io.tar")
    assert "holds another model, 'default' with other inputs or outputs" in error
    assert "give this one a name of its own with -n" in error
    workspace.ok("utvm-compile", ARCHIVES / "two_io.tar", "--force")


def test_names_that_differ_in_case_are_one_kconfig_symbol(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", ARCHIVE, "-n", "kws")
    error = workspace.error("utvm-compile", ARCHIVE, "-n", "KWS")
    assert "model 'KWS' would share CONFIG_UTVM_KWS with 'kws'" in error


def test_edits_by_hand_are_not_lost(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", ARCHIVE, "-n", "kws")
    edited = workspace.modules / "kws" / "src" / "kws_lib1.c"
    edited.write_text(edited.read_text() + "/* mine */\n")
    error = workspace.error("utvm-compile", ARCHIVE, "-n", "kws", "-b", "host")
    assert "was edited by hand (src/kws_lib1.c)" in error and "--force" in error
    assert "mine" in edited.read_text()
    workspace.ok("utvm-compile", ARCHIVE, "-n", "kws", "--force")
    assert "mine" not in edited.read_text()


def test_a_folder_of_somebody_else_is_left_alone_even_by_force(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("unsaved")
    error = workspace.error("utvm-compile", ARCHIVE, "-d", folder, "--force")
    assert "exists and was not written by west utvm-compile" in error
    assert files_in(folder) == ["thesis.txt"]


@pytest.mark.parametrize("name", ["int", 'a"b', "a;b", "$(x)", "a\nb", "3d", "", "x" * 60, "é"])
def test_names_that_are_no_identifiers(workspace: Workspace, name: str) -> None:
    error = workspace.error("utvm-compile", ARCHIVE, f"--name={name}")
    assert "the model name" in error and "give another with -n" in error
    assert not workspace.modules.exists()


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        ("digits_llvm.tar.gz", "holds object files for ARM, cortex-m4, soft-float ABI"),
        ("two_modules.tar", "holds 2 modules; choose one with --module: Times_three, plus_seven"),
        ("tiny_operator.tar", "operator-style"),
        ("no_such.tar", "no such file"),
    ],
)
def test_archives_that_are_not_supported_are_named_as_such(
    workspace: Workspace, archive: str, reason: str
) -> None:
    error = workspace.error("utvm-compile", ARCHIVES / archive)
    assert archive in error and reason in error
    assert not workspace.modules.exists()


def test_a_member_that_leaves_the_archive(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("../../evil.txt")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    error = workspace.error("utvm-compile", path)
    assert "../../evil.txt: name leaves the archive" in error
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_tflite_model_becomes_a_module(workspace: Workspace, tmp_path: Path) -> None:
    """Under the file's name, by today's TVM; the same by way of an archive."""
    pytest.importorskip("tvm")
    said = workspace.ok("utvm-compile", DIGITS / "digits.tflite")
    assert "MACs " in said and "image: int8 1x8x8x1, 64 bytes" in said
    assert "scores: int8 1x10, 10 bytes" in said
    tar = tmp_path / "digits.tar"
    workspace.ok("utvm-compile", DIGITS / "digits.tflite", "-f", "mlf", "-o", tar)
    workspace.ok("utvm-compile", tar, "-d", tmp_path / "again")
    for name in ("src/digits_lib0.c", "include/tvmgen_digits.h"):
        direct = (workspace.modules / "digits" / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == direct


@pytest.mark.parametrize(
    ("wanted", "level"), [((), "-O2"), (("speed",), "-O3"), (("size",), "")], ids=str
)
def test_optimize_decides_how_its_c_is_compiled(
    wanted: tuple[str, ...], level: str, workspace: Workspace, tmp_path: Path
) -> None:
    pytest.importorskip("tvm")
    options = [item for what in wanted for item in ("--optimize", what)]
    workspace.ok("utvm-compile", DIGITS / "digits.tflite", *options)
    text = (workspace.modules / "digits" / "CMakeLists.txt").read_text()
    assert (f"COMPILE_OPTIONS {level})" in text) if level else "COMPILE_OPTIONS" not in text
    workspace.ok("utvm-compile", DIGITS / "digits.tar", "-d", tmp_path / "old")
    assert "COMPILE_OPTIONS" not in (tmp_path / "old" / "CMakeLists.txt").read_text()


def test_an_onnx_model_becomes_a_module(workspace: Workspace, tmp_path: Path) -> None:
    """Inputs and outputs are as the model has them, float32 and NCHW; the scores are those of
    ONNX Runtime's integer kernels."""
    pytest.importorskip("tvm")
    said = workspace.ok("utvm-compile", DIGITS / "digits.onnx")
    assert "image: float32 1x1x8x8, 256 bytes" in said
    assert "scores: float32 1x10, 40 bytes" in said
    inputs, wanted = write_samples(tmp_path, 20)
    args = ("-i", inputs, "--verify", wanted)
    said = workspace.ok("utvm-run", "digits", "-b", "host", *args)
    assert "scores: agrees, 0 of 200 elements differ" in said


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("digits.tflite", "-f", "mlf"), "-f mlf and -o FILE go together"),
        (("digits.tflite", "--module", "x"), "is no archive: --module has no meaning"),
        (("digits.tar", "--rounding", "litert"), "--rounding has no meaning"),
        (("digits.tar", "--target", "c -mcpu=cortex-m4"), "--target has no meaning"),
        (("digits.tar", "--optimize", "size"), "--optimize has no meaning"),
        (("digits.tar", "-f", "mlf", "-o", "x.tar"), "-f mlf has no meaning"),
        (("digits.tar", "--io-in-workspace"), "--io-in-workspace has no meaning"),
        (("digits.tar", "--without", "overlap"), "--without has no meaning"),
        (("digits.tflite", "--without", "luck"), "there is no saving 'luck'"),
        (("digits.tflite", "--target", "llvm"), "target 'llvm': is no target for C"),
        (("digits.onnx", "--rounding", "tflm"), "for which --rounding has no meaning"),
    ],
)
def test_options_that_do_not_go_with_the_model(
    workspace: Workspace, args: tuple[str, ...], reason: str
) -> None:
    assert reason in workspace.error("utvm-compile", DIGITS / args[0], *args[1:])
    assert not workspace.modules.exists()


def test_help_has_examples(workspace: Workspace) -> None:
    for command in ("utvm-compile", "utvm-run", "utvm-size"):
        said = workspace.ok(command, "--help")
        assert "examples:\n" in said and f"west {command}" in said
