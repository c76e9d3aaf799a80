# SPDX-License-Identifier: Apache-2.0
"""Model -> Model Library Format archive of version 7."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.mlf.reader import Model


def write_archive(model: Model, path: Path) -> None:
    """Write the archive; the same bytes for the same model."""
    data = archive_bytes(archive_files(model))
    try:
        path.write_bytes(data)
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise UtvmError(what, where=path, hint="give another file with -o") from None


def archive_files(model: Model) -> dict[str, bytes]:
    """Its members by their names. The weights are in the C sources, so it has no parameters."""
    assert model.header is not None
    files = {"metadata.json": json.dumps(model.document, indent=2, sort_keys=True) + "\n"}
    files[f"codegen/host/include/tvmgen_{model.header.module}.h"] = model.header_text
    files |= {f"codegen/host/src/{name}": text for name, text in model.sources.items()}
    return {name: text.encode() for name, text in sorted(files.items())}


def archive_bytes(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed tar with nothing in it of the day, the machine or the user."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
