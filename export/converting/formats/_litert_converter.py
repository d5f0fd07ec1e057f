"""Runs in the environment of LiteRT's converter: `SAVED OUT [IMAGES]`.

SAVED is a saved `torch.export` program, OUT the file to write, IMAGES a NumPy file of network
inputs `[n, c, height, width]`: with it, the file is quantized to int8.
"""

import os
import re
import sys

import litert_torch
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName
from ai_edge_quantizer.utils import tfl_flatbuffer_utils

LAYERS = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)


def convert(saved: str, out: str) -> None:
    """Write a float LiteRT file of a saved program."""
    program = torch.export.load(saved)
    litert_torch.convert(program.module(), program.example_inputs[0]).export(out)


def quantize(file: str, images: str) -> None:
    """Replace a float LiteRT file by one that computes in int8, with float32 in and out.

    Weights have one scale per output channel. The first layer and the last stay float.
    """
    ((signature, ports),) = Interpreter(file).get_signature_list().items()
    (name,) = ports["inputs"]
    tool = quantizer.Quantizer(file)
    tool.load_quantization_recipe(recipe.static_wi8_ai8())
    for kind in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        tool.update_quantization_recipe(".*", kind, algorithm_key=AlgorithmName.NO_QUANTIZE)
    for scope in ends(file):
        tool.update_quantization_recipe(
            f"^{re.escape(scope)}$",
            TFLOperationName.ALL_SUPPORTED,
            algorithm_key=AlgorithmName.NO_QUANTIZE,
        )
    inputs = np.load(images, mmap_mode="r")
    fed = {signature: [{name: image[None]} for image in inputs]}
    ranges = tool.calibrate(fed, num_threads=os.cpu_count() or 1)
    tool.quantize(ranges).export_model(file, overwrite=True)


def ends(file: str) -> list[str]:
    """Return the tool's names of the steps up to the first layer, and from the last layer on."""
    model = tfl_flatbuffer_utils.read_model(file)
    graph = model.subgraphs[0]
    layers = [
        place
        for place, step in enumerate(graph.operators)
        if model.operatorCodes[step.opcodeIndex].builtinCode in LAYERS
    ]
    if not layers:
        return []
    steps = [*graph.operators[: layers[0] + 1], *graph.operators[layers[-1] :]]
    return [tfl_flatbuffer_utils.get_op_scope(step, graph.tensors) for step in steps]


if __name__ == "__main__":
    saved, out, *images = sys.argv[1:]
    convert(saved, out)
    for file in images:
        quantize(out, file)
