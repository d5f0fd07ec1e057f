"""A bundle gets its name only when a device's own reader has taken it, and its self-test passed."""

import tempfile
from pathlib import Path

from edgepress.core import ending, writable
from edgepress.core.errors import GateFailed, UserError
from edgepress.device import bundle
from edgepress.device.bundle import archive
from edgepress.device.bundle.archive import Files
from edgepress.device.errors import CheckFailed, DeviceError
from edgepress.device.model import selftest


def write(out: Path, files: Files) -> None:
    """Write an archive of some files that a device takes; whole, or not at all.

    Raises:
        UserError: it cannot be written, or a device would refuse it.
        GateFailed: its golden images are not answered as they must be.
    """
    with writable.or_refused(out, "The bundle"):
        out.parent.mkdir(parents=True, exist_ok=True)
        with writable.drafted(out) as draft:
            draft.write_bytes(archive.pack(files))
            _prove(draft, out)


def _prove(draft: Path, out: Path) -> None:
    """Read a draft as a device does, and answer its golden images.

    Its budgets are the device's: what this machine takes says nothing of them.
    """
    try:
        read = archive.read(draft)
        bundle.check(read, draft)
        with tempfile.TemporaryDirectory(prefix="edgepress-proof-") as folder:
            archive.unpack(read, Path(folder))
            checks = selftest.answers(bundle.open_folder(Path(folder)))
    except CheckFailed as error:
        raise GateFailed(f"The bundle fails its self-test: {error.what}") from None
    except DeviceError as error:
        raise UserError(
            f"No device would take the bundle ({error.what}); nothing is written", got=out
        ) from None
    failed = (one for one in checks if not one.passed)
    faults = (f"{one.name} {one.measured:g}, limit {one.limit:g}" for one in failed)
    ending.refuse("The bundle fails its self-test", faults)
