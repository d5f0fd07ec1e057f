"""What a network costs once it is an int8 file, before it has learnt anything.

What a file weighs and how long it takes depends on the layers, hardly on the weights. So a network
of random weights is exported and quantized on a few images of noise: a *stand-in*, good for its
cost only. Against the file of `python -m export.onnx --quantize int8` it lacks the search for nodes
that are faster in float, and rewrites of rare activations, so that figures differ by some percent.
The real file is measured at the end, and that is what gates judge.
"""

import copy
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from benchmarks.runtimes import _session
from benchmarks.timing import orders
from benchmarks.timing.process import spawn
from benchmarks.timing.rebatch import random_images
from benchmarks.timing.tournament import LatencySettings, cpus
from benchmarks.timing.worker import Job, timed_block
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest, Measurements
from edgepress.core.quiet import quiet
from models.onnx_graph.index import LAYERS, GraphIndex, reads
from models.onnx_graph.write import to_onnx
from models.stored import count_macs, count_params

PROVIDER = "cpu"
NOISE = 4
"""Images of noise that give the activations a range."""
ROUNDS = 12
"""Rounds at least, which are played however long they take."""
LONGEST_S = 6.0
"""What is not decided after this time is left so."""
BLOCK_S = 0.02
"""Shortest block of runs, of which the median counts."""
_TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8, "uint16": QuantType.QUInt16}
_BEFORE_LAST = {"Flatten", "Reshape", "Squeeze", "GlobalAveragePool"}
"""What stands between the last layer and what it reads, and stays float with it."""


@dataclass(frozen=True)
class Integers:
    """The numbers of an int8 file, as `export/targets` has them for a device."""

    activations: str = "uint8"
    weights: str = "int8"
    per_channel: bool = True
    reduce_range: bool = False
    """Weights in 7 bits."""
    options: Mapping[str, bool | float] = field(default_factory=dict)
    """`extra_options` of onnxruntime's `quantize_static`."""


HERE = Integers("int8" if this_cpu().kind == "arm" else "uint8")
"""As the CPU of this machine has them."""


@dataclass(frozen=True)
class Times:
    """Times of files that ran in turn, seconds."""

    medians_s: NDArray[np.float64]
    """`[files, rounds]`"""
    p90_s: NDArray[np.float64]
    """90th percentile of each block, `[files, rounds]`."""


def stand_in(
    network: nn.Module, spec: ImageSpec, quantize: bool, path: Path, integers: Integers = HERE
) -> Artifact:
    """Write a network, whatever its weights, as an artifact that can be measured.

    Raises:
        UserError: it cannot be exported or quantized.
    """
    files = _files(path)
    to_onnx(_shifted(network), spec, files / artifacts.WEIGHTS["onnx"])
    counted = Measurements(params=count_params(network), macs=count_macs(network, spec))
    return _saved(path, spec, counted, integers if quantize else None)


def _shifted(network: nn.Module) -> nn.Module:
    """Return a copy whose biases and running means are not 0, or they would not be in the file."""
    copied = copy.deepcopy(network)
    drawn = torch.Generator().manual_seed(0)
    for tensor in copied.state_dict().values():
        if tensor.ndim == 1 and tensor.is_floating_point():
            tensor += 0.1 * torch.rand(tensor.shape, generator=drawn)
    return copied


def stand_in_of(graph: Artifact, path: Path) -> Artifact:
    """Write the stand-in int8 file of a float ONNX artifact.

    Raises:
        UserError: it cannot be quantized.
    """
    copyfile(graph.weights, _files(path) / artifacts.WEIGHTS["onnx"])
    return _saved(path, graph.manifest.image, graph.manifest.measurements, HERE)


def _files(path: Path) -> Path:
    files = path.with_name(f"{path.name}-files")
    files.mkdir(parents=True)
    return files


def _saved(
    path: Path, spec: ImageSpec, counted: Measurements, integers: Integers | None
) -> Artifact:
    files = path.with_name(f"{path.name}-files")
    file = files / artifacts.WEIGHTS["onnx"]
    output = onnx.load(file).graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    if integers:
        _quantize(file, spec, integers)
    zeros = (0.0,) * output
    manifest = Manifest(
        id="stand-in",
        stage="compress.planning",
        config={},
        kind="onnx",
        precision="int8" if integers else "fp32",
        image=spec,
        labels=Labels(names=tuple(map(str, range(output))), thresholds=zeros, prevalence=zeros),
        data=None,
        measurements=Measurements(params=counted.params, macs=counted.macs),
    )
    return artifacts.save(path, files, manifest)


