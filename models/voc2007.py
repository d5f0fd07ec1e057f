"""Downloads Pascal VOC 2007 by torchvision: `python -m models.voc2007 FOLDER`."""

import socket
import sys
from pathlib import Path

from filelock import FileLock

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before torchvision)
from torchvision.datasets import VOCDetection

SILENCE_S = 60.0
"""The connection is given up when nothing has come for so long."""


def download(root: Path) -> None:
    """Put `VOCdevkit/VOC2007` into the new folder `root`, whole or not at all.

    Archives that came whole are kept until all is there, so that a second try does not fetch them
    again; that is why what is half there has a fixed name, and a lock.

    Raises:
        OSError: the network or the disk refuses.
        RuntimeError: what came is damaged.
    """
    draft = root.with_name(f"{root.name}.draft")
    with FileLock(root.with_name(f"{root.name}.lock")):
        if root.exists():  # another process has brought it meanwhile
            return
        for image_set in ("trainval", "test"):
            VOCDetection(draft, year="2007", image_set=image_set, download=True)
        for archive in draft.glob("*.tar"):
            archive.unlink()
        draft.replace(root)


def main(arguments: list[str]) -> int:
    """Download; on an error, print the reason and return 2."""
    socket.setdefaulttimeout(SILENCE_S)
    try:
        download(Path(arguments[0]))
    except (OSError, RuntimeError) as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
