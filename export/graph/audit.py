"""What a runtime really computes with integers, and where its time goes.

A quantized file only asks for integer kernels; the runtime decides while it loads the file. The
count is therefore taken from the optimised graph, which ONNX Runtime can be told to write down.
"""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import onnx
import onnxruntime as ort
from onnx import ModelProto, NodeProto

from benchmarks.runtimes._profile import NodeTime
from edgepress.core.manifest import TimeShares
from edgepress.core.noun import Noun
from models.onnx_graph.executed import FLOAT_CONVS, INTEGER_CONVS, LAYOUT, ConvNames, kinds
from models.onnx_graph.index import GraphIndex

INTEGER_DENSE = {"QGemm", "QLinearMatMul", "MatMulIntegerToFloat", "MatMulInteger"}
FLOAT_DENSE = {"Gemm", "MatMul"}

KEPT = "it reads the image and is kept in float on purpose: there 8 bits cost accuracy, not time"
NO_INPUT = "its input is not quantized in the file"
NO_OUTPUT = "its output is not quantized in the file"
NO_KERNEL = "it is quantized in the file, but this runtime has no integer kernel for its types"


class FloatConv(Noun):
    """A convolution that stayed float."""

    name: str
    reason: str
    on_purpose: bool


class Audit(Noun):
    """What a runtime made of a file."""

    int8_convs: int
    """Integer convolutions in the graph that the runtime executes."""
    total_convs: int
    float_convs: tuple[FloatConv, ...]
    convs_kept_float: int
    """Those of the float convolutions that are float on purpose."""
    int8_dense: int
    """Integer matrix products with weights in the graph that the runtime executes."""
    total_dense: int
    """Matrix products with weights in the file."""
    dense_kept_float: int
    """Those that are float on purpose."""
    quantize_nodes: int
    """Conversions to integers left, the one at the input among them."""
    dequantize_nodes: int
    """Conversions to float left, the one at the output among them."""
    float_ops: dict[str, int]
    """Other nodes that compute in float, by type."""
    time_shares: TimeShares | None
    """`None` where no times were given."""


def audit(
    path: Path,
    session_config: Mapping[str, str] | None = None,
    kept_float: Mapping[str, str] | None = None,
    times: Iterable[NodeTime] = (),
) -> Audit:
    """Load a file as a runtime would and count what it executes.

    Args:
        path: an ONNX file.
        session_config: session options of the target, see `Target.session_config`.
        kept_float: nodes of the file that are float on purpose, with the reason; the convolution
            that reads the image always counts as one.
        times: what each node took when the file ran, see `benchmarks.runtimes._profile`.
    """
    executed = _optimised(path, session_config or {})
    source = onnx.load(path)
    types = Counter(node.op_type for node in executed.graph.node)
    floats = [node for node in executed.graph.node if node.op_type in FLOAT_CONVS]
    fused = sum(types[name] for name in INTEGER_CONVS)
    explained = _explain(floats, executed, source, kept_float or {})
    dense = dense_layers(source)
    return Audit(
        int8_convs=fused,
        total_convs=fused + len(floats),
        float_convs=explained,
        convs_kept_float=sum(conv.on_purpose for conv in explained),
        int8_dense=sum(node.op_type in INTEGER_DENSE for node in _weighted(executed)),
        total_dense=len(dense),
        dense_kept_float=sum(name in (kept_float or {}) for name in dense),
        quantize_nodes=types["QuantizeLinear"],
        dequantize_nodes=types["DequantizeLinear"],
        float_ops=dict(sorted(_float_ops(executed).items())),
        time_shares=_time_shares(executed, times),
    )


def dense_layers(source: ModelProto) -> list[str]:
    """Return the names of a file's matrix products with weights, which attention has without."""
    return [node.name for node in _weighted(source) if node.op_type in FLOAT_DENSE]


def _weighted(model: ModelProto) -> Iterator[NodeProto]:
    """Yield the nodes that multiply with stored weights, perhaps unpacked ones."""
    stored = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            stored.update(node.output)
        # The second factor is input 1; of QGemm and QLinearMatMul input 3.
        place = 3 if node.op_type in ("QGemm", "QLinearMatMul") else 1
        if len(node.input) > place and node.input[place] in stored:
            yield node


def _optimised(path: Path, session_config: Mapping[str, str]) -> ModelProto:
    with tempfile.TemporaryDirectory(prefix="edgepress-audit-") as folder:
        options = ort.SessionOptions()
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # it warns that the optimised file fits this CPU only
        for key, value in session_config.items():
            options.add_session_config_entry(key, value)
        ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _explain(
    floats: list[NodeProto],
    executed: ModelProto,
    source: ModelProto,
    kept_float: Mapping[str, str],
) -> tuple[FloatConv, ...]:
    index, names = GraphIndex(source), ConvNames(source)
    by_name = {node.name: node for node in source.graph.node if node.name}
    explained = []
    for node in floats:
        name = names.find(node.name) or names.find(node.output[0]) or node.name
        why_kept = kept_float.get(name)
        if why_kept is None and _reads_image(node, executed):
            why_kept = KEPT
        reason = _reason(by_name[name], index) if name in by_name else NO_INPUT
        explained.append(
            FloatConv(
                name=name or node.output[0],
                reason=why_kept or reason,
                on_purpose=why_kept is not None,
            )
        )
    return tuple(explained)


def _reads_image(conv: NodeProto, executed: ModelProto) -> bool:
    """Tell whether nothing but changes of layout lies between the model's input and a node.

    A concatenation of the image with features is no image.
    """
    made_by = {name: node for node in executed.graph.node for name in node.output}
    images = {tensor.name for tensor in executed.graph.input}
    read = [conv.input[0]]
    while read:
        name = read.pop()
        node = made_by.get(name)
        if node is not None and node.op_type in LAYOUT:
            read += node.input if node.op_type == "Concat" else node.input[:1]
        elif name not in images:
            return False
    return True


def _reason(conv: NodeProto, index: GraphIndex) -> str:
    source = index.producer.get(conv.input[0])
    if source is None or source.op_type != "DequantizeLinear":
        return NO_INPUT
    readers = index.consumers[conv.output[0]]
    if not readers or any(reader.op_type != "QuantizeLinear" for reader in readers):
        return NO_OUTPUT
    return NO_KERNEL


def _float_ops(executed: ModelProto) -> Counter[str]:
    """Count the nodes that compute in float, by type; convolutions are told one by one."""
    return Counter(
        node.op_type
        for node, kind in kinds(executed)
        if kind == "float" and node.op_type not in FLOAT_CONVS
    )


def _time_shares(executed: ModelProto, times: Iterable[NodeTime]) -> TimeShares | None:
    """Return where the time goes, `None` where no node took a measurable one."""
    kind_of = {(node.name, node.op_type): kind for node, kind in kinds(executed)}
    totals: defaultdict[str, float] = defaultdict(float)
    floats: defaultdict[str, float] = defaultdict(float)
    for node in times:
        # Nodes that are not in the graph were put in when it ran: copies between layouts.
        kind = kind_of.get((node.name, node.op_type), "layout")
        totals[kind] += node.seconds
        if kind == "float":
            floats[node.op_type] += node.seconds
    whole = sum(totals.values())
    if not whole:
        return None
    slowest_first = sorted(floats, key=lambda op_type: -floats[op_type])
    return TimeShares(
        integer=totals["integer"] / whole,
        conversions=totals["conversion"] / whole,
        layout=totals["layout"] / whole,
        floats={op_type: floats[op_type] / whole for op_type in slowest_first},
    )
