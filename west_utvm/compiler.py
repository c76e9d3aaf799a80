# SPDX-License-Identifier: Apache-2.0
"""Model file -> C: the stages of the compiler in their order."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm.codegen import CPort, Source
    from west_utvm.importer import Imported
    from west_utvm.kernels.options import Optimize
    from west_utvm.kernels.targets import Target
    from west_utvm.lowering import Program, Rounding
    from west_utvm.mlf import Model
    from west_utvm.planning.arrange import Gain
    from west_utvm.planning.places import PlannedProgram

Progress: TypeAlias = Callable[[str], None]
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


FORMATS = (
    Format(
        "TFLite",
        lambda path, head: head[4:8] == b"TFL3",
        "west_utvm.importer.tflite",
        "import_tflite",
    ),
    Format("ONNX", _is_onnx, "west_utvm.importer.onnx", "import_onnx", "ort"),
    Format("PyTorch", _is_pt2, "west_utvm.importer.torch_export", "import_pt2"),
)


def model_format(path: Path, head: bytes) -> Format | None:
    """What kind of model file it is; None if it is none that this compiler reads."""
    return next((known for known in FORMATS if known.matches(path, head)), None)


@dataclass(frozen=True)
class Compiled:
    """``files`` are C text by path: ``include/tvmgen_<name>.h`` and ``src/*.c``. With UTVM_TRACE
    defined these call ``utvm_trace(number, data, size)`` after each operator of the model.
    ``model`` is what ``west_utvm.module.write_module`` takes. ``program`` is what was made of the
    model's operators, and ``gains`` what that saved. Sizes are in bytes."""

    name: str
    files: Mapping[str, str]
    program: Program
    planned: PlannedProgram
    gains: tuple[Gain, ...]
    macs: int
    constants: int
    model: Model
    notes: tuple[str, ...] = ()

    @property
    def workspace_size(self) -> int:
        return self.planned.plan.size


def is_model_file(path: Path) -> bool:
    """Whether the file is a model of a kind that this compiler reads; by its content."""
    try:
        with path.open("rb") as stream:
            return model_format(path, stream.read(8)) is not None
    except OSError:
        return False


def _silently(stage: str) -> None:
    pass


def compile_model(
    path: Path,
    *,
    name: str,
    rounding: Rounding | None = None,
    target: str = "c",
    optimize: Optimize = "balanced",
    io_in_workspace: bool = False,
    without: Collection[str] = (),
    progress: Progress = _silently,
) -> Compiled:
    """Compile the model at ``path``; ``name`` is a C identifier, ``target`` a TVM target string.

    With ``io_in_workspace`` the model's inputs and outputs are in its workspace, which the caller
    brings, and an input's bytes are used again once it is read. ``without`` are those of
    ``planning.arrange.SAVINGS`` to leave out.

    What is made for one CPU is right on any other. ``progress`` is told of each stage that may
    take a second, before it begins. Raises UtvmError with the file, and the operator where one is
    at fault. ``rounding`` is for TFLite models alone, tflm by default.
    """
    progress("loading TVM")
    _check_tvm()
    from west_utvm.codegen import c_ports, write_header, write_source
    from west_utvm.importer.text import relax_text
    from west_utvm.kernels import Options, emit
    from west_utvm.kernels.targets import parse_target
    from west_utvm.lowering.lower import lower
    from west_utvm.planning.arrange import arrange, check_savings
    from west_utvm.provenance import provenance

    cpu = parse_target(target)
    check_savings(without)
    data = _read(path)
    known = _format(path, data)
    mode = _rounding(path, known, rounding)
    options = Options(mode, cpu.feature, optimize)
    progress(f"importing {path.name}")
    imported = _import(path, known, data)
    program = lower(imported, mode, path)
    inputs, outputs = c_ports(program.inputs, program.outputs)
    progress("planning memory")
    try:
        planned, gains = arrange(
            program,
            lambda operator: emit(operator, options),
            io_in_workspace=io_in_workspace,
            without=frozenset(without),
        )
    except UtvmError as error:
        where = path if error.where is None else f"{path}: {error.where}"
        raise UtvmError(error.what, where=where, hint=error.hint) from None
    progress("writing C")
    source = write_source(planned, name, inputs, outputs)
    made = provenance(data, known.title.lower())
    made["options"] = {"feature": cpu.feature, "optimize": optimize}
    made["options"] |= {"io_in_workspace": "yes"} if io_in_workspace else {}
    made["options"] |= {"without": ",".join(sorted(without))} if without else {}
    made["gains"] = [(gain.saving, gain.bytes) for gain in gains if gain.bytes]
    header_text = write_header(planned, name, inputs, outputs)
    return Compiled(
        name=name,
        files={f"include/tvmgen_{name}.h": header_text, f"src/{name}_lib0.c": source.text},
        program=planned.program,
        planned=planned,
        gains=gains,
        macs=source.macs,
        constants=source.constants,
        model=replace(
            _model(name, cpu, planned, source, header_text, (inputs, outputs), made),
            relax=relax_text(imported),
        ),
        notes=imported.notes,
    )


def _missing(error: ImportError) -> UtvmError:
    hint = "pip install -r west-utvm/requirements-compiler.txt"
    return UtvmError(f"compiling a model needs '{error.name}'", hint=hint)


def _check_tvm() -> None:
    try:
        import tvm.relax  # noqa: F401
    except ImportError as error:
        raise _missing(error) from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UtvmError(f"is larger than {MAX_BYTES} bytes", where=path)
        return path.read_bytes()
    except OSError as error:
        raise UtvmError(f"cannot be read ({error.strerror})", where=path) from None


def _format(path: Path, data: bytes) -> Format:
    known = model_format(path, data[:8])
    if known is None:
        hint = "give a .tflite, .onnx or .pt2 file, or an archive that `tvmc compile -f mlf` wrote"
        raise UtvmError("is no model of a kind that is known", where=path, hint=hint)
    return known


def _rounding(path: Path, known: Format, asked: Rounding | None) -> Rounding:
    if known.rounding is None:
        return asked or "tflm"
    if asked not in (None, known.rounding):
        what = f"is an {known.title} model, for which --rounding has no meaning"
        raise UtvmError(what, where=path, hint="leave it out")
    return known.rounding


def _import(path: Path, known: Format, data: bytes) -> Imported:
    try:
        module = importlib.import_module(known.module)
    except ImportError as error:
        raise _missing(error) from None
    imported: Imported = getattr(module, known.function)(path, data)
    return imported


def _model(
    name: str,
    target: Target,
    planned: PlannedProgram,
    source: Source,
    header_text: str,
    ports: tuple[tuple[CPort, ...], tuple[CPort, ...]],
    made: Mapping[str, Any],
) -> Model:
    """The model as the reader of archives would give it."""
    from west_utvm.mlf import Model, Port
    from west_utvm.mlf.header import parse_header
    from west_utvm.mlf.metadata import Metadata, TensorSize
    from west_utvm.mlf.record import compiler_record, document
    from west_utvm.tensor import Tensor

    inputs, outputs = (
        tuple(
            Port(Tensor(port.value.name, port.value.dtype, port.value.shape), port.c_name)
            for port in side
        )
        for side in ports
    )
    sizes = [
        tuple(TensorSize(p.tensor.name, p.tensor.dtype, p.tensor.size) for p in side)
        for side in (inputs, outputs)
    ]
    metadata = Metadata(
        version=7,
        model_name=name,
        executors=("aot",),
        style="full-model",
        targets=(str(target),),
        inputs=sizes[0],
        outputs=sizes[1],
        workspace_size=planned.plan.size,
    )
    record = compiler_record(planned, *ports, made)
    whole: dict[str, Any] = document(metadata, record, source.constants)
    return Model(
        metadata=metadata,
        header=parse_header(header_text, name, f"tvmgen_{name}.h"),
        header_text=header_text,
        inputs=inputs,
        outputs=outputs,
        sources={f"{name}_lib0.c": source.text},
        objects=(),
        document=whole,
        entry=whole["modules"][name],
    )
