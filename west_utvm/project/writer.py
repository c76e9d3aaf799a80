# SPDX-License-Identifier: Apache-2.0
"""Making a project, and replacing what is generated in one: whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.module import read_module
from west_utvm.project.record import MODULES, RECORD, Project, is_project, read_project, record
from west_utvm.project.sample import FOLDER, first_sample, sample_source
from west_utvm.project.sources import Source
from west_utvm.project.template import (
    TEMPLATE,
    TYPES,
    copy_files,
    identity,
    of_type,
    template_files,
)
from west_utvm.workspace.boards import HOST
from west_utvm.workspace.modules_dir import module_names


@dataclass(frozen=True)
class Request:
    """What a project is to hold.

    ``samples`` are npz files by model; "" stands for the only one. ``board``, ``kind`` and
    ``template`` are None where the user leaves them to us.
    """

    sources: Sequence[Source]
    board: str | None = None
    kind: str | None = None
    template: Path | None = None
    samples: Mapping[str, Path] = field(default_factory=dict)


def write_project(folder: Path, request: Request) -> Project:
    """Make a project in ``folder``, or bring new models into the one that is there.

    Of an existing project only generated folders that nobody edited are replaced. UtvmError says
    what stands against it, and then nothing has changed.
    """
    _check_names(request.sources)
    try:
        if is_project(folder):
            return _update(read_project(folder), request)
        if folder.is_symlink() or (folder.exists() and not _is_empty(folder)):
            what = "exists and was not made by west utvm-project"
            raise UtvmError(what, where=folder, hint="give another folder")
        return _create(folder, request)
    except OSError as error:
        what = f"cannot be read or written ({error.strerror or error})"
        raise UtvmError(what, where=error.filename or folder) from None


def _create(folder: Path, request: Request) -> Project:
    template = (request.template or TEMPLATE).resolve()
    kind = request.kind or TYPES[0]
    _check_board(request.board, kind)
    if folder.resolve().is_relative_to(template):
        what = "lies inside its own template"
        raise UtvmError(what, where=folder, hint="give a folder elsewhere")
    files = template_files(template)
    project = Project(folder, request.board, kind, identity(template, files), (), {})
    with _staging(folder) as (_, new):
        copy_files(of_type(files, kind, template), new)
        with _named_as(new, folder):
            staged = _fill(replace(project, folder=new), request)
        (new / RECORD).write_bytes(record(staged))
        if folder.exists():
            folder.rmdir()
        new.rename(folder)
    return replace(staged, folder=folder)


def _update(project: Project, request: Request) -> Project:
    """New models beside the old: made in a folder apart, then swapped in one after the other."""
    _check_made_so(project, request)
    board = request.board or project.board
    _check_board(board, project.kind)
    with _staging(project.folder / RECORD) as (staging, new):
        names = _touched(project, request)
        for name in names:
            if (project.folder / name).is_dir():
                shutil.copytree(project.folder / name, new / name, symlinks=True)
            elif (project.folder / name).exists():
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(project.folder / name, new / name)
        with _named_as(new, project.folder):
            staged = _fill(replace(project, folder=new, board=board), request)
        staged = _complete(staged, project)
        (new / RECORD).write_bytes(record(staged))
        _swap(new, project.folder, staging / "old", [*names, RECORD])
    return replace(staged, folder=project.folder)


def _fill(project: Project, request: Request) -> Project:
    """Write modules and samples into ``project``."""
    for source in request.sources:
        _check_no_clash(source.name, project)
        source.write(project.modules / source.name, project.board)
    given = [source.name for source in request.sources]
    models = (*project.models, *(name for name in given if name not in project.models))
    samples = dict(project.samples)
    for name, npz in _samples_by_model(request, project.kind).items():
        samples[name] = _write_sample(project, name, npz)
    return replace(project, models=models, samples=samples)


def _write_sample(project: Project, name: str, npz: Path) -> str:
    """Write the C source of a sample; its SHA-256."""
    path = project.folder / FOLDER / f"{name}.c"
    if path.exists() and _sha256(path.read_bytes()) != project.samples.get(name):
        hint = "save your changes elsewhere and delete the file"
        raise UtvmError("was edited by hand", where=path, hint=hint)
    sample = first_sample(npz, read_module(project.modules / name))
    source = sample_source(name, sample).encode()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(source)
    return _sha256(source)


def _samples_by_model(request: Request, kind: str) -> dict[str, Path]:
    given = [source.name for source in request.sources]
    if request.samples and kind == TYPES[0]:
        raise UtvmError("--input is for the types standalone and shell", hint="give --type")
    chosen = {}
    for name, npz in request.samples.items():
        if not name and len(given) > 1:
            hint = f"give --input NAME=NPZ, where NAME is one of {', '.join(given)}"
            raise UtvmError("belongs to one of several models", where=npz, hint=hint)
        if name and name not in given:
            raise UtvmError(f"is for '{name}', which no -m names", where=npz)
        chosen[name or given[0]] = npz
    return chosen


def _touched(project: Project, request: Request) -> list[str]:
    """Paths in the project that are about to be replaced."""
    modules = [f"{MODULES}/{source.name}" for source in request.sources]
    samples = [f"{FOLDER}/{name}.c" for name in _samples_by_model(request, project.kind)]
    return [*modules, *samples]


def _complete(staged: Project, project: Project) -> Project:
    """``staged`` with the models that stay as they are, for the record, and without those that the
    user has removed."""
    for name in staged.models:
        metadata = project.modules / name / "metadata.json"
        if metadata.is_file() and not (staged.modules / name).exists():
            (staged.modules / name).mkdir(parents=True)
            shutil.copyfile(metadata, staged.modules / name / "metadata.json")
    models = tuple(name for name in staged.models if (staged.modules / name).exists())
    return replace(staged, models=models)


def _swap(new: Path, folder: Path, old: Path, names: Iterable[str]) -> None:
    """Put ``names`` of ``new`` into ``folder``; if one cannot be, all are as they were."""
    done: list[str] = []
    try:
        for name in names:
            done.append(name)
            for parent in (folder / name, old / name):
                parent.parent.mkdir(parents=True, exist_ok=True)
            if (folder / name).exists():
                (folder / name).rename(old / name)
            (new / name).rename(folder / name)
    except BaseException:
        for name in reversed(done):
            if (old / name).exists():
                _remove(folder / name)
                (old / name).rename(folder / name)
            elif not (new / name).exists():
                _remove(folder / name)
        raise


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def _staging(beside: Path) -> Iterator[tuple[Path, Path]]:
    """A temporary folder beside ``beside``, on the same file system, and a folder in it."""
    target = beside.resolve()
    missing = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        new = staging / "new"
        new.mkdir()
        yield staging, new
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()


@contextmanager
def _named_as(staged: Path, final: Path) -> Iterator[None]:
    """Messages name the folder that the user knows, not the temporary one."""
    try:
        yield
    except UtvmError as error:
        where = error.where and error.where.replace(str(staged), str(final))
        raise UtvmError(error.what, where=where, hint=error.hint) from None


def _check_names(sources: Sequence[Source]) -> None:
    if not sources:
        raise UtvmError("no model", hint="give one with -m")
    seen: dict[str, str] = {}
    for source in sources:
        if source.name.upper() in seen:
            what = f"two models are called '{source.name}' and '{seen[source.name.upper()]}'"
            raise UtvmError(what, hint="give each a name of its own: -m NAME=ARCHIVE")
        seen[source.name.upper()] = source.name


def _check_no_clash(name: str, project: Project) -> None:
    others = {*project.models, *module_names(project.modules)} - {name}
    for other in sorted(others):
        if other.upper() == name.upper():
            what = f"model '{name}' would share CONFIG_UTVM_{name.upper()} with '{other}'"
            raise UtvmError(what, where=project.folder, hint="give another: -m NAME=ARCHIVE")


def _check_made_so(project: Project, request: Request) -> None:
    """A template is copied once; from then on its files are the user's."""
    if request.kind not in (None, project.kind):
        what = f"is of type '{project.kind}'"
        hint = "its prj.conf is yours to edit, or make another project"
        raise UtvmError(what, where=project.folder, hint=hint)
    if request.template is not None:
        what = "exists, and its template's files are never replaced"
        raise UtvmError(what, where=project.folder, hint="leave out --template-project")


def _check_board(board: str | None, kind: str) -> None:
    if board is not None and (not board or not board.isprintable()):
        raise UtvmError(f"{board!r} is no board", hint="give a board target, or 'host'")
    if board == HOST and kind == "shell":
        hint = "give another board, or --type standalone"
        raise UtvmError("type shell needs Zephyr, which board host has not", hint=hint)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
