# SPDX-License-Identifier: Apache-2.0
"""Archives of models that were compiled here: their layout, their record, and the way back."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.archives import unpack
from tests.compiled_models import MODELS, Compile
from tests.support import DIGITS, ROOT
from west_utvm.mlf import read_archive, write_archive
from west_utvm.mlf.params import read_params
from west_utvm.module.writer import load_model, module_files

each_model = pytest.mark.parametrize("name", MODELS)


def record(compiled: Compile, name: str) -> dict[str, Any]:
    found: dict[str, Any] = compiled(name).model.entry["west_utvm"]["compiler"]
    return found


def test_layout_is_that_of_version_7(compiled: Compile, tmp_path: Path) -> None:
    write_archive(compiled("digits").model, tmp_path / "x.tar")
    files = unpack(tmp_path / "x.tar")
    assert list(files) == [
        "codegen/host/include/tvmgen_net.h",
        "codegen/host/src/net_lib0.c",
        "metadata.json",
        "parameters/net.params",
        "src/net.relax",
    ]
    assert json.loads(files["metadata.json"])["version"] == 7
    # What tvmc wrote where the weights are in the C, byte for byte.
    assert files["parameters/net.params"] == (0xF7E58D4F05049CB7).to_bytes(32, "little")
    assert read_params(files["parameters/net.params"], "x") == {}


@each_model
def test_module_of_the_archive_is_the_module_of_the_model(
    name: str, compiled: Compile, tmp_path: Path
) -> None:
    """Byte for byte, the metadata among it."""
    model = compiled(name).model
    write_archive(model, tmp_path / "x.tar")
    read = load_model(tmp_path / "x.tar")
    assert module_files(read, "net", "host") == module_files(model, "net", "host")
    assert read.relax == model.relax
    assert read.entry == json.loads(json.dumps(model.entry))


@each_model
def test_the_same_bytes_again(name: str, compiled: Compile, tmp_path: Path) -> None:
    """From the archive that was read too; and nothing in it of this machine."""
    write_archive(compiled(name).model, tmp_path / "x.tar")
    write_archive(read_archive(tmp_path / "x.tar"), tmp_path / "y.tar")
    data = (tmp_path / "x.tar").read_bytes()
    assert (tmp_path / "y.tar").read_bytes() == data
    for path in (ROOT, tmp_path, Path.home()):
        assert str(path).encode() not in data


def test_what_it_was_made_from(compiled: Compile) -> None:
    found = record(compiled, "digits")
    data = (DIGITS / "digits.tflite").read_bytes()
    assert found["model"] == {
        "format": "tflite",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    assert set(found["versions"]) == {"west-utvm", "apache-tvm", "tflite"}
    assert re.match(r"0\.27\.", found["versions"]["apache-tvm"])
    assert found["options"] == {"feature": "portable", "optimize": "balanced"}
    assert found["rounding"] == "tflm" and found["float"] == []


@each_model
def test_sums_are_those_of_the_sources(name: str, compiled: Compile) -> None:
    found, result = record(compiled, name), compiled(name)
    assert found["macs"] == result.macs == sum(item["macs"] for item in found["operators"])
    assert found["constants"] == sum(item["constants"] for item in found["operators"])
    assert found["constants"] == constants_in(result.files["src/net_lib0.c"])


def constants_in(text: str) -> int:
    """Bytes of the constant arrays that C text defines."""
    sizes = {"int8_t": 1, "int32_t": 4, "float": 4}
    arrays = re.findall(r"^static const (\w+) \w+\[(\d+)\] = \{", text, re.MULTILINE)
    return sum(sizes[kind] * int(count) for kind, count in arrays)


def test_operators_are_named_as_in_the_sources(compiled: Compile) -> None:
    text = compiled("digits").files["src/net_lib0.c"]
    operators = record(compiled, "digits")["operators"]
    for item, emitted in zip(operators, compiled("digits").planned.emitted, strict=True):
        if item["kernel"] != "(none)":
            assert f"static void {item['function']}(" in text
            assert item["kernel"] == emitted.label or item["kernel"] == emitted.kernel
            assert f"\tutvm_{emitted.kernel}(" in text
        else:
            assert f"/* {item['function']}: its result is where its input is. */" in text


@each_model
def test_workspace_map(name: str, compiled: Compile) -> None:
    """Every tensor of the workspace, at its place, for as long as it is read."""
    found = record(compiled, name)
    tensors = found["workspace"]["tensors"]
    values = [t for t in tensors if t["role"] != "scratch"]
    for step, item in enumerate(found["operators"]):
        place = item["output"]["place"]
        if place["buffer"] == "workspace":
            # A result may lie where an input did that is read for the last time.
            here = [t for t in values if t["offset"] == place["number"]]
            there = max((t for t in here if t["first"] <= step), key=lambda t: t["first"])
            assert step <= there["last"]
            assert there["size"] == item["output"]["size"]
        for wanted in item["inputs"]:
            known = [t for t in values if t["name"] == wanted]
            assert all(t["first"] < step <= t["last"] for t in known)
    ends = [t["offset"] + t["size"] for t in tensors]
    assert max(ends, default=0) <= found["workspace"]["size"] < max(ends, default=0) + 16
    assert found["workspace"]["lower_bound"] <= found["workspace"]["size"]
    for a, b in combinations(tensors, 2):
        at_once = a["first"] <= b["last"] and b["first"] <= a["last"]
        apart = a["offset"] + a["size"] <= b["offset"] or b["offset"] + b["size"] <= a["offset"]
        # A result may be written over an input that is read for the last time.
        assert not at_once or apart or a["last"] == b["first"]


def test_relax_is_readable(compiled: Compile) -> None:
    text = compiled("digits").model.relax
    assert "@I.ir_module" in text and "R.nn.conv2d(" in text
    assert "# input image: int8 1x8x8x1" in text and "# output scores: int8 1x10" in text
    for item in record(compiled, "digits")["operators"]:
        assert f"# {item['source']}: {item['name']}\n" in text
    assert len(text) < 20_000 and "params" not in text and "base64" not in text


def test_float_ends_are_no_float_operators(compiled: Compile) -> None:
    found = record(compiled, "chain-float-ends")
    kinds = [item["kind"] for item in found["operators"]]
    assert kinds[0] == "quantize" and kinds[-1] == "dequantize"
    assert found["float"] == []
    assert "scale" not in found["inputs"][0] and found["inputs"][0]["dtype"] == "float32"
