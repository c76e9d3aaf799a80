# SPDX-License-Identifier: Apache-2.0
"""Generated modules compiled by the compilers of this machine, and run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from west_utvm.module import load_model, write_module

HOST = ("gcc", "clang")
CORTEX = ("cortex-m3", "cortex-m55")
# What a module's own CMakeLists.txt passes for the sources that tvmc wrote.
TVMC = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-parameter"]
GLUE = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef"]
GLUE += ["-Wmissing-prototypes", "-Wstrict-prototypes", "-Wcast-align", "-Wwrite-strings"]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

# Reads a model's number and its inputs, answers 0 or 1 and its outputs, until there is no more.
_MAIN = """\
#include <stdio.h>
#include <utvm/model.h>

{declarations}

static const struct utvm_model *const models[] = {{ {models} }};

int main(void)
{{
	for (int number = getchar(); number != EOF; number = getchar()) {{
		const struct utvm_model *model = models[number];

		for (int i = 0; i < model->num_inputs; i++) {{
			if (fread(model->inputs[i].data, model->inputs[i].size, 1, stdin) != 1) {{
				return 2;
			}}
		}}
		putchar(model->run() != 0);
		for (int i = 0; i < model->num_outputs; i++) {{
			fwrite(model->outputs[i].data, model->outputs[i].size, 1, stdout);
		}}
	}}
	return 0;
}}
"""


def need(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def module(source: Path, name: str, folder: Path, which: str | None = None) -> Path:
    """The module of archive ``source`` called ``name``, written into ``folder``."""
    write_module(load_model(source, which), name, folder / name, board=None)
    return folder / name


def is_glue(source: Path) -> bool:
    """Whether we wrote it; tvmc wrote the others."""
    return source.name.endswith(("_model.c", "_workspace.c", "_packed.c", "_graph.c", "_errno.c"))


def sources(folder: Path) -> list[Path]:
    """What the module's CMakeLists.txt compiles, in a build without Zephyr."""
    return [path for path in sorted((folder / "src").iterdir()) if "_errno" not in path.name]


def run_tool(command: Sequence[str | Path]) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stderr[:4000]}"
    return done.stdout


def compile_c(
    compiler: Sequence[str], source: Path, folder: Path, out: Path, flags: Iterable[str]
) -> Path:
    """Compile ``source`` of the module in ``folder``; warnings are errors."""
    target = out / f"{source.stem}.o"
    warnings = GLUE if is_glue(source) else TVMC
    include = [f"-I{folder / 'include'}", f"-I{folder / 'abi'}"]
    run_tool(
        [*compiler, "-std=c11", *warnings, *include, *flags, "-c", source, "-o", target],
    )
    return target


def compile_module(
    folder: Path, out: Path, compiler: Sequence[str], flags: Sequence[str] = ("-O1",)
) -> list[Path]:
    need(compiler[0])
    out.mkdir(parents=True, exist_ok=True)
    return [compile_c(compiler, source, folder, out, flags) for source in sources(folder)]


def link_program(
    folders: Sequence[Path], objects: Sequence[Path], out: Path, cc: str, flags: Sequence[str] = ()
) -> Path:
    """A program that serves the models of ``folders``, numbered in this order."""
    names = [folder.name for folder in folders]
    text = _MAIN.format(
        declarations="\n".join(f"extern const struct utvm_model utvm_model_{n};" for n in names),
        models=", ".join(f"&utvm_model_{name}" for name in names),
    )
    out.mkdir(parents=True, exist_ok=True)
    main, program = out / "main.c", out / "program"
    main.write_text(text)
    include = f"-I{folders[0] / 'include'}"
    run_tool([cc, *TVMC, *flags, include, main, *objects, "-lm", "-o", program])
    return program


def serve(
    program: Path, requests: Iterable[tuple[int, bytes]], sizes: Sequence[int]
) -> list[bytes]:
    """Send each request's inputs to the model of its number; the outputs, of that one's size."""
    requests = list(requests)
    sent = b"".join(bytes([number]) + data for number, data in requests)
    done = subprocess.run([program], input=sent, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[:4000]
    answers, rest = [], done.stdout
    for number, _ in requests:
        size = 1 + sizes[number]
        assert rest[:1] == b"\0", "the model returned an error"
        answers.append(rest[1:size])
        rest = rest[size:]
    assert not rest
    return answers


def global_symbols(objects: Iterable[Path]) -> dict[str, str]:
    """The letter of ``nm`` of each global symbol that is defined."""
    lines = run_tool(["nm", "--defined-only", "-g", *objects]).splitlines()
    fields = [line.split() for line in lines if len(line.split()) == 3]
    return {name: letter for _, letter, name in fields}
