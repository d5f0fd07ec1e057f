"""What is said beforehand of the smallest drop that images can certify."""

import numpy as np
from evaluated import result

from benchmarks.statistics.certifiable import certifiable_drop, sentence


def test_the_sentence_tells_points_and_images_or_that_there_is_one_view() -> None:
    targets = np.tile([[1, 0], [0, 1]], (20, 1))
    scores = targets + np.random.default_rng(0).normal(0, 0.5, (2, 40, 2))
    both, alone = result(scores, targets), result(scores[:1], targets)
    assert sentence(alone).endswith("can certify: unknown with a single view")
    drop = certifiable_drop(both)
    assert drop is not None
    assert f"these 40 images can certify: {100 * drop:.2f} points" in sentence(both)
