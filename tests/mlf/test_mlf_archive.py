# SPDX-License-Identifier: Apache-2.0
"""Archives that are damaged or made to do harm: an error of one line, and nothing worse."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archives import LIB1, RELAY, Files, archive, pack, refusal, unpack, unpack_to
from west_utvm.errors import UtvmError
from west_utvm.mlf import archive as reading
from west_utvm.mlf import read_archive

FILES = unpack(archive("digits"))
END = bytes(2 * tarfile.BLOCKSIZE)


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """One tar header, which may claim any size."""
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, link
    return member.tobuf(tarfile.GNU_FORMAT)


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, size: int = -1) -> bytes:
    padded = data + bytes(-len(data) % tarfile.BLOCKSIZE)
    return header(name, len(data) if size < 0 else size, kind) + padded


def whole(*, then: bytes = b"") -> bytes:
    """A good archive with ``then`` before its end."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        end = tar.offset
    return stream.getvalue()[:end] + then + END


def pax_sparse() -> bytes:
    """GNU's sparse format 1.0 in pax headers: 10 GB in a member of one block."""
    records = b""
    for key, value in {"major": "1", "minor": "0", "name": "x", "realsize": str(10 << 30)}.items():
        record = f" GNU.sparse.{key}={value}\n"
        length = len(record) + 2
        records += f"{length}{record}".encode()
        assert len(str(length)) == 2
    body = f"1\n{(10 << 30) - 1}\n1\n".encode()
    return member("pax", records, tarfile.XHDTYPE) + member("x", body.ljust(512, b"\0") + b"x")


def gnu_sparse() -> bytes:
    """The old form: offsets and sizes in the header itself, which has its own type."""
    block = bytearray(header("x", 0, tarfile.GNUTYPE_SPARSE))
    block[386:398] = b"%011o\0" % 0  # offset and size of the only piece
    block[398:410] = b"%011o\0" % 0
    block[483:495] = b"\x80" + (10 << 30).to_bytes(11, "big")  # size when unpacked
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


NOT_REGULAR = "only regular files belong in an archive, this is a link, device or sparse file"
LEAVES = "name leaves the archive"
# What is put into a good archive, and the reason given.
BAD_MEMBERS: dict[str, tuple[bytes, str]] = {
    "parent": (member("../x"), LEAVES),
    "hidden parent": (member("src/../../x"), LEAVES),
    "absolute": (member("/etc/passwd"), LEAVES),
    "backslash": (member("..\\x"), LEAVES),
    "parent folder": (member("../x/", kind=tarfile.DIRTYPE), LEAVES),
    "symbolic link": (header("x", kind=tarfile.SYMTYPE, link="/etc/passwd"), NOT_REGULAR),
    "hard link": (header("x", kind=tarfile.LNKTYPE, link="metadata.json"), NOT_REGULAR),
    "character device": (header("x", kind=tarfile.CHRTYPE), NOT_REGULAR),
    "block device": (header("x", kind=tarfile.BLKTYPE), NOT_REGULAR),
    "fifo": (header("x", kind=tarfile.FIFOTYPE), NOT_REGULAR),
    "GNU sparse": (gnu_sparse(), NOT_REGULAR),
    "pax sparse": (pax_sparse(), NOT_REGULAR),
    "twice": (member(LIB1, b"int x;"), "the archive holds this name twice"),
    "twice, spelt otherwise": (member(f"./{LIB1}", b"x"), "the archive holds this name twice"),
    "10 GB": (header("x", 10 << 30), "is not a whole tar (unexpected end of data)"),
    "10 GB of pax header": (header("x", 10 << 30, tarfile.XHDTYPE), "is not a whole tar"),
    "10 GB of long name": (header("x", 10 << 30, tarfile.GNUTYPE_LONGNAME), "is not a whole tar"),
    "negative size": (header("x", -512), "more than 10000 members"),
    "damaged header": (header("x").replace(b"x", b"y", 1), "is not a whole tar (no member"),
    "pax headers without end": (member("x", kind=tarfile.XHDTYPE) * 3000, "is not a whole tar"),
    "not UTF-8": (member("codegen/host/src/default_lib9.c", b"\xff"), "is not UTF-8 text"),
    "object file in src": (member("codegen/host/src/a.cc"), "is no C source by its name"),
    "name that CMake expands": (member("codegen/host/src/$(x) ;.c"), "is no C source by its name"),
    "source in a folder": (member("codegen/host/src/a/b.c"), "is no C source by its name"),
    "two headers": (member("codegen/host/include/tvmgen_x.h"), "has more than one tvmgen_*.h"),
}


@pytest.mark.parametrize("case", BAD_MEMBERS)
def test_bad_member(case: str, tmp_path: Path) -> None:
    block, reason = BAD_MEMBERS[case]
    path = tmp_path / "model.tar"
    path.write_bytes(whole(then=block))
    assert path.stat().st_size < 4 << 20
    line = refusal(read_archive, path)
    assert line.startswith(f"{path}: ")
    assert f": {reason}" in line
    assert list(tmp_path.iterdir()) == [path]


def bomb() -> bytes:
    """800 MB of zeros in 800 kB, as a member that would be passed over."""
    return gzip.compress(header("runtime/x", 1 << 30)) + gzip.compress(bytes(1 << 22)) * 200


