# SPDX-License-Identifier: Apache-2.0
"""Time per inference as the device measured it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from west_utvm.device.client import RunResult


def describe(results: Sequence[RunResult], clock_hz: int) -> str:
    """One line: minimum, median and maximum, in cycles of the device's clock and in µs.

    ``clock_hz`` 0 means that the device has no clock that tells real time.
    """
    if not clock_hz or not results:
        return "time per inference: unknown, this board's clock does not tell real time"
    cycles = [result.cycles for result in results]
    figures = " / ".join(f"{cycle:,}" for cycle in _spread(cycles))
    times = [result.nanoseconds or 0 for result in results]
    micros = " / ".join(f"{time / 1000:,.1f}" for time in _spread(times))
    runs = f"{len(results)} runs" if len(results) > 1 else "1 run"
    return (
        f"time per inference, min / median / max of {runs}: {micros} µs "
        f"({figures} cycles at {clock_hz / 1e6:g} MHz)"
    )


def _spread(values: Sequence[int]) -> tuple[int, int, int]:
    return min(values), statistics.median_low(values), max(values)
