"""What a file does not say of its network: told by options, read from the file, or found out.

Nothing is taken silently: each fact is printed with where it is from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Channels, ImageSpec
from edgepress.core.labels import check_same
from export.adopting import pixel_search
from export.adopting.channel_order import CHANNELS
from export.adopting.sample import Sample, run
from export.adopting.sources._source import Adapter, Floats, Layout, Output, Shape, Source

if TYPE_CHECKING:
    from export.adopting.options import Config


TOLD = "the file is of edgepress: of options that were not given, what it says itself is taken"


@dataclass(frozen=True)
class Description:
    """A network's input and output in the terms of edgepress."""

    adapter: Adapter
    image: ImageSpec
    facts: tuple[str, ...]
    """What was taken, and where it is from."""


def describe(config: Config, source: Source, sample: Sample) -> Description:
    """Describe a network, by running it on images where nothing else tells.

    Raises:
        UserError: what is said contradicts the file or the data, or cannot be found out.
    """
    names = sample.dataset.label_names
    labels, labels_from = _labels(config, source, names)
    order = label_order(labels, names)
    config = _as_told(config, source.image)
    layout, channels, where = _axes(config, source.input_shape)
    height, width, size_from = _size(config.image_size, source.input_shape, layout)
    spec = ImageSpec(
        height=height,
        width=width,
        channels=channels,
        interpolation=config.interpolation,
        crop=config.crop,
        pixel_range=config.pixel_range,
    )
    adapter = Adapter(layout=layout, output="probs", order=order)
    flat, shape = _check_output(source, adapter, spec, sample)
    adapter = adapter.model_copy(update={"flat": flat})
    found = pixel_search.find(config, source, adapter, spec, sample)
    spec, adapter = found.spec, adapter.model_copy(update={"channel_order": found.order})
    output, output_from = _output(config.output, source, adapter, sample.images(spec))
    facts = (
        *(() if source.image is None else (TOLD,)),
        f"labels: {', '.join(labels)} ({labels_from})",
        f"image: {height} x {width} pixels ({size_from}), {layout} ({where})",
        f"channels: {channels}, {'grey' if channels == 1 else 'colour'} ({where})",
        *found.facts,
        f"resize: {config.interpolation}, {config.crop} (--interpolation, --crop)",
        f"output: {output} ({output_from}){'' if flat else f', {list(shape)} read in a row'}",
    )
    return Description(adapter.model_copy(update={"output": output}), spec, facts)


def _as_told(config: Config, told: ImageSpec | None) -> Config:
    """Return the options, those that nobody has given as the file says."""
    if told is None:
        return config
    known = told.model_dump(include={"mean", "std", "interpolation", "crop", "pixel_range"})
    known |= {"output": "probs"} | ({"channel_order": "RGB"} if told.channels == CHANNELS else {})
    usual = {name: field.default for name, field in type(config).model_fields.items()}
    left = {name: value for name, value in known.items() if getattr(config, name) == usual[name]}
    return config.model_copy(update=left)


def _labels(config: Config, source: Source, data: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the network's labels in the order of its outputs, and where they are from."""
    if config.labels is not None:
        return config.labels, "--labels"
    return (data, "the order of the data") if source.labels is None else (source.labels, "the file")


def label_order(given: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...] | None:
    """Return the output for each label of the data; `None` where both have the same order.

    Raises:
        UserError: the network's labels are not those of the data.
    """
    check_same(given, wanted, "(--labels)", "(--data)")
    order = tuple(list(given).index(name) for name in wanted)
    return None if order == tuple(range(len(wanted))) else order


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


def _check_output(
    source: Source, adapter: Adapter, spec: ImageSpec, sample: Sample
) -> tuple[bool, Sequence[int]]:
    """Return whether the output is `[1, labels]`, and its shape, for one image.

    Raises:
        UserError: it is not one value for each label, on whatever axis.
    """
    names = sample.dataset.label_names
    shape = np.shape(source.run(adapter.feed(sample.images(spec)[:1])))
    several = [axis for axis, size in enumerate(shape) if size != 1]
    if not shape or len(several) > 1 or (len(shape) > 1 and shape[0] != 1):
        raise UserError(
            "The network's output is not one value for each label",
            got=list(shape),
            allowed=f"[1, {len(names)}], or [1, {len(names)}, 1, 1]",
            next_step="end it with its classifier: a detector or a segmenter cannot be taken",
        )
    outputs = int(np.prod(shape))
    if outputs != len(names):
        raise UserError(
            f"The network has {outputs} outputs, and the data have {len(names)} labels",
            got=list(shape),
            allowed=f"[1, {len(names)}] for {', '.join(names)}",
            next_step="give data with the network's labels, or a network for these",
        )
    return len(shape) == 2, shape


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
    if said == "logits" and looks == "probs":
        console.warn(
            f"--output logits, but all values lie within 0..1 as probabilities do: {shown}"
        )
    return said or looks, f"--output, {shown}" if said else shown


def _shown(shape: Shape) -> str:
    return f"[{', '.join('open' if size is None else str(size) for size in shape)}]"
