"""Checks `model.sig`, an OpenSSF model signature made with an offline key (NIST P-256).

The file is a Sigstore bundle: a DSSE envelope (https://github.com/secure-systems-lab/dsse) around
an in-toto statement that lists the sha256 of every other file. The arithmetic is left to the
package `cryptography`, or else to the program `openssl`; where neither is there, a demanded
signature is a refusal.
"""

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ..errors import DeviceError
from .archive import Files
from .manifest import SIGNATURE

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE = "https://model_signing/signature/v1.0"
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""How every DER public key on this curve begins (RFC 5480)."""


def verify(files: Files, key: bytes) -> None:
    """Check that all files of a bundle are those that the key's owner signed.

    `key` is a public key in PEM form.

    Raises:
        DeviceError: not signed, by another key, or other files; or nothing here can verify.
    """
    if SIGNATURE not in files:
        raise _refused("it is not signed")
    pem = canonical_key(key)
    payload, signature = _envelope(files[SIGNATURE], hashlib.sha256(pem).hexdigest())
    signed = b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload,
    )  # fmt: skip
    if not _is_signed(signed, signature, pem):
        raise _refused("its signature was not made with this key")
    here = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != SIGNATURE
    }
    if _resources(payload) != here:
        raise _refused("its files are not those that were signed")


def canonical_key(key: bytes) -> bytes:
    """Return a public key in PEM form as OpenSSL writes it.

    Raises:
        DeviceError: not a public key on the curve P-256.
    """
    try:
        text = key.decode("ascii").strip().splitlines()
        der = base64.b64decode("".join(text[1:-1]), validate=True)
    except ValueError:
        text, der = [], b""
    if not text or "PUBLIC KEY" not in text[0] or not der.startswith(P256) or len(der) != 91:
        raise DeviceError(
            "The key cannot be used",
            got=key[:30],
            allowed="a public key on the curve P-256 in PEM form",
            next_step="openssl ec -in private.pem -pubout -out public.pem",
        )
    encoded = base64.b64encode(der).decode()
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    return "\n".join(
        ["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]
    ).encode()


def _envelope(content: bytes, hint: str) -> tuple[bytes, bytes]:
    """Return payload and signature. Nothing in the file is free to be anything."""
    try:
        bundle = json.loads(content)
        envelope = bundle["dsseEnvelope"]
        (entry,) = envelope["signatures"]
        payload, signature = _decoded(envelope["payload"]), _decoded(entry["sig"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _refused(f"{SIGNATURE} cannot be read") from None
    expected = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": envelope["payload"],
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": entry["sig"], "keyid": ""}],
        },
    }
    if bundle != expected:
        raise _refused(f"{SIGNATURE} is not a model signature made with this key")
    return payload, signature


def _decoded(text: str) -> bytes:
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text:
        raise ValueError("base64 with bits left over")
    return content


def _resources(payload: bytes) -> dict[str, Any]:
    """Return the sha256 of every file that was signed, by name."""
    try:
        statement = json.loads(payload)
        predicate = statement["predicate"]
        resources = predicate["resources"]
        found = {one["name"]: one["digest"] for one in resources}
        methods = {one["algorithm"] for one in resources}
    except (ValueError, KeyError, TypeError):
        raise _refused("what was signed cannot be read") from None
    if statement.get("predicateType") != PREDICATE or methods != {"sha256"}:
        raise _refused("what was signed is not a list of sha256 hashes")
    return found


def _is_signed(content: bytes, signature: bytes, pem: bytes) -> bool:
    if importlib.util.find_spec("cryptography"):
        return _by_cryptography(content, signature, pem)
    if program := shutil.which("openssl"):
        return _by_openssl(program, content, signature, pem)
    raise DeviceError(
        "A signature is demanded, and nothing here can check one",
        next_step="pip install cryptography, or install openssl",
    )


def _by_cryptography(content: bytes, signature: bytes, pem: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_public_key(pem)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _by_openssl(program: str, content: bytes, signature: bytes, pem: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        names = {"key.pem": pem, "signature": signature, "content": content}
        for name, data in names.items():
            Path(folder, name).write_bytes(data)
        command = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "content"]
        done = subprocess.run([program, *command], cwd=folder, capture_output=True, timeout=60)
    return done.returncode == 0


def _refused(reason: str) -> DeviceError:
    return DeviceError(
        f"The bundle is refused: {reason}", next_step="fetch the bundle again, or check the key"
    )
