# SPDX-License-Identifier: Apache-2.0
"""What an archive says is the same whatever version wrote it and however it is packed."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archives import (
    HEADER,
    LIB0,
    RELAY,
    Files,
    archive,
    as_version,
    edited,
    pack,
    refusal,
    unpack,
    unpack_to,
    with_main,
    with_types,
    without_macros,
)
from west_utvm.mlf import Model, read_archive

TYPED = with_types(unpack(archive("digits")), "Tensor[(1, 10), int8]")


def tensors(model: Model) -> list[tuple[str, str, str, tuple[int, ...]]]:
    ports = model.inputs + model.outputs
    return [(p.c_name, p.tensor.name, p.tensor.dtype, p.tensor.shape) for p in ports]


IMAGE = ("image", "image", "int8", (1, 8, 8, 1))
SCORES = ("scores", "scores", "int8", (1, 10))


@pytest.mark.parametrize("version", range(1, 8))
def test_versions_read_the_same(version: int, tmp_path: Path) -> None:
    newest = read_archive(pack(TYPED, tmp_path / "newest.tar"))
    model = read_archive(pack(as_version(TYPED, version), tmp_path / "model.tar"))
    assert model.metadata.version == version
    assert tensors(model) == tensors(newest) == [IMAGE, SCORES]
    assert model.workspace_size == newest.workspace_size == 7712
    assert model.metadata.executors == ("aot",)
    assert model.metadata.style == "full-model"
    assert [target.split()[0] for target in model.metadata.targets] == ["c"]
    assert list(model.sources.values()) == list(newest.sources.values())
    assert model.header_text.startswith("#ifndef TVMGEN_DEFAULT_H_")


@pytest.mark.parametrize("version", range(1, 6))
def test_sizes_from_relay_where_nothing_else_tells(version: int, tmp_path: Path) -> None:
    files = without_macros(as_version(TYPED, version))
    model = read_archive(pack(files, tmp_path / "model.tar"))
    assert tensors(model) == [IMAGE, SCORES]
    assert model.workspace_size == (0 if version == 1 else 7712)


def test_size_that_nothing_tells_is_refused(tmp_path: Path) -> None:
    path = pack(as_version(unpack(archive("digits")), 6), tmp_path / "model.tar")
    assert refusal(read_archive, path) == (
        f"{path}: neither metadata.json nor the Relay text tells the size of 'scores'; "
        "export it again with a newer TVM, 0.11 to 0.18"
    )


def test_outputs_numbered_by_tvm_0_11(tmp_path: Path) -> None:
    """Metadata has ``output<n>``, sorted as text; the header has the names, in their order."""
    sizes = {f"output{n}": {"dtype": "int8", "size": n + 1} for n in range(12)}
    fields = "".join(f"  void* result_{n};\n" for n in range(12))
    files = with_main(without_macros(TYPED), lambda main: main.update(outputs=sizes))
    files = edited(files, HEADER, "  void* scores;\n", fields)
    model = read_archive(pack(files, tmp_path / "model.tar"))
    assert [port.c_name for port in model.outputs] == [f"result_{n}" for n in range(12)]
    assert [port.tensor.size for port in model.outputs] == list(range(1, 13))

    one = with_main(TYPED, lambda m: m.update(outputs={"output": {"dtype": "int8", "size": 10}}))
    assert tensors(read_archive(pack(one, tmp_path / "one.tar"))) == [IMAGE, SCORES]


def folder(files: Files, path: Path) -> Path:
    return unpack_to(files, path)


def plain_names(files: Files, path: Path) -> Path:
    return pack(files, path, prefix="")


def with_folders(files: Files, path: Path) -> Path:
    """As `tar cf x.tar .` packs it."""
    with tarfile.open(path, "w") as tar:
        tar.add(unpack_to(files, path.with_suffix(".d")), arcname=".")
    return path


def compressed(files: Files, path: Path) -> Path:
    return pack(files, path, gz=True)


def gnu(files: Files, path: Path) -> Path:
    return pack({**files, "parameters/" + "x" * 150: b""}, path, form=tarfile.GNU_FORMAT)


def pax(files: Files, path: Path) -> Path:
    return pack({**files, "parameters/" + "ü" * 150: b""}, path, form=tarfile.PAX_FORMAT)


def with_runtime(files: Files, path: Path) -> Path:
    """tvmc's copy of its C runtime has headers and sources that are not the model's."""
    runtime = {"runtime/src/main.c": b"\xff", "templates/x/metadata.json": b"{}"}
    return pack({**files, **runtime}, path)


PACKINGS = (folder, plain_names, with_folders, compressed, gnu, pax, with_runtime)


@pytest.mark.parametrize("packing", PACKINGS, ids=lambda packing: packing.__name__)
def test_packings_read_the_same(packing: Callable[[Files, Path], Path], tmp_path: Path) -> None:
    model = read_archive(packing(TYPED, tmp_path / "model"))
    assert tensors(model) == [IMAGE, SCORES]
    assert model.sources["default_lib0.c"].encode() == TYPED[LIB0]


def test_order_is_that_of_the_header() -> None:
    """metadata.json has them sorted by name: ``gain`` first."""
    assert tensors(read_archive(archive("two_io"))) == [
        (
            "serving_default_left_image_0",
            "serving_default/left.image:0",
            "int8",
            (1, 4, 3),
        ),
        ("gain_Gr____e___", "gain-Größe μ", "float32", (3,)),
        ("StatefulPartitionedCall_0", "StatefulPartitionedCall:0", "float32", (12,)),
        ("StatefulPartitionedCall_1", "StatefulPartitionedCall:1", "int32", (3,)),
    ]


def test_name_that_begins_with_no_letter(tmp_path: Path) -> None:
    """Relay prints ``_image`` as ``%v_image``."""
    files = edited(TYPED, HEADER, "void* image;", "void* _image;")
    files = edited(files, HEADER, "DEFAULT_IMAGE_SIZE", "DEFAULT__IMAGE_SIZE")
    files = edited(files, "metadata.json", '"image"', '"_image"')
    files = edited(files, RELAY, "%image", "%v_image")
    model = read_archive(pack(files, tmp_path / "model.tar"))
    assert tensors(model) == [("_image", "_image", "int8", (1, 8, 8, 1)), SCORES]


def test_shapes_of_outputs_follow_the_header_too(tmp_path: Path) -> None:
    """``zebra`` is the first in header and Relay text, and the last in the sorted metadata."""
    files = unpack(archive("two_io"))
    files = with_types(files, "(Tensor[(4, 3), float32], Tensor[(1, 3), int32])")
    files = edited(files, HEADER, "StatefulPartitionedCall_0", "zebra")
    files = edited(files, HEADER, "STATEFULPARTITIONEDCALL_0", "ZEBRA")
    files = edited(files, "metadata.json", "StatefulPartitionedCall:0", "zebra")
    model = read_archive(pack(files, tmp_path / "model.tar"))
    assert [(p.tensor.name, p.tensor.shape) for p in model.outputs] == [
        ("zebra", (4, 3)),
        ("StatefulPartitionedCall:1", (1, 3)),
    ]


@pytest.mark.parametrize(
    ("name", "workspace", "image"),
    [
        ("kws_aot_c", 104192, (1, 49, 10, 1)),
        ("kws_aot_c_usmp", 104192, (1, 49, 10, 1)),
        ("kws_aot_c_pools", 104192, (1, 49, 10, 1)),
        ("resnet_aot_c_usmp", 197088, (1, 32, 32, 3)),
    ],
)
def test_real_models(name: str, workspace: int, image: tuple[int, ...], shared: Path) -> None:
    model = read_archive(shared / "mlf" / f"{name}.tar")
    assert model.workspace_size == workspace
    assert [port.tensor.shape for port in model.inputs] == [image]
