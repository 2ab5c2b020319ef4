"""What a graph is made of: the operations behind its outputs, and what is known of each."""

import re
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

from kerasgan.serving.savedmodel import Tensor

PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
RANDOM = re.compile("Random|Rng|NonDeterministic|Uniform|Normal|Multinomial|Gamma|Poisson|Binomial|Shuffle|Sampler")
# How far two computations of the same row may be apart. Batches of another size are multiplied by another routine, and
# round otherwise: what was seen is 1e-6 in float32 and 3e-4 in float16; one unit of bfloat16's last place is .008.
TOLERANCES = {tf.bfloat16: 0.03, tf.float16: 4e-3, tf.float32: 1e-4}


def tolerance_of(graph: Any) -> float:
    """How far two computations of one row may be apart in a `MetaGraphDef`, by the coarsest type in it."""
    types = {
        attribute.type
        for nodes in (graph.graph_def.node, *(f.node_def for f in graph.graph_def.library.function))
        for node in nodes
        for attribute in node.attr.values()
    }
    return next(
        tolerance for dtype, tolerance in TOLERANCES.items() if dtype.as_datatype_enum in types or dtype == tf.float32
    )


def nodes_behind(graph: Any, outputs: Iterable[Tensor]) -> list:
    """All nodes that an output depends on, those of the functions that they call included."""
    library = {function.signature.name: function for function in graph.graph_def.library.function}
    nodes = {node.name: node for node in graph.graph_def.node}
    found, seen, names = [], set(), [tensor.name for tensor in outputs]
    while names:
        name = names.pop().lstrip("^").partition(":")[0]
        if name not in seen:
            seen.add(name)
            found.append(nodes[name])
            names.extend(nodes[name].input)
    waiting, known = list(found), set()
    while waiting:
        node = waiting.pop()
        for attribute in node.attr.values():
            functions = [attribute.func.name, *(function.name for function in attribute.list.func)]
            for function in functions:
                if function in library and function not in known:
                    known.add(function)
                    found.extend(library[function].node_def)
                    waiting.extend(library[function].node_def)
    return found


def is_stateful_random(operation: str) -> bool:
    """Whether an operation draws from a generator that lives in the process."""
    definition = op_def_registry.get(operation)
    return definition is not None and definition.is_stateful and RANDOM.search(operation) is not None


def has_gpu_kernel(node: Any) -> bool:
    """Whether an operation could run on a GPU, as far as its registration says."""
    if node.op == "Placeholder" or (node.op == "Const" and node.attr["dtype"].type == tf.string.as_datatype_enum):
        return True  # what is fed, and the words of an Assert, are on the host anyway
    for kernel in kernels.get_registered_kernels_for_op(node.op).kernel:
        # DEFAULT kernels serve whatever device has none of its own.
        if kernel.device_type in ("GPU", "DEFAULT") and all(_allows(c, node) for c in kernel.constraint):
            return True
    return False


def _allows(constraint, node):
    if constraint.name not in node.attr:  # left out where it has its default
        return True
    value = node.attr[constraint.name]
    types = value.list.type or [value.type]
    return set(types) <= set(constraint.allowed_values.list.type)
