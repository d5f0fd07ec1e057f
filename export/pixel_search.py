"""How a network made elsewhere takes its pixels: as said, else the usual way that works best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import metrics
from compress.core.errors import UserError
from compress.core.image_spec import ImageSpec, Triple
from export.sample import Sample, run
from export.sources._source import Adapter, ChannelOrder, Source

if TYPE_CHECKING:
    from export.adopt import Config

NORMALISATIONS: dict[str, tuple[Triple, Triple]] = {
    "ImageNet's": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "0 to 1": ((0.0,) * 3, (1.0,) * 3),
    "-1 to 1": ((0.5,) * 3, (0.5,) * 3),
    "0 to 255": ((0.0,) * 3, (1 / 255,) * 3),
    "Caffe's": ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3),
}
"""How the pixels of networks usually are when they come in: mean and std of pixels in 0..1."""
CLEARLY = 0.02
"""By how much more mAP blue first must bring to be believed: many networks do without colours, and
on a few images either order is the better one by chance."""


@dataclass(frozen=True)
class Pixels:
    """What was found."""

    spec: ImageSpec
    order: ChannelOrder
    facts: tuple[str, ...]
    """What was taken, and where it is from."""


def find(
    config: Config, source: Source, adapter: Adapter, spec: ImageSpec, sample: Sample
) -> Pixels:
    """Return mean, std and order of the channels: of what is not said, the best of the usual.

    Raises:
        UserError: only one of mean and std is said, or an order of a single channel.
    """
    ways = _ways(config)
    orders = _orders(config, adapter)
    maps: dict[tuple[str, ChannelOrder], float | None] = {}
    for name, (mean, std) in ways.items():
        for order in orders:
            tried = spec.model_copy(update={"mean": mean, "std": std})
            turned = adapter.model_copy(update={"channel_order": order})
            one = len(ways) == len(orders) == 1
            maps[name, order] = None if one else _map(source, turned, tried, sample)
    best = {order: max(ways, key=lambda name: maps[name, order] or 0.0) for order in orders}
    order = _better(orders, {order: maps[name, order] or 0.0 for order, name in best.items()})
    mean, std = ways[best[order]]
    facts = [_pixels_fact(best[order], {name: maps[name, order] for name in ways}, sample)]
    if adapter.channels == 3:
        facts.append(_order_fact(order, {o: maps[name, o] for o, name in best.items()}, sample))
    return Pixels(spec.model_copy(update={"mean": mean, "std": std}), order, tuple(facts))


def _ways(config: Config) -> dict[str, tuple[Triple, Triple]]:
    """Return the normalisations to choose from, by name."""
    if (config.mean is None) != (config.std is None):
        raise UserError("--mean and --std belong together", next_step="give both")
    if config.mean is None or config.std is None:
        return NORMALISATIONS
    return {"(pixels / 255 - mean) / std by --mean and --std": (config.mean, config.std)}


def _orders(config: Config, adapter: Adapter) -> tuple[ChannelOrder, ...]:
    """Return the orders to choose from, ours first."""
    if config.channel_order is None:
        return ("RGB", "BGR") if adapter.channels == 3 else ("RGB",)
    if adapter.channels == 1:
        raise UserError(
            "A network of one channel has no order of channels",
            got=f"--channel-order {config.channel_order}",
            next_step="leave it out",
        )
    return (config.channel_order,)


def _better(orders: Sequence[ChannelOrder], maps: dict[ChannelOrder, float]) -> ChannelOrder:
    """Return the order of the higher mAP, ours unless another is clearly better."""
    ours, other = orders[0], orders[-1]
    return other if maps[other] > maps[ours] + CLEARLY else ours


def _pixels_fact(best: str, maps: dict[str, float | None], sample: Sample) -> str:
    if len(maps) == 1:
        return f"pixels: {best}"
    return (
        f"pixels: {best} (the best mAP on {len(sample.rows)} validation images: {_shown(maps)}; "
        "where that is not how it was trained: --mean --std)"
    )


def _order_fact(order: ChannelOrder, maps: dict[ChannelOrder, float | None], sample: Sample) -> str:
    if len(maps) == 1:
        return f"order of the channels: {order} (--channel-order)"
    return (
        f"order of the channels: {order} (mAP on {len(sample.rows)} validation images: "
        f"{_shown(maps)}; BGR is taken where it is better by more than {CLEARLY:g}; where that is "
        "not how it was trained: --channel-order)"
    )


def _shown(maps: dict[str, float | None] | dict[ChannelOrder, float | None]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in maps.items() if value is not None)


def _map(source: Source, adapter: Adapter, spec: ImageSpec, sample: Sample) -> float:
    scores = run(source, adapter, sample.images(spec))
    if not np.isfinite(scores).all():
        return 0.0
    each = (
        metrics.average_precision(sample.targets[:, label], scores[:, label])
        for label in range(scores.shape[1])
    )
    return metrics.mean_defined(each) or 0.0
