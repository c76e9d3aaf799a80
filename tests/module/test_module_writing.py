# SPDX-License-Identifier: Apache-2.0
"""A module's folder: whole or not at all, the same bytes every time, never another's."""

from __future__ import annotations

import errno
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.archives import (
    DIGITS,
    LIB1,
    ROOT,
    archive,
    as_version,
    document_of,
    edited,
    entry_of,
    pack,
    refusal,
    unpack,
    with_document,
    with_types,
)
from west_utvm.errors import UtvmError
from west_utvm.module import load_model, module_files, read_module, write_module

MODEL = load_model(archive("digits"))
OTHER = load_model(archive("two_io"))
FILES = module_files(MODEL, "kws", None)

Tree = dict[str, tuple[bytes, int, int]]


def tree(folder: Path) -> Tree:
    """Every file and link below ``folder``: what it holds, its inode and its time."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {
        path.relative_to(folder).as_posix(): (
            bytes(path.readlink()) if path.is_symlink() else path.read_bytes(),
            path.lstat().st_ino,
            path.lstat().st_mtime_ns,
        )
        for path in paths
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {name: data for name, (data, _, _) in tree(folder).items()}


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written(tmp_path: Path) -> None:
    written = write_module(MODEL, "kws", tmp_path / "a" / "kws", board="mps2/an521/cpu0")
    module = written.module
    assert written.changed
    assert contents(tmp_path / "a" / "kws") == module_files(MODEL, "kws", "mps2/an521/cpu0")
    assert entries(tmp_path / "a") == ["kws"]
    assert module == read_module(tmp_path / "a" / "kws")
    assert (module.name, module.board, module.workspace_size) == ("kws", "mps2/an521/cpu0", 7712)
    assert module.inputs == tuple(port.tensor for port in MODEL.inputs)
    assert module.outputs == tuple(port.tensor for port in MODEL.outputs)
    assert module.edited_files() == []
    descriptor = (tmp_path / "a" / "kws" / "src" / "kws_model.c").read_text()
    digest = re.findall(r"0x([0-9a-f]{2}),", descriptor)
    assert bytes.fromhex("".join(digest)) == module.digest


def test_build_files_name_what_there_is() -> None:
    names = set(
        re.findall(r"\$\{CMAKE_CURRENT_LIST_DIR\}/(\S+\.c)", FILES["CMakeLists.txt"].decode())
    )
    assert names == {name for name in FILES if name.endswith(".c")}
    assert FILES["zephyr/module.yml"].decode().splitlines()[1] == "name: utvm_kws"
    assert b"\nconfig UTVM_KWS\n" in FILES["Kconfig"]
    assert b"7712 bytes" in FILES["Kconfig"]


def test_math_library_only_where_it_is_used() -> None:
    """The digits end in a softmax; two_io only multiplies and adds."""
    other = module_files(OTHER, "kws", None)
    for files, used in ((FILES, True), (other, False)):
        assert ("src/tvmgen_kws_errno.c" in files) is used
        assert (b"zephyr_link_libraries(m " in files["CMakeLists.txt"]) is used


def test_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    """Also of an archive that was exported at another time and packed in another order."""
    files = dict(reversed(unpack(archive("digits")).items()))
    files = with_document(
        files, lambda d: entry_of(d).update(export_datetime="2026-11-23 13:30:14Z")
    )
    folders = []
    for name, path in [
        ("a", archive("digits")),
        ("b/c", pack(files, tmp_path / "x.tar", prefix="")),
    ]:
        folders.append(tmp_path / name / "kws")
        write_module(load_model(path), "kws", folders[-1], board=None)
    assert contents(folders[0]) == contents(folders[1]) == FILES


@pytest.mark.parametrize(
    "env", [{"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C"}]
)
def test_same_bytes_in_another_environment(env: dict[str, str], tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from west_utvm.module import *; "
        "write_module(load_model(Path(sys.argv[1])), 'kws', Path('kws'), board=None)"
    )
    env = {**env, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", script, str(archive("digits"))]
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    assert contents(tmp_path / "kws") == FILES


def test_nothing_of_this_machine_or_day(tmp_path: Path) -> None:
    write_module(MODEL, "kws", tmp_path / "kws", board=None)
    traces = [str(tmp_path), str(DIGITS), str(Path.home()), tempfile.gettempdir() + "/"]
    traces += [time.strftime("%Y-%m-%d"), "export_datetime", "1970-", "/home/", "/usr/", "C:\\"]
    for name, data in contents(tmp_path / "kws").items():
        assert [trace for trace in traces if trace.encode() in data] == [], name


def test_board_is_not_part_of_the_digest(tmp_path: Path) -> None:
    modules = [write_module(MODEL, "kws", tmp_path / "kws", board=b).module for b in (None, "host")]
    assert modules[0].digest == modules[1].digest
    assert [module.board for module in modules] == [None, "host"]


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "kws"
    write_module(MODEL, "kws", folder, board=None)
    before = tree(folder)
    assert not write_module(MODEL, "kws", folder, board=None).changed
    assert not write_module(MODEL, "kws", folder, board=None, force=True).changed
    assert tree(folder) == before


def test_new_version_of_a_model_replaces_the_old(tmp_path: Path) -> None:
    files = edited(unpack(archive("digits")), LIB1, "return 0;", "return  0;")
    newer = load_model(pack(files, tmp_path / "newer.tar"))
    write_module(MODEL, "kws", tmp_path / "m" / "kws", board=None)
    old = read_module(tmp_path / "m" / "kws").digest
    assert write_module(newer, "kws", tmp_path / "m" / "kws", board=None).changed
    assert read_module(tmp_path / "m" / "kws").digest != old
    assert contents(tmp_path / "m" / "kws") == module_files(newer, "kws", None)
    assert entries(tmp_path / "m") == ["kws"]


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "kws").mkdir()
    write_module(MODEL, "kws", tmp_path / "kws", board=None)
    assert contents(tmp_path) == {f"kws/{name}": data for name, data in FILES.items()}


def append(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes() + b"\n")

    return change


def link(folder: Path) -> None:
    (folder / "Kconfig").rename(folder.parent / "Kconfig")
    (folder / "Kconfig").symlink_to("../Kconfig")


EDITS: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (append("src/kws_lib0.c"), "was edited by hand (src/kws_lib0.c)"),
    "header changed": (append("include/tvmgen_kws.h"), "was edited by hand (include/tvmgen_kws.h)"),
    "added": (lambda folder: (folder / "notes").touch(), "was edited by hand (notes)"),
    "link added": (lambda f: (f / "x").symlink_to("nowhere"), "was edited by hand (x)"),
    "deleted": (lambda f: (f / "Kconfig").unlink(), "was edited by hand (Kconfig)"),
    "made a link": (link, "was edited by hand (Kconfig)"),
}


@pytest.mark.parametrize("case", EDITS)
def test_edited_by_hand(case: str, tmp_path: Path) -> None:
    edit, reason = EDITS[case]
    folder = tmp_path / "kws"
    write_module(MODEL, "kws", folder, board=None)
    edit(folder)
    before = tree(tmp_path)
    assert read_module(folder).edited_files()
    assert refusal(write_module, MODEL, "kws", folder, board=None) == (
        f"{folder}: {reason}; save your changes elsewhere, then give --force to lose them here"
    )
    assert tree(tmp_path) == before
    assert write_module(MODEL, "kws", folder, board=None, force=True).changed
    assert contents(folder) == FILES


@pytest.mark.parametrize(("model", "name"), [(OTHER, "kws"), (MODEL, "other")])
def test_another_model(model: object, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "kws"
    write_module(MODEL, "kws", folder, board=None)
    before = tree(tmp_path)
    line = refusal(write_module, model, name, folder, board=None)
    assert line.startswith(f"{folder}: holds another model, 'kws' with other inputs or outputs; ")
    assert tree(tmp_path) == before


def file_only(folder: Path) -> None:
    (folder / "main.c").touch()


def archive_unpacked(folder: Path) -> None:
    (folder / "metadata.json").write_bytes(unpack(archive("digits"))["metadata.json"])


def record(text: str) -> Callable[[Path], None]:
    return lambda folder: append_text(folder / "metadata.json", text)


def append_text(path: Path, text: str) -> None:
    path.write_text(text)


NOT_OURS: dict[str, Callable[[Path], object]] = {
    "a file": file_only,
    "a hidden file": lambda folder: (folder / ".git").touch(),
    "an archive": archive_unpacked,
    "no JSON": record("{"),
    "a list": record("[]"),
    "no record": record('{"west_utvm": {}}'),
    "another format": record('{"west_utvm": {"format": 2}}'),
    "a record of wrong types": record('{"west_utvm": {"format": 1, "name": 1, "inputs": 1e999}}'),
    "nested": record("[" * 100_000),
}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("case", NOT_OURS)
def test_folder_of_another(case: str, force: bool, tmp_path: Path) -> None:
    folder = tmp_path / "kws"
    folder.mkdir()
    NOT_OURS[case](folder)
    before = tree(tmp_path)
    refusal(read_module, folder)
    assert refusal(write_module, MODEL, "kws", folder, board=None, force=force) == (
        f"{folder}: exists and was not written by west utvm-compile; give another folder with -d"
    )
    assert tree(tmp_path) == before


def test_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "kws").symlink_to("elsewhere")
    for board in (None, "host"):
        write_module(MODEL, "kws", tmp_path / "kws", board=board)
    assert (tmp_path / "kws").readlink() == Path("elsewhere")
    assert contents(tmp_path / "elsewhere") == module_files(MODEL, "kws", "host")
    assert entries(tmp_path) == ["elsewhere", "kws"]


@contextmanager
def no_space(folder: Path) -> Iterator[None]:
    """No file may grow beyond 3 kB: some are written, then one is not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def not_writable(folder: Path) -> Iterator[None]:
    """Root may write everywhere: then the first step of writing is refused instead."""
    existing = next(parent for parent in folder.parents if parent.exists())
    refusal = PermissionError(errno.EACCES, "Permission denied")
    existing.chmod(0o555)
    try:
        with pytest.MonkeyPatch.context() as patch:
            if os.geteuid() == 0:
                patch.setattr(tempfile, "mkdtemp", Mock(side_effect=refusal))
            yield
    finally:
        existing.chmod(0o755)


