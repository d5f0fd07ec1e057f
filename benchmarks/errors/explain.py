"""Where the network looked in the images that it decides most wrongly."""

from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import heat
from benchmarks.errors.grad_cam import GradCam, open_grad_cam, why_not
from benchmarks.errors.judged import Judged
from benchmarks.errors.occlusion import occlusion
from benchmarks.errors.schema import Explanation, Kind
from benchmarks.errors.worst import Names, worst_rows
from benchmarks.runtimes import _session
from benchmarks.runtimes._session import Session
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Rows
from edgepress.data.pixels import decoded, normalise

MOST_LABELS = 12
"""Of more labels those with the most wrong decisions are explained."""

Pictures = dict[str, bytes]
"""JPEG by name."""


@dataclass(frozen=True)
class Chosen:
    """A wrong decision to be explained."""

    row: int
    """Among the images of the part."""
    label: int
    kind: Kind


@dataclass(frozen=True)
class Photographs:
    """The images of the part as a model gets them."""

    dataset: Dataset
    rows: Rows
    named: Names
    spec: ImageSpec

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """Return one image `[h, w, c]`."""
        return np.asarray(decoded(self.dataset, self.spec)[self.rows[row]])


@dataclass(frozen=True)
class Eyes:
    """A model opened to be looked through."""

    session: Session
    grad_cam: GradCam | None


def choose(judged: Judged, each: int) -> tuple[Chosen, ...]:
    """Return `each` wrong decisions of every label: worst false alarm, worst miss, the next ..."""
    wrong = judged.wrong.sum(axis=0)
    labels = sorted(np.argsort(-wrong, kind="stable")[:MOST_LABELS].tolist())
    return tuple(chain.from_iterable(_of_label(judged, label)[:each] for label in labels))


def open_eyes(model: Artifact, provider: str, threads: int) -> Eyes:
    """Open a model in its runtime and, where that can be, for Grad-CAM.

    Raises:
        UserError: it cannot be opened.
    """
    runtime = _session.find(_session.name_for(model, provider))
    session = runtime.open_session(model, threads, across_images=True)
    return Eyes(session, None if why_not(model) else open_grad_cam(model, threads))


def explain(
    eyes: Eyes, photographs: Photographs, judged: Judged, chosen: tuple[Chosen, ...]
) -> tuple[tuple[Explanation, ...], Pictures]:
    """Return where the network looked, and the pictures that show it.

    Raises:
        UserError: the runtime fails.
    """
    explanations, pictures = [], Pictures()
    for place, one in enumerate(console.track(chosen, "seeing where the network looks")):
        made, strongest = _pictures(eyes, photographs, one)
        names = {method: f"look-{place}-{method}" for method in made}
        pictures |= {names[method]: jpeg for method, jpeg in made.items()}
        explanations.append(
            Explanation(
                image_id=photographs.named.image_ids[one.row],
                file=photographs.named.files[one.row],
                label=judged.label_names[one.label],
                kind=one.kind,
                prob=round(float(judged.probs[one.row, one.label]), 4),
                strongest=strongest,
                pictures=names,
            )
        )
    return tuple(explanations), pictures


def _pictures(eyes: Eyes, photographs: Photographs, one: Chosen) -> tuple[Pictures, float]:
    """Return the pictures by method, and the largest drop of the logit by occlusion."""
    pixels = photographs.pixels(one.row)
    image = normalise(pixels[None], photographs.spec)[0]
    found = occlusion(eyes.session, image, one.label)
    made = {"image": heat.plain(pixels), "occlusion": heat.overlay(pixels, found)}
    if eyes.grad_cam is not None:
        made["grad-cam"] = heat.overlay(pixels, eyes.grad_cam(image, one.label))
    return made, float(found.flat[np.abs(found).argmax()])


def _of_label(judged: Judged, label: int) -> list[Chosen]:
    """Return the wrong decisions of a label, false alarms and misses in turn, the worst first."""
    kinds: tuple[Kind, ...] = ("false alarm", "miss")
    each = [[Chosen(row, label, kind) for row in worst_rows(judged, label, kind)] for kind in kinds]
    return [one for pair in zip_longest(*each) for one in pair if one is not None]
