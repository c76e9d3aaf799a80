# SPDX-License-Identifier: Apache-2.0
"""An operator in C: its constants and its function, which calls or has its kernel inlined."""

from __future__ import annotations

from west_utvm.codegen import chain, text
from west_utvm.kernels import Emitted
from west_utvm.lowering.program import WEIGHTED, Operator, Value


def symbol(number: int, operator: Operator) -> str:
    """The name of an operator's function in C."""
    return f"op{number:02}_{operator.label}"


def operator_function(number: int, operator: Operator, emitted: Emitted) -> str:
    """The constants of an operator and its function; of a chain those of its links before."""
    name = symbol(number, operator)
    links = emitted.turns.links if emitted.turns else ()
    functions = [
        _function(f"{name}_link{i}", link.operator, link.emitted) for i, link in enumerate(links)
    ]
    return "\n".join([*functions, _function(name, operator, emitted)])


def _function(name: str, operator: Operator, emitted: Emitted) -> str:
    arrays = [text.array(f"{name}_{part}", data) + "\n" for part, data in emitted.constants.items()]
    arrays += [
        text.array(f"{name}_input{i}", value.data) + "\n"
        for i, value in constant_inputs(operator)
        if value.data is not None
    ]
    return "".join(arrays) + _comment(operator, emitted) + _definition(name, operator, emitted)


def activations(operator: Operator) -> list[Value]:
    """The inputs that an operator's function takes: all but weights and bias."""
    weighted = operator.kind in WEIGHTED
    return list(operator.inputs[:1] if weighted else operator.inputs)


def constant_inputs(operator: Operator) -> list[tuple[int, Value]]:
    """Activations that are constants, and which inputs of the function they are."""
    values = enumerate(activations(operator))
    return [(i, value) for i, value in values if value.data is not None]


def constant_bytes(operator: Operator, emitted: Emitted) -> int:
    if emitted.turns:
        return sum(constant_bytes(link.operator, link.emitted) for link in emitted.turns.links)
    inputs = [value.data for _, value in constant_inputs(operator)]
    arrays = (*emitted.constants.values(), *(data for data in inputs if data is not None))
    return sum(data.nbytes for data in arrays)


def _comment(operator: Operator, emitted: Emitted) -> str:
    shapes = ", ".join(text.shape(value.shape) for value in activations(operator))
    window = operator.inputs[1].shape if len(activations(operator)) < len(operator.inputs) else ()
    weights = f", weights {text.shape(window)}" if window else ""
    macs = f", {emitted.macs} MACs" if emitted.macs else ""
    source = text.comment(operator.source.replace(" (", ", ").replace(")", ""))
    line = f"{source}: {shapes} -> {text.shape(operator.outputs[0].shape)}{weights}{macs}"
    return f"/*\n{text.comment_lines(text.comment(operator.name))}{text.comment_lines(line)} */\n"


def _definition(name: str, operator: Operator, emitted: Emitted) -> str:
    names = _input_names(operator)
    taken = [
        f"const {text.c_type(value.dtype)} *{item}"
        for item, value in zip(names, activations(operator), strict=True)
    ]
    taken += ["void *scratch"] if emitted.scratch else []
    taken.append(f"{text.c_type(operator.outputs[0].dtype)} *output")
    opening = text.call(f"static void {name}", taken, "\n{\n")
    written = chain.body(name, names, emitted.turns) if emitted.turns else emitted.body
    if written:
        return f"{opening}{written}}}\n"
    constants = [f"{name}_{part}" for part in emitted.constants]
    scratch = ["scratch"] if emitted.scratch else []
    arguments = ["&parameters", *names, *constants, *scratch, "output"]
    fields = text.initializer(emitted.fields, "\t\t")
    struct = f"\tstatic const struct utvm_{emitted.struct} parameters = {{\n{fields}\t}};\n\n"
    return opening + struct + text.call(f"\tutvm_{emitted.kernel}", arguments, ";\n}\n")


def _input_names(operator: Operator) -> list[str]:
    count = len(activations(operator))
    return ["input"] if count == 1 else [f"input{i}" for i in range(count)]
