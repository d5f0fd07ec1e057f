"""A signed bundle is that of the key's owner, to the last byte."""

import json
import os
import random
import shutil
from pathlib import Path

import device_bundles
import pytest

from edgepress.device import bundle
from edgepress.device.bundle import archive, signature
from edgepress.device.bundle.archive import Files
from edgepress.device.errors import DeviceError

CHANGES = int(os.environ.get("EDGEPRESS_FUZZ", "60"))
"""Bytes that are changed in turn; `EDGEPRESS_FUZZ=500` changes as many as you like."""
REAL = Path(__file__).parent / "signed"
"""Two files signed by OpenSSF model-signing 1.1.1, with the public key."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return device_bundles.keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def files(keys: tuple[Path, Path]) -> Files:
    return device_bundles.signed(device_bundles.files(), *keys)


def real() -> Files:
    """Return what the real tool has signed."""
    folder = REAL / "bundle"
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_what_openssf_model_signing_signs_is_accepted():
    files, key = real(), (REAL / "key.pub").read_bytes()
    assert signature.verify(files, key) is None
    for name in ("manifest.json", "model.onnx"):
        with pytest.raises(DeviceError, match="not those that were signed"):
            signature.verify({**files, name: files[name] + b" "}, key)


@pytest.mark.parametrize("way", ["cryptography", "openssl"])
def test_both_ways_tell_right_from_wrong(way: str, monkeypatch: pytest.MonkeyPatch, capfd):
    if way == "cryptography":
        pytest.importorskip("cryptography")
        monkeypatch.setattr(shutil, "which", lambda _: None)
    else:
        monkeypatch.setattr(signature.importlib.util, "find_spec", lambda _: None)
    files, key = real(), (REAL / "key.pub").read_bytes()
    assert signature.verify(files, key) is None
    broken = files["model.sig"].replace(b'"sig":"MEUC', b'"sig":"MEUD')
    assert broken != files["model.sig"]
    with pytest.raises(DeviceError, match="not made with this key"):
        signature.verify({**files, "model.sig": broken}, key)
    assert capfd.readouterr() == ("", "")


def test_every_changed_byte_of_a_signed_bundle_is_refused(
    files: Files, keys: tuple[Path, Path], tmp_path: Path
):
    """Bytes of all files, manifest and signature too, in an archive that is whole again."""
    chance, key, accepted = random.Random(0), keys[1].read_bytes(), []
    for number in range(CHANGES):
        name = sorted(files)[number % len(files)]
        place, bit = chance.randrange(len(files[name])), 1 << chance.randrange(8)
        changed = bytearray(files[name])
        changed[place] ^= bit
        path = device_bundles.zipped(tmp_path / "b.zip", {**files, name: bytes(changed)})
        try:
            found = archive.read(path)
            signature.verify(found, key)
            bundle.check(found, path)
        except DeviceError:
            continue
        accepted.append((name, place, bit))
    assert not accepted


@pytest.mark.parametrize(
    "changes",
    [
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"predicateType": "https://model_signing/signature/v2.0"},
        {"predicateType": None},
    ],
)
def test_a_foreign_statement_is_refused_under_a_valid_signature(
    changes: dict, files: Files, keys: tuple[Path, Path]
):
    """The owner's key signs other things too: an attestation is no release."""
    plain = device_bundles.files()
    said = device_bundles.statement(plain, **changes)
    with pytest.raises(DeviceError, match="not a list of sha256 hashes"):
        signature.verify(device_bundles.signed(plain, *keys, said), keys[1].read_bytes())
    assert signature.verify(files, keys[1].read_bytes()) is None


def test_hashes_of_another_kind_are_refused_under_a_valid_signature(keys: tuple[Path, Path]):
    plain = device_bundles.files()
    for changed in (slice(None), slice(0, 1)):
        said = device_bundles.statement(plain)
        for one in said["predicate"]["resources"][changed]:
            one["algorithm"] = "sha1"
        with pytest.raises(DeviceError, match="not a list of sha256 hashes"):
            signature.verify(device_bundles.signed(plain, *keys, said), keys[1].read_bytes())


