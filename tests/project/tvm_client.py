# SPDX-License-Identifier: Apache-2.0
"""Drive our Project API server by TVM's own client; run by test_tvm_client.py with TVM's Python.

    tvm_client.py TEMPLATE ARCHIVE PROJECT OPTIONS SAMPLE

Prints the transcript, a line for each request and reply, and the outputs of one inference.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
import logging
import struct
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

DIGITS_OUTPUT = 10
HELLO, WRITE, RUN, READ, BOOT, RESULT = 0x01, 0x02, 0x03, 0x04, 0xC0, 0xC3


def load_client() -> ModuleType:
    """tvm.micro.project_api.client alone: the rest of tvm.micro is not built into the wheel."""
    spec = importlib.util.find_spec("tvm")
    assert spec is not None and spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "micro" / "project_api"
    package = ModuleType("project_api")
    package.__path__ = [str(folder)]
    sys.modules["project_api"] = package
    return importlib.import_module("project_api.client")


def cobs(data: bytes) -> bytes:
    encoded = b"".join(bytes([len(block) + 1]) + block for block in data.split(b"\0"))
    assert all(len(block) < 254 for block in data.split(b"\0"))
    return b"\0" + encoded + b"\0"


def uncobs(data: bytes) -> bytes:
    blocks = []
    while data:
        blocks.append(data[1 : data[0]])
        data = data[data[0] :]
    return b"\0".join(blocks)


class Runner:
    """The runner's protocol, written anew from PROTOCOL.md over the client's transport."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seq = 0

    def wait_for_boot(self) -> None:
        while self._frame()[1] != BOOT:
            pass

    def request(self, kind: int, payload: bytes, answer: int) -> bytes:
        self._seq += 1
        raw = struct.pack("<BBHI", 1, kind, self._seq, 0x1234) + payload
        self._client.write_transport(cobs(raw + struct.pack("<I", zlib.crc32(raw))), 5.0)
        while True:
            raw = self._frame()
            found, seq = raw[1], struct.unpack_from("<H", raw, 2)[0]
            if found == answer and seq == self._seq:
                assert raw[8] == 0, f"status {raw[8]}"
                return raw[9:-4]

    def _frame(self) -> bytes:
        while True:
            data = b""
            while (byte := self._client.read_transport(1, 60.0)["data"]) != b"\0":
                data += byte
            # Between frames is what the board or its emulator prints.
            if len(data) >= 13 and data[1] == 1:
                return uncobs(data)


def main() -> None:
    template, archive, project, options, sample = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(message)s")
    client = load_client()
    chosen = json.loads(options)

    server = client.instantiate_from_dir(template)
    info = server.server_info_query("0.16.dev0")
    assert info["is_template"]
    server.generate_project(archive, "/nonexistent", project, chosen)
    server.shutdown()

    server = client.instantiate_from_dir(project)
    info = server.server_info_query("0.16.dev0")
    assert not info["is_template"]
    # TVM sends the defaults of all options that the user has not given.
    chosen = {option["name"]: option["default"] for option in info["project_options"]} | chosen
    server.build(chosen)
    server.flash(chosen)
    server.open_transport(chosen)
    runner = Runner(server)
    runner.wait_for_boot()
    hello = runner.request(HELLO, b"", HELLO | 0x80)
    print("hello:", hello[-6:].decode())
    runner.request(WRITE, struct.pack("<BI", 0, 0) + base64.b64decode(sample), WRITE | 0x80)
    runner.request(RUN, b"", RESULT)
    scores = runner.request(READ, struct.pack("<BIH", 0, 0, DIGITS_OUTPUT), READ | 0x80)
    print("scores:", list(struct.unpack("<10b", scores)))
    server.close_transport()
    server.shutdown()


if __name__ == "__main__":
    main()
