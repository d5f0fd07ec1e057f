"""What a term of a distillation loss is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Taught:
    """What a student and its teacher make of one batch of the same augmented images.

    Features are maps `[n, channels, h, w]` by the name of a layer that both have, and
    `compress.learning.features.PENULTIMATE`, `[n, width]` of the network's own width: what enters
    the output layer. What no term needs is empty.
    """

    logits: Tensor
    """The student's, `[n, labels]`."""
    teacher_logits: Tensor
    """`[n, labels]`."""
    targets: Tensor
    """`[n, labels]`, 0 to 1; NaN is unknown."""
    weights: Tensor | None = None
    """Of the targets, `[n, labels]`."""
    temperature: float = 1.0
    """Divides the logits of both."""
    features: Mapping[str, Tensor] = field(default_factory=dict)
    """The student's."""
    teacher_features: Mapping[str, Tensor] = field(default_factory=dict)
    maps: Sequence[tuple[Tensor, Tensor]] = ()
    """Pairs of the student's and the teacher's, each `[n, channels, h, w]` of its own channels and
    size: the last at each halving of the images."""
    label_weights: tuple[Tensor, ...] = ()
    """The student's and the teacher's, `[labels, width]`: what each label makes of what enters
    the output layer."""
