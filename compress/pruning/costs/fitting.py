"""Seconds of operators as functions of the channels that they read and make.

Kernels work in blocks: a matrix product takes as long for 33 channels as for 48 where it makes 16
at a time. So an operator's time is a sum, with weights that are not negative, of 1, the channels
that it reads, those that it makes, and their product, each as it is and rounded up to whole blocks
of several sizes; and of channels that are no whole block, for which some kernels have a slow way.
It grows with channels, bends where blocks end, and is exact between them. Operators of one kind
have one such function up to a factor of their own (what the caches still hold differs); so a few
networks tell of many widths.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from compress.pruning.costs.times import Floats

BLOCKS = (16, 32, 64)
"""Sizes of blocks in channels: AVX-512 has 16 floats, and AMX tiles 64 bytes."""
SLOW = 16
"""What is no multiple of it can take the slow way."""


def features(reads: Floats, makes: Floats) -> Floats:
    """Return what times are sums of, `[..., features]`, for channels `[...]` read and made."""
    odd = makes % SLOW != 0
    columns = [np.ones_like(reads), reads, makes, reads * makes]
    for block in BLOCKS:
        of_reads, of_makes = (np.ceil(one / block) * block for one in (reads, makes))
        columns += [of_reads, of_makes, reads * of_makes, of_reads * of_makes]
    return np.stack([*columns, odd, odd * makes, odd * reads * makes], axis=-1)


def curves(kinds: Sequence[str], reads: Floats, makes: Floats, seconds: Floats) -> Floats:
    """Return the weights of each operator, `[operators, features]`.

    Args:
        kinds: Of each operator.
        reads: Channels, `[operators, variants]`.
        makes: As `reads`.
        seconds: As `reads`.
    """
    found = np.zeros((len(kinds), features(reads[:1], makes[:1]).shape[-1]))
    alike = defaultdict(list)
    for place, kind in enumerate(kinds):
        alike[kind].append(place)
    for places in alike.values():
        found[places] = _alike(features(reads[places], makes[places]), seconds[places])
    return found


def _alike(columns: Floats, seconds: Floats) -> Floats:
    """Return the weights of operators of one kind: shared ones, by a factor of each operator's own.

    Args:
        columns: `[operators, variants, features]`
        seconds: `[operators, variants]`
    """
    shared = _fitted(columns.reshape(-1, columns.shape[-1]), seconds.ravel())
    factors = seconds.sum(axis=1) / np.maximum((columns @ shared).sum(axis=1), 1e-12)
    weights: Floats = factors[:, None] * shared
    return weights


def _fitted(columns: Floats, seconds: Floats) -> Floats:
    """Return weights for the least error; small times count by how far off they are in shares."""
    rows = 1 / (seconds + max(float(np.median(seconds)), 1e-9))
    scale = np.maximum(columns.max(axis=0), 1e-12)
    weights: Floats = nnls(columns / scale * rows[:, None], seconds * rows)[0] / scale
    return weights


@dataclass(frozen=True)
class Scale:
    """What a whole network takes by the sum over its operators: a power of it.

    The same operator takes longer in a larger network, whose weights leave less room in the caches.
    Above 1 the power says so; without such an effect it is 1.
    """

    factor: float
    power: float

    @classmethod
    def of(cls, sums: Floats, seconds: Floats) -> "Scale":
        """Return the line through logarithms with the least squares, of networks `[networks]`."""
        power, constant = np.polyfit(np.log(sums), np.log(seconds), 1)
        return cls(float(np.exp(constant)), float(power))

    def at(self, sums: Floats) -> Floats:
        """Return the seconds of networks."""
        found: Floats = self.factor * sums**self.power
        return found
