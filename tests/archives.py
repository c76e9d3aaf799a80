# SPDX-License-Identifier: Apache-2.0
"""Real archives taken apart, altered and put together again, and the errors that come of it."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from west_utvm.errors import UtvmError

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "samples" / "digits"
MLF = ROOT / "tests" / "data" / "mlf"

RELAY = "src/default.relay"
HEADER = "codegen/host/include/tvmgen_default.h"
LIB0 = "codegen/host/src/default_lib0.c"
LIB1 = "codegen/host/src/default_lib1.c"

# The members of an archive, files only, by their names without "./".
Files = dict[str, bytes]
Document = dict[str, Any]


def archive(name: str) -> Path:
    """The archive ``name`` of tests/data/mlf or of the digits sample, as a tar or compressed."""
    candidates = (DIGITS / f"{name}.tar", MLF / f"{name}.tar", MLF / f"{name}.tar.gz")
    return next(path for path in candidates if path.is_file())


def unpack(path: Path) -> Files:
    with tarfile.open(path) as tar:
        return {
            member.name.removeprefix("./"): stream.read()
            for member in tar
            if (stream := tar.extractfile(member))
        }


def pack(
    files: Files,
    path: Path,
    *,
    prefix: str = "./",
    gz: bool = False,
    form: int = tarfile.PAX_FORMAT,
) -> Path:
    with tarfile.open(path, "w:gz" if gz else "w", format=form) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def unpack_to(files: Files, folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def edited(files: Files, name: str, old: str, new: str) -> Files:
    """``files`` with ``old``, which must be there, replaced by ``new`` in one of them."""
    text = files[name].decode()
    assert old in text, f"{old!r} is not in {name}"
    return {**files, name: text.replace(old, new).encode()}


def document_of(files: Files) -> Document:
    document: Document = json.loads(files["metadata.json"])
    return document


def entry_of(document: Document) -> Document:
    """The entry of the one module, in a version 7 document."""
    entry: Document
    [entry] = document["modules"].values()
    return entry


def with_document(files: Files, change: Callable[[Document], object]) -> Files:
    """``files`` with their metadata.json as ``change`` leaves it."""
    document = document_of(files)
    change(document)
    return {**files, "metadata.json": json.dumps(document).encode()}


def with_main(files: Files, change: Callable[[Document], object]) -> Files:
    """The same for the figures of the entry function, ``memory.functions.main[0]``."""

    def change_document(document: Document) -> None:
        change(entry_of(document)["memory"]["functions"]["main"][0])

    return with_document(files, change_document)


def with_types(files: Files, result: str) -> Files:
    """``files`` whose Relay text tells the result's type, as TVM prints it after inference."""
    line, *rest = files[RELAY].decode().split("\n")
    assert line.endswith(") {")
    return {**files, RELAY: "\n".join([f"{line[:-2]} -> {result} {{", *rest]).encode()}


def without_macros(files: Files) -> Files:
    """``files`` with a header as TVM 0.8 wrote it, which defines no size."""
    text = re.sub(r"#define \w+_SIZE \d+\n", "", files[HEADER].decode())
    return {**files, HEADER: text.encode()}


def renamed(files: Files, old: str, new: str) -> Files:
    return {name.replace(old, new): data for name, data in files.items()}


def changed(files: Files, **keys: Any) -> Files:
    """``files`` with top-level keys of metadata.json set, or with None removed."""

    def change(document: Document) -> None:
        document.update(keys)
        for key in [key for key, value in document.items() if value is None]:
            del document[key]

    return with_document(files, change)


def to_6(files: Files) -> Files:
    """No ``modules``, and one Relay file. Sizes of inputs and outputs came later than 6."""
    entry = entry_of(document_of(files))
    for key in ("inputs", "outputs"):
        del entry["memory"]["functions"]["main"][0][key]
    flat = json.dumps({**entry, "version": 6}).encode()
    files = renamed({**files, "metadata.json": flat}, RELAY, "src/relay.txt")
    files = renamed(files, "graph/default.graph", "graph/graph.json")
    for macro in ("IMAGE_SIZE 64", "SCORES_SIZE 10") if HEADER in files else ():
        files = edited(files, HEADER, f"#define TVMGEN_DEFAULT_{macro}\n", "")
    return files


def to_5(files: Files) -> Files:
    return changed(files, version=5, target={"1": "c -keys=cpu -link-params=0"})


def to_4(files: Files) -> Files:
    executors = document_of(files)["executors"]
    files = changed(files, version=4, executors=None, runtimes=executors)
    return renamed(files, "executor-config/", "runtime-config/")


def to_3(files: Files) -> Files:
    return renamed(changed(files, version=3, style=None), "src/relay.txt", "relay.txt")


def to_2(files: Files) -> Files:
    return renamed(changed(files, version=2), "src/default_lib", "src/lib")


def to_1(files: Files) -> Files:
    return changed(files, version=1, memory=[])


STEPS: dict[int, Callable[[Files], Files]] = {6: to_6, 5: to_5, 4: to_4, 3: to_3, 2: to_2, 1: to_1}


def as_version(files: Files, version: int) -> Files:
    """A version 7 archive as an earlier one laid it out. (Before version 5 there was no C
    interface: the header in such an archive is what makes the readings comparable.)"""
    for number in range(6, version - 1, -1):
        files = STEPS[number](files)
    return files


def refusal(function: Callable[..., object], *args: object, **options: object) -> str:
    """The one printable line that ``function`` raises UtvmError with."""
    with pytest.raises(UtvmError) as raised:
        function(*args, **options)
    line = str(raised.value)
    assert line.isprintable(), line
    return line
