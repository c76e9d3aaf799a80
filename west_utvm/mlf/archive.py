# SPDX-License-Identifier: Apache-2.0
"""The files of a Model Library Format archive, read into memory and never unpacked to disk.

An archive is untrusted: a member's name must stay inside the archive, a member is a
regular file or a folder and nothing else, and sizes are bounded before a byte is read.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from west_utvm.errors import UtvmError

# The C sources of a model are text of about five times its weights; the largest models
# that fit a microcontroller stay far below these bounds.
MAX_MEMBER_BYTES = 256 << 20
MAX_TOTAL_BYTES = 512 << 20
MAX_MEMBERS = 10_000

# What tvmc copied beside the model: its C runtime and project templates. Not ours to use.
SKIPPED = ("runtime/", "templates/")

_NOT_AN_ARCHIVE = "is not a Model Library Format archive"
_HINT = "give a tar that `tvmc compile -f mlf` wrote, or the folder it was unpacked to"


def read_files(path: Path) -> dict[str, bytes]:
    """Return every file of the archive at ``path`` by its POSIX name.

    ``path`` is a ``.tar``, a gzipped tar, or the folder one was unpacked to. Raises
    UtvmError for anything else and for members that are unsafe or too large.
    """
    if path.is_dir():
        return dict(_folder_files(path))
    try:
        with path.open("rb") as stream:
            return dict(_tar_files(stream, path))
    except FileNotFoundError:
        raise UtvmError("no such file", where=path, hint=_HINT) from None
    except (tarfile.TarError, EOFError, zlib.error) as error:
        what = f"{_NOT_AN_ARCHIVE} ({error})"
        raise UtvmError(what, where=path, hint=_HINT) from None
    except OSError as error:  # gzip.BadGzipFile is one
        what = f"cannot be read ({error.strerror or error})"
        raise UtvmError(what, where=path, hint=_HINT) from None


def _tar_files(stream: BinaryIO, path: Path) -> Iterator[tuple[str, bytes]]:
    compressed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    seen: set[str] = set()
    total = 0
    with tarfile.open(fileobj=stream, mode="r|gz" if compressed else "r:") as tar:
        for count, member in enumerate(tar):
            where = f"{path}: {member.name}"
            if count >= MAX_MEMBERS:
                raise UtvmError(f"more than {MAX_MEMBERS} members", where=path, hint=_HINT)
            name = _safe_name(member.name, where)
            if member.isdir() or not name:
                continue
            _check_member(member, where)
            if name in seen:
                raise UtvmError("the archive holds this name twice", where=where, hint=_HINT)
            seen.add(name)
            if name.startswith(SKIPPED):
                continue
            total += member.size
            _check_total(total, path)
            yield name, _read_member(tar, member, where)


def _safe_name(name: str, where: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or "\0" in name:
        raise UtvmError("name leaves the archive", where=where, hint="do not trust this archive")
    return "/".join(part for part in parts if part != ".")


def _check_member(member: tarfile.TarInfo, where: str) -> None:
    # isreg() is true for sparse files as well, whose small header can claim any size.
    if not member.isreg() or member.issparse():
        what = "only regular files belong in an archive, this is a link, device or sparse file"
        raise UtvmError(what, where=where, hint="do not trust this archive")
    if not 0 <= member.size <= MAX_MEMBER_BYTES:
        what = f"{member.size} bytes, more than the {MAX_MEMBER_BYTES} a member may have"
        raise UtvmError(what, where=where, hint=_HINT)


def _check_total(total: int, path: Path) -> None:
    if total > MAX_TOTAL_BYTES:
        raise UtvmError(f"holds more than {MAX_TOTAL_BYTES} bytes", where=path, hint=_HINT)


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> bytes:
    stream = tar.extractfile(member)
    data = stream.read() if stream else b""
    if len(data) != member.size:
        raise UtvmError("the archive is truncated here", where=where, hint=_HINT)
    return data


def _folder_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    for count, path in enumerate(sorted(folder.rglob("*"))):
        name = path.relative_to(folder).as_posix()
        if count >= MAX_MEMBERS:
            what = f"more than {MAX_MEMBERS} files in it"
            raise UtvmError(what, where=folder, hint=_HINT)
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            what = "only regular files belong in an archive, this is a link or device"
            raise UtvmError(what, where=path, hint="remove it")
        if path.is_dir() or name.startswith(SKIPPED):
            continue
        size = path.stat().st_size
        if size > MAX_MEMBER_BYTES:
            what = f"{size} bytes, more than the {MAX_MEMBER_BYTES} a member may have"
            raise UtvmError(what, where=path, hint=_HINT)
        total += size
        _check_total(total, folder)
        yield name, path.read_bytes()
