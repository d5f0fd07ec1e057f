"""What lies in a bundle: every file by name."""

import hashlib
import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress import device
from edgepress.core.errors import UserError
from edgepress.core.manifest import FileEntry
from edgepress.device.bundle import EXPECTED, archive
from edgepress.device.bundle.archive import Files, is_safe
from export.converting.writing import Converted
from export.shipped.photographs import Photograph, png

DEVICE = Path(device.__file__).parent
"""The package that the bundle carries a copy of."""
README = DEVICE / "README.md"
COPY = "edgepress_device"
BROUGHT = "h11"
"""What only `serve` needs: small, of Python alone, and so brought along."""
RUN = '''"""Runs the model: `python run.py predict photo.png`; `python run.py --help` says more."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
try:
    from edgepress_device.cli import main
except ImportError as error:
    print(f"error: {error}. Next: pip install onnxruntime numpy pillow", file=sys.stderr)
    sys.exit(2)
except SyntaxError as error:
    print(f"error: The runtime is damaged ({error}). Next: fetch the bundle again", file=sys.stderr)
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(main())
'''


def runtime() -> Files:
    """Return the device runtime, what it brings along, the file that starts it and what it is."""
    modules = {
        f"{COPY}/{file.relative_to(DEVICE).as_posix()}": file.read_bytes()
        for file in DEVICE.rglob("*.py")
    }
    start = {"run.py": RUN.encode(), "README.md": README.read_bytes()}
    return {**modules, **_packed(BROUGHT), **start}


def _packed(package: str) -> Files:
    """Return the modules of an installed package, and its licence, as they lie beside `run.py`."""
    listed = metadata.files(package) or []
    files = {
        file.as_posix(): file.read_binary()
        for file in listed
        if file.suffix == ".py" and file.parts[0] == package
    }
    licence = next(file for file in listed if file.name.startswith("LICENSE"))
    return {**files, f"{package}/{licence.name}": licence.read_binary()}


def most_doubtful(probs: NDArray[np.float32], n: int) -> NDArray[np.intp]:
    """Return the rows of probabilities `[images, labels]` that have one nearest to 1/2.

    There the sigmoid is steepest: what a processor computes otherwise shows most.
    """
    return np.argsort(np.abs(probs - 0.5).min(axis=1), kind="stable")[:n]


def golden(photographs: list[Photograph], probs: NDArray[np.float32]) -> Files:
    """Return photographs without loss, and the probabilities `[n, labels]` they must give."""
    names = [f"golden/{number}.png" for number in range(len(photographs))]
    expected = dict(zip(names, probs[: len(names)].tolist(), strict=True))
    images = {name: png(one) for name, one in zip(names, photographs, strict=True)}
    return {**images, EXPECTED: (json.dumps(expected, indent=1) + "\n").encode()}


def licences(given: tuple[Path, ...]) -> Files:
    """Return the licence of edgepress, and those that the user gives for model and data.

    Raises:
        UserError: a file cannot be read, two have the same name, or one has a name that a device
            refuses.
    """
    ours = metadata.distribution("edgepress").read_text("licenses/LICENSE") or ""
    files = {"LICENSES/edgepress.txt": ours.encode()}
    for path in given:
        name = f"LICENSES/{path.name}"
        if not is_safe(name):
            raise UserError(
                "A licence has a file name that a device refuses",
                got=repr(path.name),
                allowed='printable characters other than \\ : * ? " < > |',
                next_step="give the file another name",
            )
        if name.casefold() in map(str.casefold, files):
            raise UserError(
                "Two licences have the same file name",
                got=path.name,
                allowed="names that differ in more than upper and lower case",
            )
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            raise UserError(f"A licence cannot be read ({error.strerror})", got=path) from None
    return files


def check_size(model_bytes: int, licences: Files, others: Iterable[Converted]) -> None:
    """Refuse what is larger than an archive that a device reads, before the work.

    Raises:
        UserError: it is.
    """
    size_bytes = model_bytes + sum(map(len, licences.values()))
    size_bytes += sum(one.size_bytes for one in others)
    if size_bytes > archive.MOST_BYTES:
        raise UserError(
            "The bundle would be larger than a device reads",
            got=f"{size_bytes:,} bytes",
            allowed=f"at most {archive.MOST_BYTES:,} bytes",
            next_step="make the model smaller, or leave out some of --converted",
        )


def entries(files: Files) -> dict[str, FileEntry]:
    """Return hash and size of every file."""
    return {
        name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in sorted(files.items())
    }
