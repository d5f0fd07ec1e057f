"""`python -m compress.data` is `python -m benchmarks.inspection` by its former name."""

import sys

from benchmarks.inspection.__main__ import Config, run
from edgepress.core import console
from edgepress.core.cli import main

if __name__ == "__main__":
    console.say("`python -m compress.data` is now `python -m benchmarks.inspection`")
    sys.exit(main(Config, run))
