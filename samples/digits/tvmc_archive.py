# SPDX-License-Identifier: Apache-2.0
"""Make the Model Library Format archives of the digits model, and of the tests, with tvmc.

    python3.10 -m venv ~/digits-tvmc
    ~/digits-tvmc/bin/pip install -r requirements-tvmc.txt
    ~/digits-tvmc/bin/python tvmc_archive.py

TVM orders some declarations by address, so another run may order them anew; what the code
computes, and every size, stays.

PyPI's ``hhb-tvm`` is a build of TVM 0.16.dev0, of the years when TVM had Relay and microTVM.
It was built without microTVM's RPC session and without the files that tvmc copies into each
archive for the C runtime. Neither has a part in compiling: ``complete_tvm`` puts stand-ins there.

Each archive is as tvmc wrote it, but for what ``repacked`` says.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import tvm
from tvm import relay, te

HERE = Path(__file__).parent
TESTS = HERE.parent.parent / "tests" / "data" / "mlf"
MODEL = HERE / "digits.tflite"

# Archives larger than this are stored compressed; the sample itself stays as users have theirs.
PLAIN_LIMIT = 100_000
EXPORT_DATETIME = "1970-01-01 00:00:00Z"
RUNTIME_FILES = ("crt_config.h.template", "platform.c.template")

C = ("--target=c", "--runtime=crt", "--pass-config=tir.disable_vectorize=1")
AOT = (*C, "--executor=aot", "--executor-aot-interface-api=c", "--executor-aot-unpacked-api=1")
POOL = ("--workspace-pools=sram", "--workspace-pools-targets=sram:c")
PACKED = (*C, "--executor=aot", "--executor-aot-interface-api=packed")
# The LLVM back end has no unpacked call, and its C runtime wants a system library.
CORTEX_M4 = (
    "--target=llvm -keys=cpu -mtriple=thumbv7em-none-eabi -mcpu=cortex-m4",
    "--runtime=crt",
    "--runtime-crt-system-lib=1",
    "--executor=aot",
    "--executor-aot-interface-api=packed",
)

SAMPLE = AOT
COMPILED = {
    "digits_named": (*AOT, "--module-name=digits"),
    "digits_aot_c_nousmp": (*AOT, "--pass-config=tir.usmp.enable=0"),
    "digits_aot_c_pools": (*AOT, *POOL),
    "digits_aot_c_io_pools": (*AOT, *POOL, "--pass-config=tir.usmp.use_workspace_io=1"),
    "digits_aot_unpacked_packed": (*PACKED, "--executor-aot-unpacked-api=1"),
    "digits_aot_packed": (*PACKED, "--executor-aot-unpacked-api=0"),
    "digits_graph": (*C, "--executor=graph"),
    "digits_graph_linked": (*C, "--executor=graph", "--executor-graph-link-params=1"),
    "digits_llvm": (*CORTEX_M4, "--executor-aot-unpacked-api=0"),
}


def complete_tvm(folder: Path) -> None:
    """Put stand-ins in the place of what the wheel was built without, before TVM looks for it."""
    tvm.register_func("micro._rpc_connect", lambda *_: None)
    from tvm.micro import model_library_format

    (folder / "templates").mkdir()
    for name in RUNTIME_FILES:
        (folder / "templates" / name).touch()
    model_library_format.get_standalone_crt_dir = lambda: str(folder)
    model_library_format.get_microtvm_template_projects = lambda _: str(folder)


def compile_model(arguments: tuple[str, ...], archive: Path) -> None:
    """Run ``tvmc compile --output-format=mlf --output=ARCHIVE ARGUMENTS digits.tflite``."""
    from tvm.driver.tvmc.main import _main

    status = _main(
        ["compile", "--output-format=mlf", f"--output={archive}", *arguments, str(MODEL)]
    )
    if status != 0:
        raise SystemExit(f"tvmc failed: {' '.join(arguments)}")


def two_io(
    archive: Path,
    numbers: tuple[int, int] = (0, 1),
    interface: str = "c",
    unpacked: int = 1,
    system_lib: bool = False,
) -> None:
    """Write a model of two inputs and two outputs, each of its own dtype and size.

    The inputs sort differently by name than by position, and no name is a C identifier.
    Outputs have only a colon: TVM leaves "/" and "." of an output's name in the C it writes.
    They are called by ``numbers``, which may sort them too.
    """
    from tvm.driver.tvmc.compiler import compile_model as compile_relay
    from tvm.driver.tvmc.model import TVMCModel

    image = relay.var("serving_default/left.image:0", shape=(1, 4, 3), dtype="int8")
    gain = relay.var("gain-Größe μ", shape=(3,), dtype="float32")
    scaled = relay.cast(image, "float32") * gain
    total = relay.sum(relay.cast(image, "int32"), axis=1)
    function = relay.Function([image, gain], relay.Tuple([scaled, total]))
    names = [f"StatefulPartitionedCall:{number}" for number in numbers]
    compile_relay(
        TVMCModel(
            tvm.IRModule.from_expr(function.with_attr("output_tensor_names", names)), params={}
        ),
        "c",
        executor=relay.backend.Executor(
            "aot", {"interface-api": interface, "unpacked-api": unpacked}
        ),
        runtime=relay.backend.Runtime("crt", {"system-lib": system_lib}),
        package_path=str(archive),
        output_format="mlf",
        pass_context_configs=["tir.disable_vectorize=1"],
    )


def two_io_packed(archive: Path) -> None:
    """The same with the packed interface, for a host that finds functions by name."""
    two_io(archive, (1, 0), "packed", 0, system_lib=True)


def two_io_unpacked_packed(archive: Path) -> None:
    two_io(archive, (1, 0), "packed", 1)


def two_modules(archive: Path) -> None:
    """Write two models into one archive: x + 7, C interface, and x * 3, packed."""
    from tvm.micro import export_model_library_format

    x = relay.var("x", shape=(4,), dtype="int8")
    wide = relay.cast(x, "int32")
    models = {
        "plus_seven": (relay.add(wide, relay.const(7, "int32")), "c", 1),
        "Times_three": (relay.multiply(wide, relay.const(3, "int32")), "packed", 0),
    }
    with tvm.transform.PassContext(opt_level=3, config={"tir.disable_vectorize": True}):
        modules = [
            relay.build(
                tvm.IRModule.from_expr(relay.Function([x], body)),
                target="c",
                executor=relay.backend.Executor(
                    "aot", {"interface-api": interface, "unpacked-api": unpacked}
                ),
                runtime=relay.backend.Runtime("crt", {"system-lib": False}),
                mod_name=name,
            )
            for name, (body, interface, unpacked) in models.items()
        ]
    export_model_library_format(modules, archive)


def operator(archive: Path) -> None:
    """Write a single operator, the style of archive that ``tvm.build`` makes."""
    from tvm.micro import export_model_library_format

    a, b = (te.placeholder((16,), "int8", name) for name in ("a", "b"))
    product = te.compute((16,), lambda i: a[i].astype("int16") * b[i].astype("int16"), "product")
    module = tvm.build(
        te.create_schedule(product.op),
        [a, b, product],
        target="c",
        runtime=relay.backend.Runtime("crt", {"system-lib": False}),
        name="product",
    )
    export_model_library_format(module, archive)


def repacked(archive: Path) -> bytes:
    """Return the archive in an order and with times that depend on nothing but its members.

    The stand-ins for the C runtime are left out, and ``export_datetime`` is made a constant.
    """
    data = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=data, mode="w") as target:
        for member, content in members(source):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.mode, plain.size = member.type, member.mode, len(content)
            plain.uname = plain.gname = "root"
            target.addfile(plain, io.BytesIO(content))
    return data.getvalue()


def members(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for member in sorted(archive.getmembers(), key=lambda m: m.name):
        if member.name.startswith(("./runtime", "./templates")):
            continue
        file = archive.extractfile(member)
        content = file.read() if file else b""
        yield member, undated(content) if member.name == "./metadata.json" else content


def undated(metadata: bytes) -> bytes:
    fields = json.loads(metadata)
    for entry in fields.get("modules", {"": fields}).values():
        entry["export_datetime"] = EXPORT_DATETIME
    return json.dumps(fields, indent=2, sort_keys=True).encode()


def write(make: Callable[[Path], None], path: Path, limit: int) -> None:
    """Write what ``make`` makes to ``path``, or above ``limit`` bytes, gzipped, to ``path``.gz."""
    with TemporaryDirectory() as folder:
        archive = Path(folder, "module.tar")
        make(archive)
        data = repacked(archive)
    if len(data) > limit:
        path, data = path.with_name(f"{path.name}.gz"), gzip.compress(data, 9, mtime=0)
    path.write_bytes(data)
    print(f"{len(data):7} {path.name}")


def main() -> None:
    with TemporaryDirectory() as folder:
        complete_tvm(Path(folder))
        write(lambda path: compile_model(SAMPLE, path), HERE / "digits.tar", limit=1 << 20)
        for name, arguments in COMPILED.items():

            def compiled(path: Path, arguments: tuple[str, ...] = arguments) -> None:
                compile_model(arguments, path)

            write(compiled, TESTS / f"{name}.tar", PLAIN_LIMIT)
        for make in (two_io, two_io_packed, two_io_unpacked_packed, two_modules):
            write(make, TESTS / f"{make.__name__}.tar", PLAIN_LIMIT)
        write(operator, TESTS / "tiny_operator.tar", PLAIN_LIMIT)


if __name__ == "__main__":
    main()
