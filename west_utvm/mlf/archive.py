# SPDX-License-Identifier: Apache-2.0
"""The files of a Model Library Format archive, read into memory and never unpacked to disk.

An archive is untrusted: a member's name must stay inside the archive, a member is a
regular file or a folder and nothing else, and the whole is bounded before it is parsed.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from west_utvm.errors import UtvmError

# The C sources of a model are text of about five times its weights; the largest models
# that fit a microcontroller stay far below these bounds.
MAX_TOTAL_BYTES = 512 << 20
MAX_MEMBERS = 10_000

# What tvmc copied beside the model: its C runtime and project templates. Not ours to use.
SKIPPED = ("runtime/", "templates/")

# What to do about an archive that contradicts itself.
DAMAGED = "the archive is damaged or was edited; export it again"

_CHUNK = 1 << 20
_HINT = "give a tar that `tvmc compile -f mlf` wrote, or the folder it was unpacked to"
_UNTRUSTED = "do not trust this archive"


def read_files(path: Path) -> dict[str, bytes]:
    """Return every file of the archive at ``path`` by its POSIX name.

    ``path`` is a ``.tar``, a gzipped tar, or the folder one was unpacked to. Raises
    UtvmError for anything else and for members that are unsafe or too large.
    """
    try:
        if path.is_dir():
            return dict(_folder_files(path))
        return dict(_tar_files(_read(path), path))
    except FileNotFoundError:
        raise UtvmError("no such file", where=path, hint=_HINT) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UtvmError(f"is a damaged gzip file ({error})", where=path, hint=_HINT) from None
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise UtvmError(what, where=path, hint=_HINT) from None


def _read(path: Path) -> bytes:
    """The tar, decompressed. In memory, where tarfile cannot be made to allocate more than is
    there by a header that claims it, and where a gzip bomb stops at the bound."""
    with path.open("rb") as stream:
        compressed = stream.peek(2)[:2] == b"\x1f\x8b"
        source = gzip.GzipFile(fileobj=stream) if compressed else stream
        data = bytearray()
        while chunk := source.read(_CHUNK):
            data += chunk
            _check_total(len(data), path)
    return bytes(data)


def _tar_files(data: bytes, path: Path) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for member in _members(data, path):
        where = f"{path}: {member.name}"
        name = _safe_name(member.name, where)
        if member.isdir():
            continue
        # isreg() is true for sparse files as well, whose small header can claim any size.
        if not member.isreg() or member.issparse():
            what = "only regular files belong in an archive, this is a link, device or sparse file"
            raise UtvmError(what, where=where, hint=_UNTRUSTED)
        if name in seen:
            raise UtvmError("the archive holds this name twice", where=where, hint=_UNTRUSTED)
        seen.add(name)
        if not name.startswith(SKIPPED):
            yield name, data[member.offset_data : member.offset_data + member.size]


def _members(data: bytes, path: Path) -> list[tarfile.TarInfo]:
    """The headers of a tar that is whole: its last member is followed by the end marker."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            members = list(islice(tar, MAX_MEMBERS + 1))
            end = tar.offset
    except Exception as error:  # damaged headers: TarError, ValueError, RecursionError, ...
        raise UtvmError(f"is not a whole tar ({error})", where=path, hint=_HINT) from None
    if len(members) > MAX_MEMBERS:
        raise UtvmError(f"more than {MAX_MEMBERS} members", where=path, hint=_HINT)
    # tarfile takes a damaged header for the end. POSIX has an archive end with zeroed blocks.
    if data[end : end + tarfile.BLOCKSIZE] != bytes(tarfile.BLOCKSIZE):
        what = f"is not a whole tar (no member and no end at byte {end})"
        raise UtvmError(what, where=path, hint=_HINT)
    return members


def _safe_name(name: str, where: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or "\0" in name:
        raise UtvmError("name leaves the archive", where=where, hint=_UNTRUSTED)
    return "/".join(part for part in parts if part != ".")


def _check_total(total: int, path: Path) -> None:
    if total > MAX_TOTAL_BYTES:
        raise UtvmError(f"holds more than {MAX_TOTAL_BYTES} bytes", where=path, hint=_HINT)


def _folder_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    # A folder that is no archive, perhaps the root of a disk, is not searched.
    found = folder.rglob("*") if (folder / "metadata.json").is_file() else iter(())
    total = 0
    for count, path in enumerate(found):
        name = path.relative_to(folder).as_posix()
        if count >= MAX_MEMBERS:
            raise UtvmError(f"more than {MAX_MEMBERS} files in it", where=folder, hint=_HINT)
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            what = "only regular files belong in an archive, this is a link or device"
            raise UtvmError(what, where=path, hint="remove it")
        if path.is_dir() or name.startswith(SKIPPED):
            continue
        total += path.stat().st_size
        _check_total(total, folder)
        yield name, path.read_bytes()