CONTAINERS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is not a whole tar (empty file)"),
    "text": (lambda: b"model = load('kws')\n" * 99, "is not a whole tar ("),
    "zip": (lambda: b"PK\x03\x04" + bytes(2000), "is not a whole tar ("),
    "tflite": (lambda: (archive("digits").parent / "digits.tflite").read_bytes(), "is not a whole"),
    "gzip of text": (lambda: gzip.compress(b"hello"), "is not a whole tar ("),
    "only the mark of gzip": (lambda: b"\x1f\x8b", "is a damaged gzip file ("),
    "damaged gzip": (lambda: gzip.compress(whole())[:-4] + b"abcd", "is a damaged gzip file ("),
    "gzip bomb": (bomb, f"holds more than {512 << 20} bytes"),
    "no members": (lambda: END, "has no metadata.json at its top"),
    "no metadata": (lambda: member("a/metadata.json", b"{}") + END, "has no metadata.json at its"),
    "no end": (lambda: whole()[: -len(END)], "is not a whole tar (no member and no end at byte"),
    "too many members": (lambda: header("a/", kind=b"5") * 10001 + END, "more than 10000 members"),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_no_archive(case: str, tmp_path: Path) -> None:
    make, reason = CONTAINERS[case]
    path = tmp_path / "model.tar"
    path.write_bytes(make())
    start = time.monotonic()
    line = refusal(read_archive, path)
    assert time.monotonic() - start < 30
    assert line.startswith(f"{path}: {reason}")
    assert list(tmp_path.iterdir()) == [path]


def link_to(folder: Path) -> None:
    (folder / "src" / "x").symlink_to("/etc/passwd")


def link_to_folder(folder: Path) -> None:
    (folder / "x").symlink_to("/etc", target_is_directory=True)


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "x")


def large(folder: Path) -> None:
    with (folder / "x").open("wb") as stream:
        stream.truncate(10 << 30)


def many(folder: Path) -> None:
    for number in range(20):
        (folder / str(number)).touch()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (link_to, "only regular files belong in an archive, this is a link or device"),
        (link_to_folder, "only regular files belong in an archive, this is a link or device"),
        (fifo, "only regular files belong in an archive, this is a link or device"),
        (large, f"holds more than {512 << 20} bytes"),
        (many, "more than 20 files in it"),
        (lambda folder: (folder / "metadata.json").unlink(), "has no metadata.json at its top"),
    ],
)
def test_bad_folder(
    spoil: Callable[[Path], None], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_MEMBERS", 20)
    folder = unpack_to(FILES, tmp_path / "model")
    spoil(folder)
    line = refusal(read_archive, folder)
    assert line.startswith(f"{folder}") and f": {reason}" in line


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.tar"
    assert refusal(read_archive, path).startswith(f"{path}: no such file; give a tar that")


def small(files: Files) -> Files:
    """Without the weights, for reading a thousand times."""
    return {**files, LIB1: files[LIB1][-3000:], RELAY: files[RELAY][:300]}


@pytest.mark.parametrize("gz", [False, True])
def test_truncated(gz: bool, tmp_path: Path) -> None:
    """At every length there is an error, until nothing but the padding behind the end is gone."""
    whole_file = pack(small(FILES), tmp_path / "whole.tar", gz=gz).read_bytes()
    end = len(whole_file) if gz else len(whole_file.rstrip(b"\0")) + 2 * tarfile.BLOCKSIZE
    path = tmp_path / "model.tar"
    lengths = {*range(0, end, 89), *range(0, end - 1024, 512), end - 1025, *range(end - 9, end)}
    for length in lengths if gz else (n for n in lengths if n < end - 1024):
        path.write_bytes(whole_file[:length])
        line = refusal(read_archive, path)
        assert "is a damaged gzip file" in line or "is not a whole tar" in line, (length, line)


def flipped(data: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 32))):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


@pytest.mark.parametrize("gz", [False, True])
def test_flipped_bits(gz: bool, tmp_path: Path) -> None:
    """A thousand damaged archives: an error of ours, or a reading of what is left whole."""
    chance = random.Random(20)
    whole_file = pack(small(FILES), tmp_path / "whole.tar", gz=gz).read_bytes()
    path = tmp_path / "model.tar"
    errors = 0
    for _ in range(500):
        path.write_bytes(flipped(whole_file, chance))
        try:
            model = read_archive(path)
        except UtvmError as error:
            errors += 1
            assert str(error).isprintable()
        else:
            assert [port.tensor.size for port in model.inputs + model.outputs] == [64, 10]
    assert errors > (490 if gz else 100)


def test_flipped_bits_of_text(tmp_path: Path) -> None:
    """The same in the members that are parsed, where the bits that count are dense."""
    chance = random.Random(21)
    parsed = ("metadata.json", "codegen/host/include/tvmgen_default.h", RELAY)
    files = small(FILES)
    path = tmp_path / "model.tar"
    for number in range(600):
        name = parsed[number % len(parsed)]
        pack({**files, name: flipped(files[name], chance)}, path)
        try:
            model = read_archive(path)
        except UtvmError as error:
            assert str(error).isprintable()
        else:
            assert [port.tensor.size for port in model.inputs + model.outputs] == [64, 10]
