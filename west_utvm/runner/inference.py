# SPDX-License-Identifier: Apache-2.0
"""Samples through a runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from west_utvm.device.client import Client, DeviceInfo, RunResult, StackStats
from west_utvm.device.transport import Transport
from west_utvm.module import GeneratedModule
from west_utvm.runner.tensors import Array, Samples, join_outputs

# An emulator is started through west, CMake and ninja: slow on a busy machine.
_BOOT_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """``repeated`` counts the requests that had to be sent again."""

    outputs: dict[str, Array]
    results: list[RunResult]
    info: DeviceInfo
    stack: StackStats
    repeated: int


@dataclass(frozen=True)
class Settings:
    """``repeat`` inferences a sample; ``timeout`` seconds for each; ``on_text`` gets the board's
    log, ``on_progress`` the number of samples done."""

    repeat: int
    timeout: float
    on_text: Callable[[str], None] | None = None
    on_progress: Callable[[int], None] | None = None


def infer(
    transport: Transport, module: GeneratedModule, samples: Samples, settings: Settings
) -> Outcome:
    """Run every sample on the board behind ``transport``, whose runner must serve ``module``."""
    client = Client(transport, run_timeout=settings.timeout, on_text=settings.on_text)
    info = client.hello(module.digest, wait=_BOOT_SECONDS)
    outputs, results = [], []
    for done, sample in enumerate(samples, start=1):
        for _ in range(settings.repeat):
            output, result = client.infer(sample)
            results.append(result)
        outputs.append(output)
        if settings.on_progress:
            settings.on_progress(done)
    stack = client.stats()
    joined = join_outputs(module.outputs, outputs, batched=samples.batched)
    return Outcome(joined, results, info, stack, client.repeated)
