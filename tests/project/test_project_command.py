# SPDX-License-Identifier: Apache-2.0
"""``west utvm-project`` as a user calls it, up to what ``host`` builds and runs of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support import DIGITS, ROOT, US, Workspace, make_workspace

ARCHIVE = DIGITS / "digits.tar"
TWO_IO = ROOT / "tests" / "data" / "mlf" / "two_io.tar"
TEMPLATE = ROOT / "zephyr_template"
CONFS = {"prj_standalone.conf", "prj_shell.conf"}


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and "build" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def make_template(folder: Path) -> Path:
    """A user's own template, the least there can be, with things that are not to be copied."""
    for name in (".git/config", "src/__pycache__/x.pyc", ".hg/x", "build/x", "modules/old/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("unwanted")
    (folder / "CMakeLists.txt").write_text("# mine\n")
    (folder / "src" / "flash.sh").write_text("#!/bin/sh\n")
    (folder / "src" / "flash.sh").chmod(0o755)
    (folder / "src" / "build").mkdir()
    (folder / "src" / "build" / "kept.txt").write_text("only the top's build is a build\n")
    return folder


def test_it_copies_the_template_and_adds_the_models(project: Path) -> None:
    found = contents(project)
    record = json.loads(found.pop("project.json"))
    own = {name for name in found if not name.startswith("modules/")}
    assert own == {n for n in contents(TEMPLATE) if "__pycache__" not in n} - CONFS
    assert all(found[name] == (TEMPLATE / name).read_bytes() for name in own)
    assert (record["type"], record["board"]) == ("runner", "host")
    assert [model["name"] for model in record["models"]] == ["digits", "two"]
    metadata = json.loads(found["modules/digits/metadata.json"])["modules"]["digits"]
    assert record["models"][0]["digest"] == metadata["west_utvm"]["digest"]
    assert record["models"][0]["target"] == metadata["target"]
    assert metadata["west_utvm"]["board"] == "host"


def test_the_same_bytes_whatever_the_day_and_the_folder(project: Path, tmp_path: Path) -> None:
    other = make_workspace(tmp_path / "deep" / "er", [US])
    models = ("-m", f"digits={ARCHIVE}", "-m", f"two={TWO_IO}")
    other.ok("utvm-project", "elsewhere/name", *models, "-b", "host", env={"TZ": "Asia/Tokyo"})
    made = contents(other.topdir / "elsewhere" / "name")
    assert made == contents(project)
    here = (str(ROOT), str(Path.home()), str(tmp_path), str(project))
    for name, data in made.items():
        assert not any(machine.encode() in data for machine in here), name
        assert not re.search(rb"20[2-9]\d-[01]\d-[0-3]\d|/dev/tty[A-Z]+\d|\d\d:\d\d:\d\d", data), (
            name
        )


def test_it_runs_and_goes_on_working_when_edited(
    project_workspace: Workspace, tmp_path: Path
) -> None:
    ws = project_workspace
    out = tmp_path / "out.npz"
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz", "--atol", "6")
    assert "405 of 2000 elements differ" in ws.ok("utvm-run", "app", *args)
    ws.ok("utvm-run", ws.topdir / "app", "--model", "two", "-o", out)
    assert len(np.load(out).files) == 2
    main = ws.topdir / "app" / "src" / "main.c"
    text = main.read_text()
    try:
        main.write_text(f"#error edited\n{text}")
        done = ws.west("utvm-run", "app")
        assert done.returncode == 1 and "edited" in done.stdout + done.stderr
    finally:
        main.write_text(text)


def test_new_models_leave_everything_else_alone(workspace: Workspace) -> None:
    workspace.ok("utvm-project", "app", "-m", f"b={ARCHIVE}", "-b", "host")
    app = workspace.topdir / "app"
    edited = dict.fromkeys(("prj.conf", "src/main.c", "CMakeLists.txt", "notes.txt"), "mine\n")
    for name, text in edited.items():
        (app / name).write_text(text)
    (app / "PROTOCOL.md").unlink()
    before = contents(app)
    workspace.ok("utvm-project", "app", "-m", f"a={TWO_IO}", "-m", f"b={ARCHIVE}")
    after = contents(app)
    new = {name for name in after if name.startswith("modules/a/")}
    assert "modules/a/metadata.json" in new and after.keys() - new == before.keys()
    assert all(after[n] == before[n] for n in before if n != "project.json")
    record = json.loads(after["project.json"])
    assert [model["name"] for model in record["models"]] == ["b", "a"] and record["board"] == "host"
    assert not list(workspace.topdir.rglob(".*.????????"))


def test_a_module_edited_by_hand_is_not_replaced_nor_anything_else(workspace: Workspace) -> None:
    workspace.ok("utvm-project", "app", "-m", f"a={ARCHIVE}", "-m", f"b={ARCHIVE}")
    app = workspace.topdir / "app"
    with (app / "modules" / "b" / "src" / "b_lib1.c").open("a") as file:
        file.write("/* mine */\n")
    shutil.rmtree(app / "modules" / "a")
    before = contents(app)
    models = ("-m", f"a={ARCHIVE}", "-m", f"b={ARCHIVE}", "-m", f"c={ARCHIVE}")
    error = workspace.error("utvm-project", "app", *models)
    assert error.startswith(f"{app}/modules/b: was edited by hand (src/b_lib1.c)")
    assert contents(app) == before


def test_a_model_that_the_user_removes(workspace: Workspace) -> None:
    workspace.ok("utvm-project", "app", "-m", f"a={ARCHIVE}", "-m", f"b={ARCHIVE}")
    app = workspace.topdir / "app"
    shutil.rmtree(app / "modules" / "a")
    workspace.ok("utvm-run", "app", "-b", "host")
    workspace.ok("utvm-project", "app", "-m", f"c={ARCHIVE}")
    models = json.loads((app / "project.json").read_text())["models"]
    assert [model["name"] for model in models] == ["b", "c"]


def test_a_tflite_model_is_compiled_into_the_project(workspace: Workspace) -> None:
    pytest.importorskip("tvm")
    workspace.ok("utvm-project", "app", "-m", DIGITS / "digits.tflite", "-b", "host")
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz")
    assert "agrees, 0 of 2000 elements differ" in workspace.ok("utvm-run", "./app", *args)


def test_one_of_several_models_in_an_archive(workspace: Workspace) -> None:
    several = ROOT / "tests" / "data" / "mlf" / "two_modules.tar"
    with tarfile.open(several) as tar:
        member = tar.extractfile("./metadata.json")
        assert member is not None
        names = list(json.load(member)["modules"])
    workspace.ok("utvm-project", "app", "-m", f"{names[1]}={several}")
    assert (workspace.topdir / "app" / "modules" / names[1]).is_dir() and len(names) == 2
    error = workspace.error("utvm-project", "other", "-m", several)
    assert "holds 2 modules" in error and names[1] in error


def test_utvm_compile_replaces_a_model_of_a_project(workspace: Workspace) -> None:
    workspace.ok("utvm-project", "app", "-m", f"kws={ARCHIVE}")
    kws = workspace.topdir / "app" / "modules" / "kws"
    named = ROOT / "tests" / "data" / "mlf" / "digits_aot_c_pools.tar.gz"
    workspace.ok("utvm-compile", named, "-n", "kws", "-d", kws)
    workspace.ok("utvm-project", "app", "-m", f"two={TWO_IO}")
    record = json.loads((kws.parents[1] / "project.json").read_text())
    digest = json.loads((kws / "metadata.json").read_text())["modules"]["kws"]["west_utvm"][
        "digest"
    ]
    assert record["models"][0]["digest"] == digest


def test_a_model_that_is_compiled_already(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", ARCHIVE, "-n", "kws", "-b", "mps2/an385")
    workspace.ok("utvm-project", "one", "-m", "kws", "-b", "host")
    workspace.ok("utvm-project", "two", "-m", f"kws={ARCHIVE}", "-b", "host")
    assert contents(workspace.topdir / "one") == contents(workspace.topdir / "two")
    (workspace.modules / "kws" / "notes.txt").write_text("mine")
    error = workspace.error("utvm-project", "three", "-m", "kws")
    assert "was edited by hand (notes.txt)" in error
    assert not (workspace.topdir / "three").exists()


def test_standalone_prints_what_the_sample_gives(workspace: Workspace) -> None:
    args = ("-m", f"digits={ARCHIVE}", "-m", f"two={TWO_IO}", "-b", "host", "--type", "standalone")
    workspace.ok("utvm-project", "app", *args, "--input", f"digits={DIGITS / 'input.npz'}")
    app, build = workspace.topdir / "app", workspace.topdir / "out"
    subprocess.run(["cmake", "-GNinja", "-S", app / "host", "-B", build], check=True)
    subprocess.run(["cmake", "--build", build], check=True)
    said = subprocess.run([build / "utvm_runner"], capture_output=True, text=True, check=True)
    scores = "scores: int8[10] -120 -126 -126 -125 -126 -114 89 -126 ..., top-1 6 (89)"
    assert scores in said.stdout and said.stdout.endswith("done\n")
    assert "two: " in said.stdout and "StatefulPartitionedCall:1: int32[3] 0 0 0" in said.stdout
    assert "is of type standalone, which west utvm-run cannot" in workspace.error("utvm-run", "app")


def test_a_sample_is_replaced_unless_it_was_edited(workspace: Workspace, tmp_path: Path) -> None:
    model = ("utvm-project", "app", "-m", f"digits={ARCHIVE}")
    workspace.ok(*model, "--type", "standalone", "--input", DIGITS / "input.npz")
    source = workspace.topdir / "app" / "inputs" / "digits.c"
    first = source.read_text()
    np.savez(tmp_path / "in.npz", image=np.full((1, 8, 8, 1), 7, np.int8))
    workspace.ok(*model, "--input", tmp_path / "in.npz")
    assert "\t7, 7, 7," in source.read_text() != first
    source.write_text(first)
    assert "digits.c: was edited by hand" in workspace.error(*model, "--input", tmp_path / "in.npz")
    assert source.read_text() == first


def test_a_template_of_the_user_s_own(workspace: Workspace, tmp_path: Path) -> None:
    template = make_template(tmp_path / "mine")
    args = ("-m", f"kws={ARCHIVE}", "--template-project", template)
    workspace.ok("utvm-project", "app", *args)
    app = workspace.topdir / "app"
    own = {name for name in contents(app) if not name.startswith("modules/kws/")}
    assert own == {"CMakeLists.txt", "src/flash.sh", "project.json"}
    assert (app / "src" / "build" / "kept.txt").is_file()
    assert os.access(app / "src" / "flash.sh", os.X_OK)
    assert not (app / "modules" / "old").exists()
    error = workspace.error("utvm-project", "sh", *args, "--type", "shell")
    assert error == f"{template}: has no type 'shell', which takes a prj_shell.conf; " + (
        "choose another with --type"
    )


def test_the_template_is_identified_by_its_commit_or_its_content(
    workspace: Workspace, tmp_path: Path
) -> None:
    template = tmp_path / "repository" / "template"
    (template / "src").mkdir(parents=True)
    (template / "CMakeLists.txt").write_text("# mine\n")

    def git(*args: str) -> str:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        command = ["git", "-C", str(template.parent), *author, *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def identity(name: str) -> object:
        args = ("-m", f"kws={ARCHIVE}", "--template-project", template)
        workspace.ok("utvm-project", name, *args, env={"GIT_DIR": "/nonexistent"})
        return json.loads((workspace.topdir / name / "project.json").read_text())["template"]

    data = b"CMakeLists.txt\0" + b"7\0" + b"# mine\n"
    content = {"sha256": hashlib.sha256(data).hexdigest()}
    assert identity("outside_of_git") == content
    git("init", "-q")
    assert identity("untracked") == content
    git("add", ".")
    git("commit", "-q", "-m", "first")
    commit = {"git": git("rev-parse", "HEAD")}
    git("commit", "-q", "--allow-empty", "-m", "elsewhere")
    assert identity("committed") == commit
    (template / "CMakeLists.txt").write_text("# changed\n")
    changed = identity("changed")
    assert isinstance(changed, dict) and changed.keys() == {"sha256"} and changed != content


def _edit_record(text: str) -> Callable[[Path], None]:
    def edit(app: Path) -> None:
        (app / "project.json").write_text(text)

    return edit


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (_edit_record("{"), "exists and was not made by west utvm-project"),
        (_edit_record('{"west_utvm": 2}'), "written by another version"),
        (_edit_record('{"west_utvm": 1, "models": 3}'), "is no record of west utvm-project"),
        (lambda app: (app / "modules/kws/metadata.json").write_text("{}"), "has no record of"),
    ],
)
def test_damaged_projects_are_left_as_they_are(
    workspace: Workspace, damage: Callable[[Path], None], complaint: str
) -> None:
    workspace.ok("utvm-project", "app", "-m", f"kws={ARCHIVE}")
    damage(workspace.topdir / "app")
    before = contents(workspace.topdir / "app")
    assert complaint in workspace.error("utvm-project", "app", "-m", f"two={TWO_IO}")
    assert contents(workspace.topdir / "app") == before


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("-m", "nonesuch"), "nonesuch: is neither an archive nor a model compiled in this"),
        (("-m", "kws=nonesuch.tar"), "nonesuch.tar: no such file"),
        (("-m", f"int={ARCHIVE}"), "the model name 'int' is a C or C++ keyword"),
        (("-m", f"kws={DIGITS / 'input.npz'}"), "input.npz: "),
        (("-m", f"a={ARCHIVE}", "-m", f"A={ARCHIVE}"), "two models are called 'A' and 'a'"),
        (("-m", f"a={ARCHIVE}", "-b", "host", "--type", "shell"), "type shell needs Zephyr"),
        (("-m", f"a={ARCHIVE}", "-b", ""), "'' is no board"),
        (("-m", f"a={ARCHIVE}", "--input", "x.npz"), "--input is for the types standalone and"),
        (("-m", f"a={ARCHIVE}", "--template-project", "manifest"), "is no template, it has no"),
        (("-m", f"a={ARCHIVE}", "--template-project", "no"), "no: is no template, it has no"),
    ],
)
def test_requests_that_cannot_be_met_leave_nothing(
    workspace: Workspace, args: tuple[str, ...], complaint: str
) -> None:
    before = sorted(workspace.topdir.iterdir())
    assert complaint in workspace.error("utvm-project", "deep/app", *args)
    assert sorted(workspace.topdir.iterdir()) == before


