"""`python -m benchmarks.latency_table FOLDER` times a network's operators at several widths.

The folder holds files of the network and `index.json`, as the machine that prunes it has made them.
This is the part that runs on a device: it needs numpy and onnxruntime, and no other library. What
it writes is read back where the folder is from.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.operators import rounds, variants
from edgepress.core import starting
from edgepress.core.errors import EXIT_DONE, EdgepressError


def main(argv: Sequence[str] | None = None) -> int:
    """Time the files, store the times and return the exit code."""
    options = _parser().parse_args(argv)
    starting.loaded()
    try:
        job = rounds.Job(
            variants.read(options.folder),
            options.out or options.folder / "times.json",
            options.seconds,
        )
        print(rounds.measure(job, _say))
    except EdgepressError as error:
        _say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say(f"error: {starting.INTERRUPTED}")
        return starting.EXIT_INTERRUPTED
    return EXIT_DONE


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.latency_table", description=__doc__)
    parser.add_argument("folder", type=Path, help="the variants and their index.json")
    parser.add_argument("--out", type=Path, help="file of the times (default: FOLDER/times.json)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=rounds.LONGEST_S,
        help="time after which no round is begun, seconds (default: %(default)g)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
