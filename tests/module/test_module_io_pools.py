# SPDX-License-Identifier: Apache-2.0
"""An application for inputs and outputs in the workspace, with tvmc's model and with ours."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.archives import archive
from tests.host_build import SANITIZE, TVMC, compile_module, module, run_tool
from tests.support import DIGITS
from west_utvm.compiler import compile_model
from west_utvm.module import write_module

# As one would write it for microTVM: it knows the pool's name, and asks for all else.
APPLICATION = """\
#include <stdio.h>
#include <string.h>
#include <tvmgen_kws.h>

static uint8_t sram[TVMGEN_KWS_SRAM_WORKSPACE_POOL_SIZE] __attribute__((aligned(16)));

int main(void)
{
	struct tvmgen_kws_workspace_pools pools = {.sram = sram};
	struct tvmgen_kws_inputs inputs = tvmgen_kws_map_inputs(&pools);
	struct tvmgen_kws_outputs outputs = tvmgen_kws_map_outputs(&pools);

	while (fread(inputs.image, TVMGEN_KWS_IMAGE_SIZE, 1, stdin) == 1) {
		if (tvmgen_kws_run(&pools) != 0) {
			return 1;
		}
		fwrite(outputs.scores, TVMGEN_KWS_SCORES_SIZE, 1, stdout);
	}
	return 0;
}
"""


def scores(folder: Path, out: Path) -> Any:
    """What the application gives for all images of the sample, int [images, 10]."""
    objects = [
        path
        for path in compile_module(folder, out, ["gcc"], ["-O1", *SANITIZE])
        if not path.name.endswith("_model.o")
    ]
    (out / "application.c").write_text(APPLICATION)
    include = [f"-I{folder / 'include'}", f"-I{folder / 'abi'}"]
    program = out / "application"
    run_tool(
        ["gcc", *TVMC, *SANITIZE, *include, out / "application.c", *objects, "-lm", "-o", program]
    )
    images = np.load(DIGITS / "input.npz")["image"]
    done = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int8).reshape(len(images), -1).astype(int)


def test_one_application_for_both(tmp_path: Path) -> None:
    pytest.importorskip("tvm")
    compiled = compile_model(DIGITS / "digits.tflite", name="kws", io_in_workspace=True)
    (tmp_path / "ours").mkdir()
    write_module(compiled.model, "kws", tmp_path / "ours" / "kws", board=None)
    (tmp_path / "theirs").mkdir()
    theirs = module(archive("digits_aot_c_io_pools"), "kws", tmp_path / "theirs")
    expected = np.load(DIGITS / "expected.npz")["scores"].astype(int)
    assert (scores(tmp_path / "ours" / "kws", tmp_path / "o1") == expected).all()
    assert np.abs(scores(theirs, tmp_path / "o2") - expected).max() <= 6  # it rounds otherwise