class _Noise(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, spec: ImageSpec) -> None:
        images = np.random.default_rng(0).standard_normal((NOISE, *spec.shape), np.float32)
        self._left = [{name: images[[row]]} for row in range(NOISE)]

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next image, `None` at the end."""
        return self._left.pop() if self._left else None


def _quantize(file: Path, spec: ImageSpec, integers: Integers) -> None:
    """Quantize a float file in place.

    Raises:
        UserError: onnxruntime cannot.
    """
    prepared = file.with_name("prepared.onnx")
    try:
        with quiet():
            quant_pre_process(file, prepared, skip_symbolic_shape=True)  # all shapes are static
            model = onnx.load(prepared)
            for number, node in enumerate(model.graph.node):
                node.name = f"{node.op_type}_{number}"  # some share a name
            onnx.save(onnx.shape_inference.infer_shapes(model), prepared)
            quantize_static(
                prepared,
                file,
                _Noise(model.graph.input[0].name, spec),
                quant_format=QuantFormat.QDQ,
                per_channel=integers.per_channel,
                reduce_range=integers.reduce_range,
                activation_type=_TYPES[integers.activations],
                weight_type=_TYPES[integers.weights],
                nodes_to_exclude=_float_nodes(model),
                extra_options=dict(integers.options),
            )
    except Exception as error:  # whatever it meets in a graph that it does not know
        raise UserError(f"onnxruntime cannot quantize this network ({error})") from None
    prepared.unlink()
    _smaller(file)


def _smaller(file: Path) -> None:
    """Take the shapes out that only tools need, as the real file is without them."""
    model = onnx.load(file)
    del model.graph.value_info[:]
    onnx.save(model, file)


def _float_nodes(model: onnx.ModelProto) -> list[str]:
    """Return the nodes that stay float as in a real file: the stem, and what makes the output.

    The latter are those back to the last layer with weights, and the mean before it.
    """
    index, tail = GraphIndex(model), list[onnx.NodeProto]()
    node = index.producer.get(model.graph.output[0].name)
    while node is not None:
        weighted = any(one.op_type in LAYERS for one in tail)
        if weighted and node.op_type not in _BEFORE_LAST:
            break
        tail.append(node)
        node = index.producer.get(node.input[0]) if node.input else None
    image = model.graph.input[0].name
    stems = [one for one in model.graph.node if one.op_type == "Conv" and image in reads(one)]
    return [one.name for one in (*stems, *tail)]


def race(files: Sequence[Artifact], decided: Callable[[Times], bool] = lambda _: True) -> Times:
    """Time files in turn, on one thread in this process, until it is decided or 6 s are over.

    Raises:
        UserError: the runtime cannot open or run one.
    """
    sessions = [_session.find(PROVIDER).open_session(file, threads=1) for file in files]
    images = [random_images(1, file.manifest.image) for file in files]
    for session, image in zip(sessions, images, strict=True):
        timed_block(session, image, BLOCK_S)  # to warm up
    shuffled, found = random.Random(0), list[NDArray[np.float64]]()
    end = time.perf_counter() + LONGEST_S
    while True:
        for order in orders.block(len(files), shuffled):
            blocks = {row: timed_block(sessions[row], images[row], BLOCK_S) for row in order}
            both = [np.quantile(blocks[row], (0.5, 0.9)) for row in range(len(files))]
            found.append(np.array(both))
        times = Times(*np.transpose(found, (2, 1, 0)))
        late = time.perf_counter() >= end
        if len(found) >= ROUNDS and (late or decided(times)):
            return times


def peak_rss_bytes(file: Artifact) -> int | None:
    """Return the most memory that a fresh process with a file takes, bytes.

    Raises:
        UserError: it does not run.
    """
    usual = LatencySettings()
    job = Job(
        model=file.path.resolve(),
        provider=PROVIDER,
        threads=1,
        cpus=cpus(1),
        warmup_s=usual.warmup_s,
        blocks=1,
        block_s=usual.block_s,
    )
    return spawn(job, usual.timeout_s).peak_rss_bytes
