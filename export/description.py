"""What a file does not say of its network: told by options, read from the file, or found out.

Nothing is taken silently: each fact is printed with where it is from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks import metrics
from compress.core import console
from compress.core.errors import UserError
from compress.core.image_spec import Channels, ImageSpec, PerChannel
from compress.data.dataset import Dataset
from compress.data.pixels import decoded, normalise
from export.sources._source import Adapter, Floats, Layout, Output, Shape, Source

if TYPE_CHECKING:
    from export.adopt import Config

MOST_IMAGES = 128
IMAGENETS = "ImageNet's"
RANGES = {"0 to 1": (0.0, 1.0), "-1 to 1": (0.5, 0.5), "0 to 255": (0.0, 1 / 255)}
"""How the pixels of networks usually are when they come in: mean and std of pixels in 0..1."""


@dataclass(frozen=True)
class Description:
    """A network's input and output in the terms of edgepress."""

    adapter: Adapter
    image: ImageSpec
    facts: tuple[str, ...]
    """What was taken, and where it is from."""


@dataclass(frozen=True)
class Sample:
    """Images to find out on what a network takes: of the validation part, never of the test part.

    `targets` is `[n, labels]`.
    """

    dataset: Dataset
    rows: NDArray[np.intp]

    @property
    def targets(self) -> NDArray[np.float32]:
        """What is true of the images."""
        return self.dataset.targets[self.rows]

    def images(self, spec: ImageSpec) -> Floats:
        """Return the images `[n, channels, height, width]`."""
        return normalise(decoded(self.dataset, spec)[self.rows], spec)


def describe(config: Config, source: Source, sample: Sample) -> Description:
    """Describe a network, by running it on images where nothing else tells.

    Raises:
        UserError: what is said contradicts the file or the data, or cannot be found out.
    """
    order = label_order(config.labels, sample.dataset.label_names)
    layout, channels, where = _axes(config, source.input_shape)
    height, width, size_from = _size(config.image_size, source.input_shape, layout)
    spec = ImageSpec(
        height=height,
        width=width,
        channels=channels,
        interpolation=config.interpolation,
        crop=config.crop,
    )
    adapter = Adapter(layout=layout, output="probs", order=order)
    _check_output(source, adapter, spec, sample)
    spec, pixels_from = _normalised(config, source, adapter, spec, sample)
    output, output_from = _output(config.output, source, adapter, sample.images(spec))
    labels = sample.dataset.label_names if order is None else config.labels or ()
    facts = (
        f"labels: {', '.join(labels)} ({'--labels' if config.labels else 'the order of the data'})",
        f"image: {height} x {width} pixels ({size_from}), {layout} ({where})",
        f"channels: {channels}, {'grey' if channels == 1 else 'RGB'} ({where})",
        f"pixels: {pixels_from}",
        f"resize: {config.interpolation}, {config.crop} (--interpolation, --crop)",
        f"output: {output} ({output_from})",
    )
    return Description(adapter.model_copy(update={"output": output}), spec, facts)


def label_order(given: Sequence[str] | None, wanted: Sequence[str]) -> tuple[int, ...] | None:
    """Return the output for each label of the data; `None` where both have the same order.

    Raises:
        UserError: the network's labels are not those of the data.
    """
    if given is None or tuple(given) == tuple(wanted):
        return None
    if sorted(given) != sorted(wanted):
        raise UserError(
            "The network's labels are not the labels of the data",
            got=", ".join(given),
            allowed=f"in the order of the outputs: {', '.join(wanted)}",
        )
    return tuple(list(given).index(name) for name in wanted)


def _axes(config: Config, shape: Shape | None) -> tuple[Layout, Channels, str]:
    """Return layout and channels, and where they are from."""
    if shape is None:
        return config.layout or "NCHW", config.channels or 3, "not in the file"
    if len(shape) != 4 or shape[0] not in (None, 1):
        raise UserError(
            "The network does not take one image",
            got=f"{_shown(shape)}",
            allowed="[1, 3, height, width] or [1, height, width, 3], or an open batch",
            next_step="export it with a batch of 1 or an open one",
        )
    likely: dict[Layout, int | None] = {"NCHW": shape[1], "NHWC": shape[3]}
    found = [name for name, size in likely.items() if size in (1, 3)]
    layout = config.layout or (found[0] if len(found) == 1 else None)
    if layout is None:
        raise UserError(
            "The file does not tell which axis holds the channels",
            got=_shown(shape),
            allowed="1 or 3 channels",
            next_step="--layout NCHW or --layout NHWC",
        )
    channels = likely[layout] or config.channels or 3
    if channels not in (1, 3) or config.channels not in (None, channels):
        raise UserError(
            "The network takes another number of channels",
            got=f"{channels} in {_shown(shape)}, {layout}",
            allowed="1 or 3",
        )
    return layout, 3 if channels == 3 else 1, "--layout" if config.layout else "the file"


