# SPDX-License-Identifier: Apache-2.0
"""10,000 inferences in one emulator session."""

from __future__ import annotations

import re

import pytest

from tests.support import Workspace, toolchain

pytestmark = pytest.mark.zephyr


def test_no_frame_is_lost_in_ten_thousand_inferences(
    zephyr_workspace: Workspace, old_boards: bool
) -> None:
    board = "mps2_an385" if old_boards else "mps2/an385"
    said = zephyr_workspace.ok(
        "utvm-run", "digits", "-b", board, "--repeat", "10000", env=toolchain(board)
    )
    assert "of 10000 runs" in said
    assert not re.search(r"had to be sent again", said)
