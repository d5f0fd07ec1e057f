"""Pillow's resize in standard ONNX operators, equal to the last bit.

`Resize` with antialias has the same filters but other arithmetic: where a pixel lies half-way
between two grey levels (1% of all pixels from 300 to 160) it may round the other way, and an int8
network can turn a last bit into another answer. So this is Pillow's own algorithm (`Resample.c`,
`precompute_coeffs` and `normalize_coeffs_8bpc`): weights in double precision, rounded to 22 bits
after the point, and integer sums, first along the width, then along the height.

The functions below are not run by Python: onnxscript reads them and writes the graph. Arithmetic
signs are operators, literals take the type of what they meet, and a loop over taps is `Loop`.
"""

import math

from onnx import TensorProto, helper
from onnxscript import opset18 as op
from onnxscript import script
from onnxscript.onnx_types import BOOL, DOUBLE, FLOAT, INT32, INT64, UINT8
from onnxscript.values import Opset

LOCAL = Opset("edgepress", 1)
"""Domain of the functions until they are inlined."""
RADIUS = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}
"""How far a filter reaches, in pixels of the smaller image (`ImageSpec.interpolation`)."""
PI = helper.make_tensor("pi", TensorProto.DOUBLE, [], [math.pi])


@script(LOCAL, default_opset=op)
def bilinear(x: DOUBLE[...]) -> DOUBLE[...]:
    """Return the weight at a distance."""
    return op.Max(1.0 - op.Abs(x), 0.0)


@script(LOCAL, default_opset=op)
def bicubic(x: DOUBLE[...]) -> DOUBLE[...]:
    """Return the weight at a distance: Keys 1981 with a = -1/2."""
    far = op.Abs(x)
    inner = (1.5 * far - 2.5) * far * far + 1.0
    outer = (((far - 5.0) * far + 8.0) * far - 4.0) * -0.5
    return op.Where(far < 1.0, inner, op.Where(far < 2.0, outer, 0.0))


@script(LOCAL, default_opset=op)
def lanczos(x: DOUBLE[...]) -> DOUBLE[...]:
    """Return the weight at a distance: a windowed sinc over three pixels."""
    angle = x * op.Constant(value=PI)
    third = angle / 3.0
    weight = op.Sin(angle) / angle * (op.Sin(third) / third)
    return op.Where(op.Abs(x) < 3.0, op.Where(x == 0.0, 1.0, weight), 0.0)


@script(LOCAL, default_opset=op)
def taps(
    size: DOUBLE, n_out: INT64, first: FLOAT, last: FLOAT, radius: DOUBLE
) -> tuple[DOUBLE, DOUBLE, BOOL]:
    """Return, for each pixel of a smaller line, which pixels it is made of and how far they are.

    The line `first` to `last` of one with `size` pixels becomes `n_out` pixels. Positions and
    distances are `[taps, n_out]`; a position at or beyond `high` does not count.
    """
    scale = op.Cast(last - first, to=TensorProto.DOUBLE) / op.Cast(n_out, to=TensorProto.DOUBLE)
    stretch = op.Max(scale, 1.0)
    support = radius * stretch
    pixel = op.Cast(op.Range(0, n_out, 1), to=TensorProto.DOUBLE) + 0.5
    centre = op.Cast(first, to=TensorProto.DOUBLE) + pixel * scale
    low = op.Max(op.Floor(centre - support + 0.5), 0.0)
    high = op.Min(op.Floor(centre + support + 0.5), size)
    count = op.Cast(op.Floor(support * 2.0), to=TensorProto.INT64) + 1  # most of `high - low`
    position = low + op.Unsqueeze(op.Cast(op.Range(0, count, 1), to=TensorProto.DOUBLE), [1])
    distance = (position - centre + 0.5) * (1.0 / stretch)
    return position, distance, position < high


@script(LOCAL, default_opset=op)
def fixed_point(weight: DOUBLE[...], inside: BOOL[...]) -> INT32[...]:
    """Return weights `[taps, n]` that add up to 2^22 for each of `n` pixels (about)."""
    kept = op.Where(inside, weight, 0.0)
    scaled = kept / op.ReduceSum(kept, [0]) * 4194304.0
    half = op.Where(scaled < 0.0, op.CastLike(-0.5, scaled), 0.5)
    return op.Cast(scaled + half, to=TensorProto.INT32)


@script(LOCAL, default_opset=op)
def weighted(lines: UINT8[...], places: INT64[...], weights: INT32[...]) -> UINT8[...]:
    """Return weighted sums of lines `[size, length]`, rounded: `[n_out, length]`.

    `places` and `weights` are `[taps, n_out]`.
    """
    column = op.Unsqueeze(weights, [-1])
    shape = op.Concat(op.Shape(places, start=1), op.Shape(lines, start=1), axis=0)
    total = op.Expand(op.Cast(2097152, to=TensorProto.INT32), shape)
    for tap in range(op.Squeeze(op.Shape(places, start=0, end=1))):
        taken = op.Gather(lines, op.Gather(places, tap))
        total = total + op.Cast(taken, to=TensorProto.INT32) * op.Gather(column, tap)
    clipped = op.Cast(op.Clip(total, 0, 1073741823), to=TensorProto.UINT32)
    places_after_point = op.Cast(op.Constant(value_int=22), to=TensorProto.UINT32)
    whole = op.BitShift(clipped, places_after_point, direction="RIGHT")
    return op.Cast(whole, to=TensorProto.UINT8)
