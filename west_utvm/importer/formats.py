# SPDX-License-Identifier: Apache-2.0
"""Kinds of model files: how each is told from the others, and which module reads it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from west_utvm.errors import UtvmError
from west_utvm.importer.model import Imported

if TYPE_CHECKING:
    from west_utvm.lowering import Rounding

MAX_BYTES = 512 << 20


@dataclass(frozen=True)
class Format:
    """A kind of model file: how it is told from others, and the module that reads it.

    ``matches`` is given the path and the file's first bytes. ``rounding`` is the only mode there
    is for it, or empty.
    """

    title: str
    matches: Callable[[Path, bytes], bool]
    module: str
    function: str
    rounding: Rounding | None = None


def _is_onnx(path: Path, head: bytes) -> bool:
    """Protobuf has no magic number. Its writers put ir_version first: field 1, a small integer;
    then producer_name, graph or opset_import follow (onnx.proto, message ModelProto)."""
    if path.suffix.lower() == ".onnx":
        return True
    return head[:1] == b"\x08" and head[1:2] < b"\x40" and head[2:3] in (b"\x12", b"\x3a", b"\x42")


def _is_pt2(path: Path, head: bytes) -> bool:
    """A zip file, as many others are."""
    return path.suffix.lower() == ".pt2" and head[:4] == b"PK\x03\x04"


def _is_tflite(path: Path, head: bytes) -> bool:
    """By the file_identifier of its flatbuffers schema."""
    return head[4:8] == b"TFL3"


FORMATS = (
    Format("TFLite", _is_tflite, "west_utvm.importer.tflite", "import_tflite"),
    Format("ONNX", _is_onnx, "west_utvm.importer.onnx", "import_onnx", "ort"),
    Format("PyTorch", _is_pt2, "west_utvm.importer.torch_export", "import_pt2"),
)


def model_format(path: Path, head: bytes) -> Format | None:
    """What kind of model file it is; None if it is none that this compiler reads."""
    return next((known for known in FORMATS if known.matches(path, head)), None)


def is_model_file(path: Path) -> bool:
    """Whether the file is a model of a kind that this compiler reads; by its content."""
    try:
        with path.open("rb") as stream:
            return model_format(path, stream.read(8)) is not None
    except OSError:
        return False


def check_tvm() -> None:
    """UtvmError unless TVM is there. It takes a second to load."""
    try:
        import tvm.relax  # noqa: F401
    except ImportError as error:
        raise _missing(error) from None


def read_model(path: Path) -> tuple[Format, bytes]:
    """What kind of model the file holds, and its bytes; UtvmError if it is none, or too large."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UtvmError(f"is larger than {MAX_BYTES} bytes", where=path)
        data = path.read_bytes()
    except OSError as error:
        raise UtvmError(f"cannot be read ({error.strerror})", where=path) from None
    known = model_format(path, data[:8])
    if known is None:
        hint = "give a .tflite, .onnx or .pt2 file, or an archive that `tvmc compile -f mlf` wrote"
        raise UtvmError("is no model of a kind that is known", where=path, hint=hint)
    return known, data


def mode_of_rounding(path: Path, known: Format, asked: Rounding | None) -> Rounding:
    """The mode that was asked for, or the one that there is for models of this kind."""
    if known.rounding is None:
        return asked or "tflm"
    if asked not in (None, known.rounding):
        what = f"is an {known.title} model, for which --rounding has no meaning"
        raise UtvmError(what, where=path, hint="leave it out")
    return known.rounding


def import_model(path: Path, known: Format, data: bytes) -> Imported:
    """Read the model; UtvmError names what of it is not supported."""
    try:
        module = importlib.import_module(known.module)
    except ImportError as error:
        raise _missing(error) from None
    imported: Imported = getattr(module, known.function)(path, data)
    return imported


def _missing(error: ImportError) -> UtvmError:
    hint = "pip install -r west-utvm/requirements-compiler.txt"
    return UtvmError(f"compiling a model needs '{error.name}'", hint=hint)
