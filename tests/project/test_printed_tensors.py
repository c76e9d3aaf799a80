# SPDX-License-Identifier: Apache-2.0
"""``zephyr_template/src/models.c``: what standalone and shell print of tensors, in each dtype."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support import ROOT
from west_utvm.tensor import DTYPE_SIZES

TEMPLATE = ROOT / "zephyr_template"
HEADERS = ROOT / "west_utvm" / "module" / "templates"

MAIN = """\
#include "models.h"

static const uint8_t data[] = { %(data)s };
static const struct utvm_tensor tensor = { "t", "%(dtype)s", (void *)data, sizeof(data) };
const struct utvm_model utvm_model_m = { .outputs = &tensor };

int main(void)
{
	char line[UTVM_LINE];

	utvm_format_tensor(line, &tensor);
	printf("%%s", line);
	return 0;
}
"""


def printed(folder: Path, array: np.ndarray, dtype: str, name: str = "t") -> str:
    data = ", ".join(map(str, array.tobytes()))
    main = MAIN % {"data": data, "dtype": dtype}
    (folder / "main.c").write_text(main.replace('"t"', f'"{name}"'))
    (folder / "utvm_models.inc").write_text("MODEL(m)\n")
    (folder / "utvm").mkdir(exist_ok=True)
    (folder / "utvm" / "model.h").write_text((HEADERS / "model.h").read_text())
    sources = [folder / "main.c", TEMPLATE / "src/models.c", TEMPLATE / "host/port_host.c"]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-D_POSIX_C_SOURCE=200809L"]
    flags += ["-fsanitize=address,undefined", f"-I{folder}", f"-I{TEMPLATE / 'src'}"]
    command = ["cc", *flags, *map(str, sources), "-o", str(folder / "a.out")]
    subprocess.run(command, check=True)
    return subprocess.run([folder / "a.out"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("dtype", DTYPE_SIZES)
def test_elements_and_the_largest_of_each_dtype(tmp_path: Path, dtype: str) -> None:
    kind = np.dtype(dtype)
    values = np.array([0, 1, 0, 1, 1], kind)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        low = max(info.min, -(1 << 53))
        values = np.array([low, 3, min(info.max, 1 << 53), 0, 7], kind)
    elif kind.kind == "f":
        values = np.array([-0.5, 6.104e-05, 5.96e-08, 1234, -np.inf], kind)
    shown = " ".join(f"{float(v):g}" if kind.kind == "f" else str(int(v)) for v in values)
    top = int(values.argmax())
    largest = shown.split(" ")[top]
    assert printed(tmp_path, values, dtype) == f"t: {dtype}[5] {shown}, top-1 {top} ({largest})"


def test_long_tensors_names_and_unknown_dtypes(tmp_path: Path) -> None:
    said = printed(tmp_path, np.arange(9, dtype=np.uint8), "uint8", "n" * 300)
    assert said == f"{'n' * 64}: uint8[9] 0 1 2 3 4 5 6 7 ..., top-1 8 (8)"
    assert printed(tmp_path, np.arange(9, dtype=np.uint8), "bfloat16") == "t: bfloat16[0]"
