# SPDX-License-Identifier: Apache-2.0
"""A template project: which of its files are copied, and how it is identified."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.runner.build import TEMPLATE

TYPES = ("runner", "standalone", "shell")

__all__ = ["TEMPLATE", "TYPES", "copy_files", "identity", "of_type", "template_files"]

_PRJ_CONF = "prj.conf"
_NEVER_COPIED = frozenset(
    """
    .git .hg .svn .bzr CVS _darcs .jj .DS_Store Thumbs.db
    __pycache__ .pytest_cache .mypy_cache .ruff_cache .cache .tox .venv
    """.split()
)
# At the top: what belongs to one project and not to the next that is made of it.
_OF_ONE_PROJECT = frozenset({"build", "inputs", "modules", "project.json"})


def template_files(folder: Path) -> dict[str, Path]:
    """What a project gets of the template in ``folder``, by its POSIX name in both.

    Left out are version control and caches, and at the top ``build``, ``inputs``, ``modules`` and
    ``project.json``. UtvmError unless ``folder`` is an application.
    """
    if not (folder / "CMakeLists.txt").is_file():
        hint = "give the folder of a Zephyr application with --template-project"
        raise UtvmError("is no template, it has no CMakeLists.txt", where=folder, hint=hint)
    found = {path.relative_to(folder).as_posix(): path for path in _walk(folder, _OF_ONE_PROJECT)}
    return dict(sorted(found.items()))


def of_type(files: Mapping[str, Path], kind: str, folder: Path) -> dict[str, Path]:
    """The files of a project of type ``kind``: its ``prj_<type>.conf`` becomes ``prj.conf``."""
    chosen = {name: path for name, path in files.items() if name not in map(_conf_name, TYPES)}
    if kind != TYPES[0]:
        if _conf_name(kind) not in files:
            what = f"has no type '{kind}', which takes a {_conf_name(kind)}"
            raise UtvmError(what, where=folder, hint="choose another with --type")
        chosen[_PRJ_CONF] = files[_conf_name(kind)]
    return dict(sorted(chosen.items()))


def copy_files(files: Mapping[str, Path], folder: Path) -> None:
    """Copy contents and permissions, but no times. Raises OSError."""
    for name, source in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
        target.chmod(target.stat().st_mode | 0o200)


def identity(folder: Path, files: Mapping[str, Path]) -> dict[str, str]:
    """``{"git": sha1}`` of the last commit to the template, where that is what it holds; else
    ``{"sha256": digest}`` of names and contents of its ``files``."""
    commit = _last_commit(folder, files)
    return {"git": commit} if commit else {"sha256": _content_hash(files)}


def _conf_name(kind: str) -> str:
    return f"prj_{kind}.conf"


def _walk(folder: Path, left_out: Iterable[str] = ()) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _NEVER_COPIED or path.name in left_out or path.suffix == ".pyc":
            continue
        if path.is_dir():
            if path.is_symlink():
                hint = "put the folder itself there"
                raise UtvmError("is a link to a folder in a template", where=path, hint=hint)
            yield from _walk(path)
        elif path.is_file():
            yield path
        else:
            raise UtvmError("is no file that a template can have", where=path)


def _last_commit(folder: Path, files: Mapping[str, Path]) -> str | None:
    tracked = set((_git(folder, "ls-files", "-z", "--", ".") or "").split("\0"))
    # None: git failed, as it does outside of a checkout.
    if not files.keys() <= tracked or _git(folder, "status", "--porcelain", "--", ".") != "":
        return None
    commit = (_git(folder, "log", "-1", "--format=%H", "--", ".") or "").strip()
    return commit or None


def _git(folder: Path, *args: str) -> str | None:
    # Variables such as GIT_DIR, set where git runs a hook, would lead to another repository.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(folder), *args]
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return None
    return None if done.returncode else done.stdout.decode("utf-8", "surrogateescape")


def _content_hash(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in files.items():
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        digest.update(data)
    return digest.hexdigest()
