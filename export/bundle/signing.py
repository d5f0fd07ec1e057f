"""Signs a bundle with an offline key, as OpenSSF `model-signing` does; the device verifies it.

A signature of this kind has a random part: signed twice, a bundle has two signatures, and every
other file is the same.
"""

import importlib
import tempfile
from pathlib import Path
from typing import Any

from edgepress.core.errors import UserError
from edgepress.device.bundle import SIGNATURE, archive, signature
from edgepress.device.bundle.archive import Files
from edgepress.device.errors import DeviceError

SIGNER = "model_signing.signing"
MAKE_KEY = "openssl ecparam -name prime256v1 -genkey -noout -out private.pem"


def public_key(private: Path) -> bytes:
    """Return the public half of a private key, in PEM form.

    Raises:
        UserError: `model-signing` is not installed, or no private key on the curve P-256.
    """
    serialization = _module("cryptography.hazmat.primitives.serialization")
    _module(SIGNER)  # is asked for now, not after the work
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    except OSError as error:
        raise _unusable(private, str(error.strerror)) from None
    except (ValueError, TypeError) as error:
        raise _unusable(private, str(error).partition("\n")[0]) from None
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    try:
        return signature.canonical_key(key.public_key().public_bytes(encoding, form))
    except DeviceError:
        raise _unusable(private, f"it is a {type(key).__name__}") from None


def sign(files: Files, private: Path) -> bytes:
    """Return the signature of all files by name, made with a private key and verified.

    Raises:
        UserError: as `public_key`.
    """
    public = public_key(private)
    with tempfile.TemporaryDirectory(prefix="edgepress-sign-") as work:
        folder, signed = Path(work) / "bundle", Path(work) / SIGNATURE
        archive.unpack(files, folder)
        config = _module(SIGNER).Config().use_elliptic_key_signer(private_key=private)
        config.sign(folder, signed)
        made = signed.read_bytes()
    signature.verify({**files, SIGNATURE: made}, public)
    return made


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"Signing needs a package that is not installed ({error.name})",
            next_step="pip install 'edgepress[sign]'",
        ) from None


def _unusable(private: Path, reason: str) -> UserError:
    return UserError(
        f"The key cannot be used to sign ({reason})",
        got=private,
        allowed="a private key on the curve P-256 in PEM form, without a password",
        next_step=MAKE_KEY,
    )
