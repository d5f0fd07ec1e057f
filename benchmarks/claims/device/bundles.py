"""Finished bundles, opened as a device opens them."""

from pathlib import Path
from typing import Any

from edgepress.core.errors import UserError
from edgepress.device import bundle
from edgepress.device.bundle import archive, signature
from edgepress.device.bundle.archive import Files
from edgepress.device.errors import DeviceError


def read(path: Path, key: Path | None = None) -> tuple[Files, dict[str, Any]]:
    """Return files and manifest of a bundle whose hashes, and signature if asked, are right.

    Raises:
        UserError: no bundle, an altered one, or one that is not signed with the key.
    """
    try:
        files = archive.read(path)
        manifest = bundle.check(files, path)
        if key is not None:
            signature.verify(files, key.read_bytes())
    except DeviceError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"The key cannot be read ({error.strerror})", got=key) from None
    return files, manifest
