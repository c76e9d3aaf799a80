# SPDX-License-Identifier: Apache-2.0
"""Model -> Model Library Format archive of version 7."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from west_utvm.files import write_file
from west_utvm.mlf import params
from west_utvm.mlf.reader import Model

HINT = "give another file with -o"


def write_archive(model: Model, path: Path) -> None:
    """Write the archive; the same bytes for the same model."""
    write_file(path, archive_bytes(archive_files(model)), HINT)


def archive_files(model: Model) -> dict[str, bytes]:
    """Its members by their names. The weights are in the C sources, and no parameters are left."""
    assert model.header is not None
    name = model.metadata.model_name
    texts = {"metadata.json": json.dumps(model.document, indent=2, sort_keys=True) + "\n"}
    texts[f"codegen/host/include/tvmgen_{model.header.module}.h"] = model.header_text
    texts |= {f"codegen/host/src/{source}": text for source, text in model.sources.items()}
    texts[f"src/{name}.relax"] = model.relax
    files = {member: text.encode() for member, text in texts.items()}
    files[f"parameters/{name}.params"] = params.EMPTY
    return dict(sorted(files.items()))


def archive_bytes(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed tar with nothing in it of the day, the machine or the user."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
