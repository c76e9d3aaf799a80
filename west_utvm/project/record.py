# SPDX-License-Identifier: Apache-2.0
"""``project.json``: what a project was made of. Nothing of the machine that made it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError
from west_utvm.module import GeneratedModule, read_module
from west_utvm.workspace.modules_dir import module_names

RECORD = "project.json"
MODULES = "modules"
FORMAT = 1
_KEY = "west_utvm"
_OTHER_TYPE = re.compile(r"^CONFIG_UTVM_RUNNER_(STANDALONE|SHELL)=y", re.MULTILINE)
_HINT = "restore it from version control, or make the project anew with west utvm-project"


@dataclass(frozen=True)
class Project:
    """``models`` are names in the order they were given, ``samples`` the SHA-256 in hex of the
    generated C source of a model's sample, by model; ``template`` its identity."""

    folder: Path
    board: str | None
    kind: str
    template: Mapping[str, str]
    models: tuple[str, ...]
    samples: Mapping[str, str]

    @property
    def modules(self) -> Path:
        return self.folder / MODULES

    def module(self, name: str | None = None) -> GeneratedModule:
        """The model called so, or the one that the runner serves unless told otherwise."""
        present = module_names(self.modules)
        ordered = [*(n for n in self.models if n in present), *present]
        if not ordered or (name is not None and name not in ordered):
            what = f"has no model '{name}'" if name else "has no model"
            hint = f"add one with west utvm-project -m (here: {', '.join(present) or 'none'})"
            raise UtvmError(what, where=self.folder, hint=hint)
        return read_module(self.modules / (name or ordered[0]))

    def check_served(self) -> None:
        """UtvmError unless prj.conf makes this a runner, the type that talks to us."""
        with suppress(OSError):
            found = _OTHER_TYPE.search((self.folder / "prj.conf").read_text(errors="replace"))
            if found:
                what = f"is of type {found[1].lower()}, which west utvm-run cannot talk to"
                hint = "west build it; then west flash, or west build -t run for an emulator"
                raise UtvmError(what, where=self.folder, hint=hint)


def is_project(folder: Path) -> bool:
    """Whether ``west utvm-project`` made ``folder``."""
    try:
        document = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and _KEY in document


def read_project(folder: Path) -> Project:
    """The project in ``folder``; UtvmError if it holds none."""
    where = folder / RECORD
    try:
        document = json.loads(where.read_bytes())
        if document[_KEY] != FORMAT:
            raise UtvmError("was written by another version of west-utvm", where=where, hint=_HINT)
        return _project(folder, document)
    except FileNotFoundError:
        hint = "make one with west utvm-project"
        raise UtvmError("is not a project of west utvm-project", where=folder, hint=hint) from None
    except (OSError, ValueError, AttributeError, LookupError, RecursionError, TypeError):
        raise UtvmError("is no record of west utvm-project", where=where, hint=_HINT) from None


def record(project: Project) -> bytes:
    """``project.json``; of the models it says what their modules say."""
    document = {
        _KEY: FORMAT,
        "board": project.board,
        "type": project.kind,
        "template": dict(project.template),
        "models": [_model(project, name) for name in project.models],
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _project(folder: Path, document: dict[str, Any]) -> Project:
    models = document["models"]
    return Project(
        folder=folder,
        board=_text(document["board"]) if document["board"] is not None else None,
        kind=_text(document["type"]),
        template={_text(key): _text(value) for key, value in document["template"].items()},
        models=tuple(_text(model["name"]) for model in models),
        samples={model["name"]: _text(model["sample"]) for model in models if "sample" in model},
    )


def _model(project: Project, name: str) -> dict[str, Any]:
    module = read_module(project.modules / name)
    fields = {"name": name, "digest": module.digest.hex(), "target": _targets(module)}
    return fields | ({"sample": project.samples[name]} if name in project.samples else {})


def _targets(module: GeneratedModule) -> list[str]:
    """What the archive says of the target: before version 6 of MLF by device type."""
    document = json.loads((module.folder / "metadata.json").read_bytes())
    entry = next(iter(document["modules"].values())) if "modules" in document else document
    target = entry.get("target", [])
    return [str(item) for item in (target.values() if isinstance(target, dict) else target)]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
