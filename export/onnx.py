"""`python -m export.onnx --model DIR --quantize int8 --target auto` makes a checked ONNX file.

This module holds the command only: run as a script it would be found in place of the onnx package.
"""

import sys
from collections.abc import Sequence

from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from export.making import job, stage
from export.making.options import Config


def run(config: Config) -> Artifact:
    """Export, quantize, measure and store.

    Raises:
        UserError: bad input, or a number format that the target does not take.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    return stage.export(config)


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    job.check(config, labels)


if __name__ == "__main__":
    sys.exit(main(Config, run))