def _size(
    given: tuple[int, ...] | None, shape: Shape | None, layout: Layout
) -> tuple[int, int, str]:
    """Return height and width, and where they are from."""
    in_file = (None, None) if shape is None else shape[2:4] if layout == "NCHW" else shape[1:3]
    wanted = (None, None) if given is None else (given[0], given[-1])
    pairs = list(zip(in_file, wanted, strict=True))
    if any(known is None and want is None for known, want in pairs):
        raise UserError(
            "The file does not say the size of its images",
            got="no size" if shape is None else _shown(shape),
            next_step="--image-size 224, or height and width, as it was trained with",
        )
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise UserError(
            "The network's images have another size, which is fixed in the file",
            got=f"--image-size {' '.join(map(str, given or ()))}",
            allowed=f"{in_file[0]} x {in_file[1]}",
        )
    height, width = (known or want or 0 for known, want in pairs)
    return height, width, "--image-size" if None in in_file else "the file"


def _check_output(source: Source, adapter: Adapter, spec: ImageSpec, sample: Sample) -> None:
    """Refuse a network that does not return one value for each label."""
    names = sample.dataset.label_names
    shape = np.shape(source.run(adapter.feed(sample.images(spec)[:1])))
    if len(shape) != 2 or shape[0] != 1:
        raise UserError(
            "The network's output is not one value for each label",
            got=list(shape),
            allowed=f"[1, {len(names)}]",
            next_step="end it with its classifier: a detector or a segmenter cannot be taken",
        )
    if shape[1] != len(names):
        raise UserError(
            f"The network has {shape[1]} outputs, and the data have {len(names)} labels",
            got=list(shape),
            allowed=f"[1, {len(names)}] for {', '.join(names)}",
            next_step="give data with the network's labels, or a network for these",
        )


def _normalised(
    config: Config, source: Source, adapter: Adapter, spec: ImageSpec, sample: Sample
) -> tuple[ImageSpec, str]:
    """Return how pixels come in: as said, else the usual way with the highest mAP."""
    if (config.mean is None) != (config.std is None):
        raise UserError("--mean and --std belong together", next_step="give both")
    if config.mean is not None and config.std is not None:
        _check_values(config.mean, config.std, spec.channels)
        said = spec.model_copy(update={"mean": config.mean, "std": config.std})
        return said, "(pixels / 255 - mean) / std by --mean and --std"
    found = {}
    usual = _usual(spec)
    for name, tried in usual.items():
        found[name] = _map(source, adapter, tried, sample)
    best = max(found, key=lambda name: found[name])
    tried_all = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    return (
        usual[best],
        f"{best} (the best mAP on {len(sample.rows)} validation images: {tried_all}; where that is "
        "not how it was trained: --mean --std)",
    )


def _check_values(mean: PerChannel, std: PerChannel, channels: Channels) -> None:
    """Refuse another number of values than the network has channels."""
    if not len(mean) == len(std) == channels:
        raise UserError(
            "--mean and --std need one value for each channel of the network",
            got=f"{len(mean)} and {len(std)}",
            allowed=f"{channels} each",
        )


def _usual(spec: ImageSpec) -> dict[str, ImageSpec]:
    """Return an image with each of the usual normalisations of as many channels."""
    ranges = {
        name: spec.model_copy(update={"mean": (mean,) * n, "std": (std,) * n})
        for n in (spec.channels,)
        for name, (mean, std) in RANGES.items()
    }
    return {IMAGENETS: spec, **ranges}


def _map(source: Source, adapter: Adapter, spec: ImageSpec, sample: Sample) -> float:
    scores = run(source, adapter, sample.images(spec))
    if not np.isfinite(scores).all():
        return 0.0
    each = (
        metrics.average_precision(sample.targets[:, label], scores[:, label])
        for label in range(scores.shape[1])
    )
    return metrics.mean_defined(each) or 0.0


def _output(
    said: Output | None, source: Source, adapter: Adapter, images: Floats
) -> tuple[Output, str]:
    """Return what the network returns: as said, else by its values."""
    raw = run(source, adapter, images)
    if not np.isfinite(raw).all():
        raise UserError("The network returns values that are not finite numbers")
    low, high = float(raw.min()), float(raw.max())
    shown = f"{low:.3g} to {high:.3g} on {len(images)} images"
    looks: Output = "probs" if low >= 0 and high <= 1 else "logits"
    if said == "probs" and looks == "logits":
        raise UserError(
            "The network's outputs are not probabilities", got=shown, allowed="0 to 1",
            next_step="--output logits",
        )  # fmt: skip
    return said or looks, f"--output, {shown}" if said else shown


def run(source: Source, adapter: Adapter, images: Floats) -> Floats:
    """Return what a network makes of images `[n, c, h, w]`, in the order of the data's labels."""
    tracked = console.track(range(len(images)), "running the network")
    each = [source.run(adapter.feed(images[row : row + 1])) for row in tracked]
    return adapter.probs(np.concatenate(each))


def _shown(shape: Shape) -> str:
    return f"[{', '.join('open' if size is None else str(size) for size in shape)}]"
