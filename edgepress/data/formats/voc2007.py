"""Pascal VOC 2007, by its name alone: `--data voc2007` downloads it once, into the cache.

9,963 photographs with 20 labels, 0.9 GB; torchvision downloads and checks them. That is done in a
process of its own, since reading data needs no torch.
"""

import subprocess
import sys
from pathlib import Path

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data import cache
from edgepress.data.formats import voc
from edgepress.data.table import Table

NAME = "voc2007"


def recognises(_path: Path) -> bool:
    """Return False: a VOC folder that is there already is of the format `voc`."""
    return False


def read(path: Path) -> Table:
    """Read `path`, the folder above `VOCdevkit`, or the cache's where it is the current folder.

    Raises:
        UserError: it is not there and cannot be downloaded, or it is not VOC's.
    """
    root = path if path != Path() else cache.cache_dir() / NAME
    if not voc.recognises(root):
        _download(root)
    return voc.read(root)


def _download(root: Path) -> None:
    console.say(f"downloading VOC 2007 (0.9 GB) to {root}")
    words = [sys.executable, "-m", "models.voc2007", str(root)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        reason = done.stdout.strip() or f"exit code {done.returncode}"
        raise UserError(
            f"VOC 2007 could not be downloaded ({reason})",
            next_step="try again when the machine is online, or unpack VOCtrainval_06-Nov-2007.tar "
            "and VOCtest_06-Nov-2007.tar in one folder and give --data FOLDER",
        )
