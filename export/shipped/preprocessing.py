"""The preprocessing of an `ImageSpec` as a graph: a camera's pixels in, the network's input out."""

from onnx import ModelProto, TensorProto, helper, inliner
from onnxscript import OnnxFunction, optimizer, script
from onnxscript import opset18 as op
from onnxscript.onnx_types import FLOAT, INT64, UINT8

from edgepress.core.image_spec import ImageSpec, PerChannel
from export.shipped import resampling
from export.shipped.resampling import LOCAL, fixed_point, taps, weighted

Box = tuple[FLOAT, FLOAT, FLOAT, FLOAT]


def graph(spec: ImageSpec) -> ModelProto:
    """Return a model: `image` uint8 `[height, width, 3]` to `pixels` float32 `[1, c, h, w]`.

    Every value equals that of `edgepress.data.images.to_pixels` and `edgepress.data.pixels`.
    """
    inlined = inliner.inline_local_functions(_whole(spec).to_model_proto())
    return optimizer.optimize(inlined)


def _whole(spec: ImageSpec) -> OnnxFunction:
    line = _line(spec)
    box = _middle(spec) if spec.crop == "center" else whole_image
    height, width = spec.height, spec.width
    mean, std = (_channels(name, getattr(spec, name)) for name in ("mean", "std"))
    planes_of, channels = grey if spec.channels == 1 else colours, spec.channels

    @script(LOCAL, default_opset=op)
    def preprocess(image: UINT8["height", "width", 3]) -> FLOAT[1, channels, height, width]:
        rows, columns = op.Shape(image, start=0, end=1), op.Shape(image, start=1, end=2)
        left, right, top, bottom = box(op.Squeeze(rows), op.Squeeze(columns))
        planes = op.Reshape(planes_of(image), op.Concat([-1], columns, axis=0))
        narrow = op.Transpose(
            line(op.Transpose(planes, perm=[1, 0]), width, left, right), perm=[1, 0]
        )
        upright = op.Transpose(
            op.Reshape(narrow, op.Concat(op.Reshape(channels, [1]), rows, [-1], axis=0)),
            perm=[1, 0, 2],
        )
        small = line(op.Reshape(upright, [0, -1]), height, top, bottom)
        lines = op.Concat([0], op.Reshape(channels, [1]), [-1], axis=0)
        resized = op.Transpose(op.Reshape(small, lines), perm=[1, 0, 2])
        scaled = op.Cast(resized, to=TensorProto.FLOAT) / 255.0
        return op.Unsqueeze((scaled - op.Constant(value=mean)) / op.Constant(value=std), [0])

    return preprocess


def _line(spec: ImageSpec) -> OnnxFunction:
    """Return the function that resizes lines `[size, length]` to `[n_out, length]`."""
    kernel, radius = getattr(resampling, spec.interpolation), resampling.RADIUS[spec.interpolation]

    @script(LOCAL, default_opset=op)
    def line(lines: UINT8[...], n_out: INT64, first: FLOAT, last: FLOAT) -> UINT8[...]:
        size = op.Cast(op.Squeeze(op.Shape(lines, start=0, end=1)), to=TensorProto.DOUBLE)
        position, distance, inside = taps(size, n_out, first, last, op.CastLike(radius, size))
        places = op.Cast(op.Min(position, size - 1.0), to=TensorProto.INT64)
        return weighted(lines, places, fixed_point(kernel(distance), inside))

    return line


@script(LOCAL, default_opset=op)
def colours(image: UINT8[...]) -> UINT8[...]:
    """Return the three channels `[3, height, width]` of an image."""
    return op.Transpose(image, perm=[2, 0, 1])


@script(LOCAL, default_opset=op)
def grey(image: UINT8[...]) -> UINT8[...]:
    """Return the grey `[1, height * width]` of an image, as Pillow's mode `L`.

    Pillow's shares are whole numbers of 16 bits (`Convert.c`, `L24`; ITU-R BT.601). They and their
    sums are below 2^24, so that single precision holds them exactly.
    """
    planes = op.Transpose(op.Reshape(image, [-1, 3]), perm=[1, 0])
    red, green, blue = op.Split(op.Cast(planes, to=TensorProto.FLOAT), num_outputs=3, axis=0)
    total = red * 19595.0 + green * 38470.0 + blue * 7471.0 + 32768.0
    return op.Cast(op.Floor(total / 65536.0), to=TensorProto.UINT8)


@script(LOCAL, default_opset=op)
def whole_image(height: INT64, width: INT64) -> Box:
    """Return left, right, top and bottom of the part to resize: `squash` takes everything."""
    right, bottom = op.Cast(width, to=TensorProto.FLOAT), op.Cast(height, to=TensorProto.FLOAT)
    return right * 0.0, right, bottom * 0.0, bottom


def _middle(spec: ImageSpec) -> OnnxFunction:
    """Return the function that finds the part which `center` keeps, as `PIL.ImageOps.fit` does."""
    wanted = helper.make_tensor("ratio", TensorProto.DOUBLE, [], [spec.width / spec.height])

    @script(LOCAL, default_opset=op)
    def middle(height: INT64, width: INT64) -> Box:
        tall, wide = op.Cast(height, to=TensorProto.DOUBLE), op.Cast(width, to=TensorProto.DOUBLE)
        ratio = op.Constant(value=wanted)
        kept_width = op.Where(wide / tall > ratio, ratio * tall, wide)
        kept_height = op.Where(wide / tall < ratio, wide / ratio, tall)
        left, top = (wide - kept_width) * 0.5, (tall - kept_height) * 0.5
        # Pillow hands the box to its C code in single precision.
        return (
            op.Cast(left, to=TensorProto.FLOAT),
            op.Cast(left + kept_width, to=TensorProto.FLOAT),
            op.Cast(top, to=TensorProto.FLOAT),
            op.Cast(top + kept_height, to=TensorProto.FLOAT),
        )

    return middle


def _channels(name: str, values: PerChannel) -> TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [len(values), 1, 1], values)