IO_ERROR = OSError(errno.EIO, "Input/output error")


@contextmanager
def rename_fails(folder: Path, error: BaseException = IO_ERROR) -> Iterator[None]:
    """The old folder is out of the way already when the new one cannot take its place."""
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise error
        return rename(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        yield


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary folder that any user may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


Failure = Callable[[Path], AbstractContextManager[None]]
FAILURES: list[tuple[Failure, str]] = [
    (no_space, "File too large"),
    (not_writable, "Permission denied"),
    (rename_fails, "Input/output error"),
]


@pytest.mark.parametrize("there", [True, False], ids=["replaces", "new"])
@pytest.mark.parametrize(("failure", "reason"), FAILURES, ids=["space", "permission", "rename"])
def test_failure_leaves_nothing_behind(
    failure: Failure, reason: str, there: bool, open_path: Path
) -> None:
    folder = open_path / "modules" / "utvm" / "kws"
    if there:
        write_module(MODEL, "kws", folder, board=None)
    before = tree(open_path)
    with failure(folder):
        line = refusal(write_module, MODEL, "kws", folder, board="host")
    assert line == f"{folder}: cannot be written ({reason}); give another folder with -d"
    assert tree(open_path) == before
    assert entries(open_path) == (["modules"] if there else [])
    assert write_module(MODEL, "kws", folder, board="host").changed


def test_interruption_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "kws"
    write_module(MODEL, "kws", folder, board=None)
    before = tree(tmp_path)
    for target in (folder, tmp_path / "a" / "b" / "kws"):
        with rename_fails(target, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            write_module(MODEL, "kws", target, board="host")
    assert tree(tmp_path) == before
    assert entries(tmp_path) == ["kws"]


@pytest.mark.parametrize("parts", [("file",), ("file", "kws")])
def test_file_in_the_way(parts: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    folder = tmp_path.joinpath(*parts)
    line = refusal(write_module, MODEL, "kws", folder, board=None, force=True)
    assert line.startswith(f"{folder}: cannot be written (")
    assert contents(tmp_path) == {"file": b"mine"}


def test_two_sources_of_one_name(tmp_path: Path) -> None:
    files = unpack(archive("digits"))
    for name in ("kws_lib0.c", "default_model.c", "workspace.c"):
        path = pack({**files, f"codegen/host/src/{name}": b"int x;"}, tmp_path / "model.tar")
        line = refusal(write_module, load_model(path), "kws", tmp_path / "kws", board=None)
        assert f"{name}: would become src/kws_" in line and "which there is already" in line
        assert not (tmp_path / "kws").exists()


def test_metadata_is_kept_but_for_what_is_true_no_more() -> None:
    theirs = entry_of(document_of(unpack(archive("digits"))))
    ours = document_of({"metadata.json": FILES["metadata.json"]})
    assert list(ours["modules"]) == ["kws"] and ours["version"] == 7
    entry = entry_of(ours)
    assert theirs.keys() - entry.keys() == {"export_datetime", "external_dependencies"}
    assert entry.keys() - theirs.keys() == {"west_utvm"}
    assert entry["memory"]["functions"]["main"] == theirs["memory"]["functions"]["main"]
    functions = entry["memory"]["functions"]["operator_functions"]
    assert all(item["function_name"].startswith("tvmgen_kws_") for item in functions)


@pytest.mark.parametrize("version", [5, 6, 7])
def test_module_of_an_older_archive(version: int, tmp_path: Path) -> None:
    """Its metadata keeps the form of its version, and is read back all the same."""
    files = with_types(unpack(archive("digits")), "Tensor[(1, 10), int8]")
    model = load_model(pack(as_version(files, version), tmp_path / "model.tar"))
    module = write_module(model, "kws", tmp_path / "kws", board=None).module
    document = document_of(contents(tmp_path / "kws"))
    assert document["version"] == version
    assert ("modules" in document) is (version == 7)
    assert [tensor.shape for tensor in module.inputs + module.outputs] == [(1, 8, 8, 1), (1, 10)]
    for name in ("src/kws_lib0.c", "src/kws_lib1.c", "Kconfig", "CMakeLists.txt"):
        assert (tmp_path / "kws" / name).read_bytes() == FILES[name]


def test_damaged_archives_write_a_module_or_nothing(tmp_path: Path) -> None:
    """Bits flipped in what is parsed: an error of ours, or a module with files as they should."""
    chance = random.Random(22)
    files = unpack(archive("digits"))
    names = [name for name in files if name.endswith((".json", ".h", ".c"))]
    path = tmp_path / "model.tar"
    written = 0
    for _ in range(150):
        name = chance.choice(names)
        data = bytearray(files[name][:20_000])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        pack({**files, name: bytes(data) + files[name][20_000:]}, path)
        try:
            module = module_files(load_model(path), "kws", None)
        except UtvmError as error:
            assert str(error).isprintable()
        else:
            written += 1
            assert module.keys() == FILES.keys()
    assert 10 < written < 150