@pytest.mark.parametrize(
    "said", [{"predicate": {}}, {"predicate": {"resources": [{"name": "a"}]}}, {"x": 1}, [], 7]
)
def test_a_statement_of_nothing_is_refused_under_a_valid_signature(
    said: object, keys: tuple[Path, Path]
):
    signed = device_bundles.signed(device_bundles.files(), *keys, said or [0])
    with pytest.raises(DeviceError, match="what was signed cannot be read"):
        signature.verify(signed, keys[1].read_bytes())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("mediaType",), "application/vnd.dev.sigstore.bundle.v0.2+json"),
        (("more",), 1),
        (("verificationMaterial", "publicKey", "hint"), "0" * 64),
        (("verificationMaterial", "tlogEntries"), [{}]),
        (("dsseEnvelope", "payloadType"), "application/json"),
        (("dsseEnvelope", "signatures", 0, "keyid"), "me"),
    ],
)
def test_nothing_around_a_valid_signature_is_free(
    path: tuple, value: object, files: Files, keys: tuple[Path, Path]
):
    made = json.loads(files["model.sig"])
    inside = made
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    with pytest.raises(DeviceError, match="is not a model signature made with this key"):
        signature.verify({**files, "model.sig": json.dumps(made).encode()}, keys[1].read_bytes())


def test_two_signatures_are_refused(files: Files, keys: tuple[Path, Path]):
    made = json.loads(files["model.sig"])
    made["dsseEnvelope"]["signatures"] *= 2
    with pytest.raises(DeviceError, match="cannot be read"):
        signature.verify({**files, "model.sig": json.dumps(made).encode()}, keys[1].read_bytes())


def test_base64_has_one_reading(files: Files, keys: tuple[Path, Path]):
    assert signature._decoded("QQ==") == b"A"
    for other in ("QR==", "QQ", "QQ==\n", "Q Q="):
        with pytest.raises(
            ValueError, match=r"base64|[Pp]adding|[Nn]on-base64|[Ee]xcess|character"
        ):
            signature._decoded(other)


def test_a_key_is_written_as_openssl_writes_it(keys: tuple[Path, Path]):
    plain = keys[1].read_bytes()
    assert signature.canonical_key(plain) == plain
    lines = plain.decode().strip().splitlines()
    loose = "\n\n" + "\n".join([lines[0], "".join(lines[1:-1]), lines[-1]]) + "\n\n"
    assert signature.canonical_key(loose.encode()) == plain
    assert [len(line) for line in lines[1:-1]] == [64, 60]
    short = "\n".join([lines[0], "".join(lines[1:-1])[:-4], lines[-1]])
    with pytest.raises(DeviceError, match="P-256"):
        signature.canonical_key(short.encode())


def test_an_unsigned_bundle_is_refused(keys: tuple[Path, Path]):
    with pytest.raises(DeviceError, match="not signed"):
        signature.verify(device_bundles.files(), keys[1].read_bytes())


def test_another_key_is_refused(files: Files, tmp_path: Path):
    _, other = device_bundles.keys(tmp_path)
    with pytest.raises(DeviceError, match="with this key"):
        signature.verify(files, other.read_bytes())


def test_a_signature_of_another_bundle_is_refused(files: Files, keys: tuple[Path, Path]):
    other = device_bundles.files(seed=1, release=2)
    with pytest.raises(DeviceError, match="not those that were signed"):
        signature.verify({**other, "model.sig": files["model.sig"]}, keys[1].read_bytes())


@pytest.mark.parametrize("change", ["added", "removed"])
def test_other_files_than_those_signed_are_refused(
    change: str, files: Files, keys: tuple[Path, Path]
):
    changed = {**files, "added.py": b"import os"}
    if change == "removed":
        changed = {name: data for name, data in files.items() if name != "golden/0.png"}
    with pytest.raises(DeviceError, match="not those that were signed"):
        signature.verify(changed, keys[1].read_bytes())


def test_without_a_way_to_verify_it_is_refused(
    files: Files, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(signature.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DeviceError, match="nothing here can check"):
        signature.verify(files, keys[1].read_bytes())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_signature_is_refused(content: bytes, files: Files, keys: tuple[Path, Path]):
    with pytest.raises(DeviceError, match="cannot be read"):
        signature.verify({**files, "model.sig": content}, keys[1].read_bytes())


@pytest.mark.parametrize("key", [b"", b"\xff", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END", b"x"])
def test_what_is_no_key_is_refused(key: bytes):
    with pytest.raises(DeviceError, match="P-256"):
        signature.canonical_key(key)


def test_a_private_key_is_refused(keys: tuple[Path, Path]):
    with pytest.raises(DeviceError, match="P-256"):
        signature.canonical_key(keys[0].read_bytes())
