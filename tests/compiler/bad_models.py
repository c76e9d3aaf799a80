# SPDX-License-Identifier: Apache-2.0
"""Compiles files that nobody should trust, each in a process that may die without harm.

As a program: reads a job and a path a line, and answers each with one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
# A file may not take longer; the first one waits for TVM's import too.
SECONDS = 30.0
ADDRESS_SPACE = 4 << 30
SAMPLES = 2
# UTVM_FLIPS=full flips 1,000 bytes of each model, small and real (an hour).
SMALL_FLIPS, REAL_FLIPS = (1000, 1000) if os.environ.get("UTVM_FLIPS") == "full" else (40, 8)


@dataclass(frozen=True)
class Verdict:
    """``kind``: done, refused (UtvmError), broken (any other exception), died, slow.

    ``said`` is a reason, or the job's result: C sources by their paths, or outputs in hex.
    """

    kind: str
    said: Any

    @property
    def good(self) -> bool:
        if self.kind == "done":
            return True
        return self.kind == "refused" and "\n" not in self.said and len(self.said) < 600


class Worker:
    """A process that does jobs; started again whenever a file has killed it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def do(self, job: str, path: Path) -> Verdict:
        """``job`` is one of :data:`JOBS`."""
        process = self._start()
        assert process.stdin and process.stdout
        process.stdin.write(f"{job} {path}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], self.seconds)
        if not ready:
            self._stop()
            return Verdict("slow", f"no answer in {self.seconds:.0f} s")
        line = process.stdout.readline()
        if not line:
            status = process.wait()
            self._stop()
            return Verdict("died", f"exit status {status}")
        kind, said = json.loads(line)
        return Verdict(kind, said)

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None


def compile_all(
    models: Iterable[tuple[str, bytes]], folder: Path, suffix: str = ".tflite"
) -> dict[str, Verdict]:
    """The verdicts on files that are called so."""
    path = folder / f"bad{suffix}"
    verdicts = {}
    with Worker() as worker:
        for name, data in models:
            path.write_bytes(data)
            verdicts[name] = worker.do("compile", path)
    return verdicts


def check_verdicts(verdicts: dict[str, Verdict]) -> None:
    """Each file was compiled or refused in a line."""
    bad = {name: verdict for name, verdict in verdicts.items() if not verdict.good}
    listed = "\n".join(f"{name}: {v.kind}: {v.said[-400:]}" for name, v in list(bad.items())[:5])
    assert not bad, f"{len(bad)} of {len(verdicts)}:\n{listed}"


def flipped(model: bytes, number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """One bit or the whole byte of a random place. Half of them in the last eighth of the file:
    there flatbuffers keeps tables, not weights."""
    random = np.random.default_rng(seed)
    for count in range(number):
        first = len(model) * 7 // 8 if count % 2 else 0
        at = int(random.integers(first, len(model)))
        mask = int(random.choice([1 << int(random.integers(8)), 0xFF]))
        damaged = bytearray(model)
        damaged[at] ^= mask
        yield f"byte {at} ^ {mask:#x}", bytes(damaged)


def check_flipped(
    model: bytes,
    folder: Path,
    differs: Callable[[bytes, dict[str, str], Any], bool],
    suffix: str = ".tflite",
) -> None:
    """Damaged copies of a small model: what was compiled in spite of it is right, too.

    ``differs`` is asked of a model, its C sources and the reference's outputs in hex.
    """
    models = dict(flipped(model, SMALL_FLIPS, 2))
    verdicts = compile_all(models.items(), folder, suffix)
    check_verdicts(verdicts)
    compiled = {name: v.said for name, v in verdicts.items() if v.kind == "done"}
    assert compiled, "not one flipped byte was harmless: the file is not what it seems"
    path = folder / f"flipped{suffix}"
    with Worker() as references:
        for name, files in compiled.items():
            path.write_bytes(models[name])
            verdict = references.do("reference", path)
            # The reference may refuse what we take.
            wrong = verdict.kind == "done" and differs(models[name], files, verdict.said)
            assert not wrong, f"{name}: compiled to something else than it says"


def _compile(path: Path) -> dict[str, str]:
    from west_utvm.compiler import compile_model

    return dict(compile_model(path, name="net").files)


def _reference(path: Path) -> list[list[str]]:
    """Outputs of the first samples; references abort on some of what they do not like."""
    from tests.compiler import onnx_reference
    from tests.compiler.reference import is_onnx, run, samples

    model = path.read_bytes()
    inputs = samples(model, SAMPLES)
    runs = onnx_reference.run(model, inputs) if is_onnx(model) else run(model, inputs, "tflm")
    return [[value.tobytes().hex() for value in one.outputs] for one in runs]


JOBS: dict[str, Callable[[Path], Any]] = {"compile": _compile, "reference": _reference}


def _verdict(job: str, path: str) -> tuple[str, Any]:
    from west_utvm.errors import UtvmError

    try:
        return "done", JOBS[job](Path(path))
    except UtvmError as error:
        return "refused", str(error)
    except Exception:
        return "broken", traceback.format_exc()[-1500:]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    answers = sys.stdout
    # Whatever a library prints must not look like an answer.
    sys.stdout = sys.stderr
    for line in sys.stdin:
        verdict = _verdict(*line.rstrip("\n").split(" ", 1))
        print(json.dumps(verdict), file=answers, flush=True)


if __name__ == "__main__":
    main()
