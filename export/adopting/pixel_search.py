"""How a network made elsewhere takes its pixels: as said, else the usual way that works best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.statistics.average_precision import Array, Ranking
from benchmarks.statistics.chance import as_good
from edgepress.core.alike import ROUNDING
from edgepress.core.errors import UserError
from edgepress.core.image_spec import MEAN, STD, Channels, ImageSpec, PerChannel
from export.adopting.channel_order import CHANNELS
from export.adopting.sample import Sample, run
from export.adopting.sources._source import Adapter, ChannelOrder, Floats, Source

if TYPE_CHECKING:
    from export.adopting.options import Config

RANGES = {"0 to 1": (0.0, 1.0), "-1 to 1": (0.5, 0.5), "0 to 255": (0.0, 1 / 255)}
"""How the pixels of networks usually are when they come in: mean and std of pixels in 0..1."""
CAFFES = ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3)
SURELY = 0.01
"""Largest share of random mixtures of two ways whose gain is as high, for the better one to be
believed: on few images either may be better, and many networks do without colours."""
MIXTURES = 399


Way = tuple[PerChannel, PerChannel]
"""Mean and standard deviation."""


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
        UserError: only one of mean and std is said, an order of a single channel, or no usual mean
            and std is surely better than the others.
    """
    ways, orders = _ways(config, spec.channels), _orders(config, spec.channels)
    tried = {(name, order): _Tried() for name in ways for order in orders}
    for name, order in tried if len(tried) > 1 else ():
        mean, std = ways[name]
        one = spec.model_copy(update={"mean": mean, "std": std})
        turned = adapter.model_copy(update={"channel_order": order})
        scores = run(source, turned, sample.images(one))
        tried[name, order] = _Tried(scores, _map(scores, sample.targets))
    best = {order: max(ways, key=lambda name: tried[name, order].map) for order in orders}
    ours, other = ((best[order], order) for order in (orders[0], orders[-1]))
    name, order = other if _surely(tried[ours], tried[other], sample.targets) else ours
    _require_margin(name, {way: tried[way, order] for way in ways}, sample, ways)
    mean, std = ways[name]
    facts = [_pixels_fact(name, {way: tried[way, order].map for way in ways}, sample)]
    if spec.channels == CHANNELS:
        facts.append(_order_fact(order, {o: tried[n, o].map for o, n in best.items()}, sample))
    return Pixels(spec.model_copy(update={"mean": mean, "std": std}), order, tuple(facts))


@dataclass(frozen=True)
class _Tried:
    """Scores `[n, labels]` and their mAP; without where nothing was run."""

    scores: Floats | None = None
    map: float = 0.0


def _surely(first: _Tried, second: _Tried, targets: Floats, most: float = SURELY) -> bool:
    """Tell whether the second way is better than the first, paired over images.

    If they were no better, taking each image's from either would make no difference: a permutation
    test of the gain in mAP (Fisher 1935, "The Design of Experiments", section 21).
    """
    ours, others = first.scores, second.scores
    if ours is None or others is None or not np.isfinite(ours).all():
        return second.map > first.map
    if not np.isfinite(others).all():
        return False
    taken = np.random.default_rng(0).random((1 + MIXTURES, len(targets), 1)) < 0.5
    taken[0] = False
    better, worse = np.where(taken, ours, others), np.where(taken, others, ours)
    return as_good(mean_aps(better, targets) - mean_aps(worse, targets)) <= most


def _require_margin(
    best: str, tried: Mapping[str, _Tried], sample: Sample, ways: Mapping[str, Way]
) -> None:
    """Refuse to choose a normalisation by luck; one that changes no answer needs no choice.

    Each of the others may be beaten by luck, so they share `SURELY` (Bonferroni).

    Raises:
        UserError: another one may as well be that of the training.
    """
    rivals = [one for name, one in tried.items() if name != best]
    rivals = [one for one in rivals if not _same(one, tried[best])]
    most = SURELY / max(1, len(rivals))
    if all(_surely(one, tried[best], sample.targets, most) for one in rivals):
        return
    raise UserError(
        "The images do not tell how the network takes its pixels: no usual way is surely the best",
        got=f"mAP on {len(sample.rows)} images: {_shown({n: t.map for n, t in tried.items()})}",
        allowed="one that is better than every other beyond the luck of the images",
        next_step=f"say how it was trained ({best}: {_words(ways[best])}), or give more images",
    )


