# SPDX-License-Identifier: Apache-2.0
"""A sample as C, for the types of project that run a model on what is compiled in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from west_utvm.module import GeneratedModule

FOLDER = "inputs"

_SOURCE = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* A sample for model {name}, written by west utvm-project --input. */
#include "models.h"

{arrays}
static const struct utvm_value values[] = {{
{values}}};

const struct utvm_sample utvm_sample_{name} = {{ values, {count} }};
"""


def first_sample(npz: Path, module: GeneratedModule) -> list[bytes]:
    """The first sample that ``npz`` holds for the inputs of ``module``; others are zeros.

    UtvmError if an array does not suit the model.
    """
    from west_utvm.runner.tensors import load_npz, make_samples

    samples = make_samples(module.inputs, load_npz(npz), str(npz), fill="zeros", seed=0)
    return next(iter(samples))


def sample_source(name: str, sample: Sequence[bytes]) -> str:
    """C that defines ``utvm_sample_<name>`` with the inputs' bytes, little endian."""
    arrays = "".join(
        f"static const uint8_t input_{i}[{len(data)}] = {{\n{_rows(data)}}};\n"
        for i, data in enumerate(sample)
    )
    values = "".join(f"\t{{ input_{i}, sizeof(input_{i}) }},\n" for i in range(len(sample)))
    return _SOURCE.format(name=name, arrays=arrays, values=values, count=len(sample))


def _rows(data: bytes) -> str:
    rows = [data[i : i + 16] for i in range(0, len(data), 16)]
    return "".join("\t" + " ".join(f"{byte}," for byte in row) + "\n" for row in rows)
