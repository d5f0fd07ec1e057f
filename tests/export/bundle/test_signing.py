"""A signed bundle: what is signed is what the device verifies, and nothing else has changed."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from device_bundles import keys

from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.device.bundle import archive, signature
from edgepress.device.errors import DeviceError
from export.bundle import signing
from export.bundle.__main__ import Config, run

pytest.importorskip("model_signing", reason="pip install 'edgepress[sign]'")

FILES = {"manifest.json": b"{}", "golden/0.png": b"image", "edgepress_device/watch/a.py": b"pass"}


def test_a_signed_bundle_is_the_unsigned_one_and_its_signature(
    packed: Path, exported: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    private, public = keys(tmp_path)
    out = tmp_path / "signed.zip"
    run(
        Config(
            model=exported.path, data=str(data_folder), out=out, latency_budget="10s", sign=private
        )
    )
    files, unsigned = archive.read(out), archive.read(packed)
    signature.verify(files, public.read_bytes())
    assert {name: content for name, content in files.items() if name != "model.sig"} == unsigned
    assert "model.sig" in files
    assert "model.sig" not in str(files["manifest.json"])


def test_another_byte_file_or_key_is_refused(tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    signed = {**FILES, "model.sig": signing.sign(FILES, private)}
    key = public.read_bytes()
    signature.verify(signed, key)
    for wrong in ({"golden/0.png": b"imagf"}, {"more.txt": b""}):
        with pytest.raises(DeviceError, match="not those that were signed"):
            signature.verify(signed | wrong, key)
    with pytest.raises(DeviceError, match="refused"):
        signature.verify(signed, keys(tmp_path, "other")[1].read_bytes())


def test_no_path_of_this_machine_is_in_the_signature(tmp_path: Path) -> None:
    made = signing.sign(FILES, keys(tmp_path)[0])
    payload = signature._envelope(made, hashlib.sha256(keys_public(tmp_path)).hexdigest())
    assert str(tmp_path).encode() not in payload[0]
    assert b"golden/0.png" in payload[0]


def keys_public(folder: Path) -> bytes:
    return signature.canonical_key((folder / "key.pub").read_bytes())


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused_before_the_work(
    content: bytes, exported: Artifact, command: Callable[..., Any], tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(content)
    done = command("export.bundle.__main__", "--model", exported.path, "--sign", key)
    assert done.code == 2
    assert "P-256" in done.err
    assert "openssl ecparam" in done.err


def test_a_key_on_another_curve_is_refused(tmp_path: Path) -> None:
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = tmp_path / "other.pem"
    key.write_bytes(
        ec.generate_private_key(ec.SECP384R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(UserError, match="P-256"):
        signing.public_key(key)


def test_without_the_package_the_user_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_signing.signing", None)
    with pytest.raises(UserError, match=r"edgepress\[sign\]"):
        signing.public_key(keys(tmp_path)[0])
