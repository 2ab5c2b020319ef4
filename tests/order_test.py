"""Within a step no variable is written before everything that is to see its old value has read it.

TensorFlow orders reads and writes of a variable by control edges, and its graph optimizer has dropped some: of the
penalty's reads of a bias, for one. A step then gave other bits once in thirty trainings, which is too seldom for a test
that trains. So the edges are looked for in the graph as it is run.
"""

import collections

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from kerasgan import registry

GREY = (8, 8, 1)


def graphs_run(work):
    """The graphs that TensorFlow's optimizer has made of the functions that `work` calls."""
    context.context().enable_run_metadata()
    try:
        work()
    finally:
        metadata = context.context().export_run_metadata()
        context.context().disable_run_metadata()
    return [graphs.post_optimization_graph for graphs in metadata.function_graphs]


def unordered(graph):
    """Pairs of a read and a write of one variable, or of two writes, neither of which waits for the other."""
    nodes = {node.name: node for node in graph.node}
    before: dict[str, set[str]] = {}
    for node in in_order(nodes):
        inputs = named_inputs(node)
        before[node.name] = set(inputs).union(*(before.get(name, ()) for name in inputs))
    reads, writes = collections.defaultdict(list), collections.defaultdict(list)
    for node in graph.node:
        if node.op == "ReadVariableOp" or ("Variable" in node.op and node.op.startswith("Assign")):
            (reads if node.op == "ReadVariableOp" else writes)[variable(nodes, node.input[0])].append(node.name)
        elif node.op.startswith("ResourceApply"):  # an optimizer's: the variable and its moments
            for name in (variable(nodes, name) for name in node.input if not name.startswith("^")):
                if nodes[name].op == "_Arg" and nodes[name].attr["T"].type == tf.resource.as_datatype_enum:
                    writes[name].append(node.name)
    return [
        (other, write)
        for name, written in writes.items()
        for write in written
        for other in reads[name] + [other for other in written if other < write]
        if other not in before[write] and write not in before[other] and not exclude_each_other(other, write)
    ]


def in_order(nodes):
    """The nodes, each after its inputs; the way back of a loop does not count."""
    done, stack, ordered = set(), list(nodes), []
    while stack:
        name = stack.pop()
        if name in done:
            continue
        waiting = [] if nodes[name].op == "NextIteration" else [i for i in named_inputs(nodes[name]) if i not in done]
        if waiting:
            stack += [name, *waiting]
        else:
            done.add(name)
            ordered.append(nodes[name])
    return ordered


def named_inputs(node):
    return [name.lstrip("^").split(":")[0] for name in node.input]


def variable(nodes, name):
    """The argument that holds a variable, behind what a branch puts in between."""
    name = name.split(":")[0]
    while nodes[name].op in ("Identity", "Switch", "Enter"):
        name = nodes[name].input[0].split(":")[0]
    return name


def exclude_each_other(one, other):
    """Whether two nodes are in the two branches of one condition."""
    for mine, its in zip(one.split("/"), other.split("/"), strict=False):
        if mine != its:
            return {mine, its} == {"then", "else"}
    return False


def test_what_is_found():
    """A read that has to see what a variable was, once kept before the write and once not."""
    x = tf.Variable(1.0)
    for kept, expected in ((True, 0), (False, 1)):

        @tf.function
        def step(kept=kept):
            found = x.read_value()
            x.assign(2.0)
            return found if kept else 1.0

        graph = step.get_concrete_function().graph.as_graph_def()
        for node in graph.node:
            if node.op == "Placeholder":
                node.op = "_Arg"
            elif not kept and node.op == "AssignVariableOp":
                del node.input[2:]
        assert len(unordered(graph)) == expected


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("vanilla_gan", {"penalties": "r1(1), gradient_penalty(1)", "image_shape": GREY}),
        ("vanilla_gan", {"penalties": "r1(1, every=4), r2(1)", "image_shape": GREY, "d_steps": 2}),
        ("dcgan", {"penalties": "r1(1)", "image_shape": (28, 28, 1), "augment": "adaptive"}),
        ("infogan", {"ema_decay": 0.9}),
        ("r3gan", {"penalties": "r1(1)"}),
    ],
)
def test_no_read_is_overtaken_by_a_write(model, options):
    gan = registry.create_model(model, **options)
    images = np.random.default_rng(0).uniform(size=(4, *gan.sample_shape)).astype(np.float32)
    graphs = graphs_run(lambda: gan.fit(tf.data.Dataset.from_tensors(images), verbose=0))
    step = max(graphs, key=lambda graph: len(graph.node))
    assert sum(node.op.startswith("ResourceApply") for node in step.node) >= 8  # of two networks
    assert unordered(step) == []
