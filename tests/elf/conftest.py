# SPDX-License-Identifier: Apache-2.0
"""Firmware that several tests measure: ``main.c`` and two models, linked in different ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.elf.toolchain import FIRMWARE, Built, build_model, compile_arm, link_arm

# Elements of weights and bytes of workspace. One name begins with the other.
MODELS = {"kws": (1000, 4096), "kws_big": (3000, 9000)}

Link = Callable[[str], Built]
Objects = dict[str, list[Path]]


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """The object files of each model by its name, and of ``main``."""
    folder = tmp_path_factory.mktemp("objects")
    models = {name: build_model(folder, name, *sizes) for name, sizes in MODELS.items()}
    return {"main": [compile_arm(FIRMWARE / "main.c", folder)], **models}


@pytest.fixture(scope="session")
def link(objects: Objects, tmp_path_factory: pytest.TempPathFactory) -> Link:
    """Link everything with one of the linker scripts, each once."""
    everything = [path for paths in objects.values() for path in paths]

    @cache
    def linked(layout: str) -> Built:
        return link_arm(everything, layout, tmp_path_factory.mktemp(layout) / "zephyr.elf")

    return linked


@pytest.fixture(scope="session")
def firmware(link: Link) -> Built:
    """Executed from flash, as most boards do."""
    return link("flash")