@pytest.mark.parametrize(
    ("npz", "complaint"),
    [
        ("a=x.npz", "x.npz: no such file"),
        ("x.npz", "x.npz: belongs to one of several models; give --input NAME=NPZ"),
        ("c=x.npz", "x.npz: is for 'c', which no -m names"),
        (f"b={DIGITS / 'input.npz'}", "input.npz: has an array 'image' that the model has not"),
    ],
)
def test_samples_that_do_not_fit(workspace: Workspace, npz: str, complaint: str) -> None:
    models = ("-m", f"a={ARCHIVE}", "-m", f"b={TWO_IO}", "--type", "standalone")
    assert complaint in workspace.error("utvm-project", "app", *models, "--input", npz)
    assert not (workspace.topdir / "app").exists()


def test_folders_that_are_not_ours(workspace: Workspace) -> None:
    model = ("-m", f"kws={ARCHIVE}")
    (workspace.topdir / "precious").mkdir()
    (workspace.topdir / "precious" / "thesis.txt").write_text("unsaved")
    (workspace.topdir / "file").write_text("unsaved")
    for name in ("precious", "file"):
        assert "was not made by west utvm-project" in workspace.error("utvm-project", name, *model)
    assert contents(workspace.topdir / "precious") == {"thesis.txt": b"unsaved"}
    (workspace.topdir / "empty").mkdir()
    workspace.ok("utvm-project", "empty", *model)
    error = workspace.error("utvm-project", "empty", *model, "--type", "shell")
    assert "empty: is of type 'runner'; its prj.conf is yours to edit" in error
    error = workspace.error("utvm-project", "empty", *model, "--template-project", "x")
    assert "its template's files are never replaced" in error
    error = workspace.error("utvm-project", "empty", "-m", f"KWS={ARCHIVE}")
    assert "model 'KWS' would share CONFIG_UTVM_KWS with 'kws'" in error
    assert "no model 'no'; " in workspace.error("utvm-run", "empty", "--model", "no")
    assert "no board; give -b BOARD" in workspace.error("utvm-run", "empty")


def test_help_has_examples(workspace: Workspace) -> None:
    said = workspace.ok("utvm-project", "--help")
    assert "examples:\n" in said and "west utvm-project app -m" in said