def _same(one: _Tried, other: _Tried) -> bool:
    if one.scores is None or other.scores is None:
        return False
    # no further apart: the network normalises by itself
    return bool(np.allclose(one.scores, other.scores, rtol=0, atol=ROUNDING.probs))


def _words(way: Way) -> str:
    mean, std = (" ".join(f"{value:.6g}" for value in values) for values in way)
    return f"--mean {mean} --std {std}"


def _ways(config: Config, channels: Channels) -> dict[str, Way]:
    """Return the normalisations to choose from, by name.

    Raises:
        UserError: only one of mean and std is said, or not one value for each channel.
    """
    if (config.mean is None) != (config.std is None):
        raise UserError("--mean and --std belong together", next_step="give both")
    if config.mean is None or config.std is None:
        return usual(channels)
    if not len(config.mean) == len(config.std) == channels:
        raise UserError(
            "--mean and --std need one value for each channel of the network",
            got=f"{len(config.mean)} and {len(config.std)}",
            allowed=f"{channels} each",
        )
    return {"(pixels / 255 - mean) / std by --mean and --std": (config.mean, config.std)}


def usual(channels: Channels) -> dict[str, Way]:
    """Return the usual normalisations of as many channels, by name."""
    found: dict[str, Way] = {"ImageNet's": (MEAN[channels], STD[channels])}
    found |= {name: ((mean,) * channels, (std,) * channels) for name, (mean, std) in RANGES.items()}
    return found if channels == 1 else found | {"Caffe's": CAFFES}


def _orders(config: Config, channels: Channels) -> tuple[ChannelOrder, ...]:
    """Return the orders to choose from, ours first."""
    if config.channel_order is None:
        return ("RGB", "BGR") if channels == CHANNELS else ("RGB",)
    if channels == 1:
        raise UserError(
            "A network of one channel has no order of channels",
            got=f"--channel-order {config.channel_order}",
            next_step="leave it out",
        )
    return (config.channel_order,)


def _pixels_fact(best: str, maps: dict[str, float], sample: Sample) -> str:
    if len(maps) == 1:
        return f"pixels: {best}"
    return (
        f"pixels: {best} (surely the best mAP on {len(sample.rows)} images: {_shown(maps)}; "
        "where that is not how it was trained: --mean --std)"
    )


def _order_fact(order: ChannelOrder, maps: dict[ChannelOrder, float], sample: Sample) -> str:
    if len(maps) == 1:
        return f"order of the channels: {order} (--channel-order)"
    return (
        f"order of the channels: {order} (mAP on {len(sample.rows)} images: "
        f"{_shown(maps)}; BGR is taken where it is surely better; where that is not how it was "
        "trained: --channel-order)"
    )


def _shown(maps: Mapping[Any, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in maps.items())


def _map(scores: Floats, targets: Floats) -> float:
    return float(mean_aps(scores[None], targets)[0]) if np.isfinite(scores).all() else 0.0


def mean_aps(scores: Floats, targets: Floats) -> Array:
    """Return the mAP of several sets of scores `[sets, n, labels]`, 0 where it is undefined."""
    found = []
    for label in range(targets.shape[1]):
        known = ~np.isnan(targets[:, label])
        truth = targets[known, label].astype(float)
        if 0 < truth.sum() < len(truth):
            found.append(Ranking.of(truth, scores[:, known, label].astype(float)).ap)
    return np.mean(found, axis=0) if found else np.zeros(len(scores))
