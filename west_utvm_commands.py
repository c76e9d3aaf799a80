# SPDX-License-Identifier: Apache-2.0
"""Where west finds the commands of west-commands.yml.

West appends this file's folder to sys.path: it must be the one that holds the package
``west_utvm``, and no other module of ours may lie beside it under a common name.
"""

from west_utvm.commands.compile import Compile
from west_utvm.commands.project import Project
from west_utvm.commands.run import Run
from west_utvm.commands.size import Size

__all__ = ["Compile", "Project", "Run", "Size"]
