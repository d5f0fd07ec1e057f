"""`python -m export.adopt --model FILE --data D` takes in a network that was made elsewhere.

Whatever the file is, an artifact with an ONNX file comes out, which is measured, quantized, gated
and bundled like any other, and can teach a student. What it was made from is not needed any more.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256
from export.adopting import stage
from export.adopting.options import Config, Resolved
from export.adopting.sources import open_source


def run(config: Config) -> Artifact:
    """Open, describe, write, compare with the file, measure and store.

    Raises:
        UserError: a file that cannot be opened or does not map one image to one value for each
            label, or facts that contradict it.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    stage.check(config)
    if config.model is None:
        raise UserError("No file is named", next_step="--model FILE")
    source = open_source(config.model, config.trust)
    out = config.out or Path("runs") / config.model.stem
    resolved = Resolved(
        **config.model_dump(exclude={"out"}), out=out, model_sha256=file_sha256(config.model)
    )
    return stage.adopt(resolved, source)


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    stage.check(config, labels)


if __name__ == "__main__":
    sys.exit(main(Config, run))
