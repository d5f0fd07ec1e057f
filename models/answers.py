"""`python -m models.answers --model DIR` gives an artifact of before its stored answers.

Only a network that still answers the stored evaluation's images as it did when it was measured gets
them; the id, the weights and all figures stay as they are.
"""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from edgepress.core import artifact as artifacts
from edgepress.core import console, place
from edgepress.core.alike import REWRITTEN
from edgepress.core.artifact import MANIFEST, Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.noun import Noun
from edgepress.core.scaling import coefficients
from edgepress.data import pixels, probe
from edgepress.data.context import Context, open_context
from edgepress.data.dataset import Dataset
from edgepress.data.sampling import sample
from models.defaults import ZOO_TEACHER
from models.stored import load_network, logits

IMAGES = 32
"""Images of the evaluation that are answered again."""


class Config(Noun):
    """Store a few answers with a PyTorch artifact, by which it is known again when it is loaded."""

    model: Path = ZOO_TEACHER
    """Artifact without stored answers."""
    data: str = "elpv"
    """The data that it was measured on."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> Artifact:
    """Compare the network with its stored evaluation, and store its answers.

    Raises:
        UserError: it has answers already, no evaluation, or answers otherwise now.
    """
    model = artifacts.load(config.model)
    if model.file(probe.PROBE_FILE):
        raise UserError("The artifact has stored answers already", got=config.model)
    context = open_context(config.data, (model,), config.skip_bad_images)
    moved = _moved(model, context.dataset)
    if not moved <= REWRITTEN.probs:
        raise UserError(
            "The network answers otherwise than its stored evaluation says, so it is not signed",
            got=f"probabilities that differ by up to {moved:.2g}",
            allowed=f"up to {REWRITTEN.probs:g}",
            next_step="make the artifact again with the stage that wrote it",
        )
    made = _with_answers(model, context)
    console.say(f"probabilities differ by {moved:.1g} from the evaluation; answers: {config.model}")
    return made


def _moved(model: Artifact, dataset: Dataset) -> float:
    """Return the largest difference of a probability from the evaluation's, on a sample."""
    file = model.file(EVAL_FILE)
    if file is None:
        raise UserError("The artifact has no stored evaluation to compare with", got=model.path)
    told = load_eval(file)
    row_of = {image_id: row for row, image_id in enumerate(dataset.image_ids)}
    place_of = {row_of[one]: place for place, one in enumerate(told.image_ids) if one in row_of}
    if not place_of:
        raise UserError("The data hold no image of the stored evaluation", got=dataset.source)
    spec, rows = model.manifest.image, sample(dataset.targets, np.array([*place_of]), IMAGES)
    shared = [place_of[row] for row in rows.tolist()]
    slope, offset = coefficients(model.manifest.labels.scalings)
    inputs = pixels.normalise(pixels.decoded(dataset, spec)[rows], spec)
    answers = logits(load_network(model), inputs) * slope + offset
    return float(np.abs(1 / (1 + np.exp(-answers)) - told.scores[0, shared]).max())


def _with_answers(model: Artifact, context: Context) -> Artifact:
    """Replace an artifact by itself with the answers."""
    small, network = probe.images(context), load_network(model)
    real = place.real(model.path)
    with (
        place.held(model.path),
        tempfile.TemporaryDirectory(prefix=f".{real.name}.", dir=real.parent) as work,
    ):
        folder = Path(work) / "files"
        shutil.copytree(real, folder, ignore=shutil.ignore_patterns(MANIFEST))
        probe.write(partial(logits, network), small, context.spec, folder)
        return artifacts.save(model.path, folder, model.manifest)


if __name__ == "__main__":
    sys.exit(main(Config, run))
