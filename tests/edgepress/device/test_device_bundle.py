"""A bundle is what its manifest says, file by file."""

import json
from pathlib import Path

import device_bundles
import pytest

from edgepress.device import bundle
from edgepress.device.errors import DeviceError

HERE = Path("here")


def test_a_whole_bundle_is_accepted(tmp_path: Path):
    files = device_bundles.files(release=7)
    opened = bundle.open_folder(device_bundles.unpacked(tmp_path, files))
    assert opened.release == 7
    assert opened.names == device_bundles.LABELS
    assert bundle.check(files, HERE) == opened.manifest


@pytest.mark.parametrize("name", ["model.onnx", "golden/expected.json", "golden/0.png"])
def test_an_altered_file_is_named(name: str, tmp_path: Path):
    files = device_bundles.files()
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    with pytest.raises(DeviceError, match=name):
        bundle.check(files, HERE)
    with pytest.raises(DeviceError, match=name):
        bundle.open_folder(device_bundles.unpacked(tmp_path, files))


def test_missing_and_unlisted_files_are_named(tmp_path: Path):
    files = device_bundles.files()
    with pytest.raises(DeviceError, match=r"extra\.py"):
        bundle.check({**files, "extra.py": b""}, HERE)
    del files["golden/1.png"]
    with pytest.raises(DeviceError, match=r"golden/1\.png"):
        bundle.check(files, HERE)
    with pytest.raises(DeviceError, match=r"golden/1\.png"):
        bundle.open_folder(device_bundles.unpacked(tmp_path, files))


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path):
    folder = device_bundles.unpacked(tmp_path / "b", device_bundles.files())
    (folder / "model.onnx").rename(tmp_path / "model.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "model.onnx")
    with pytest.raises(DeviceError, match="link"):
        bundle.open_folder(folder)


def test_no_bundle_is_refused(tmp_path: Path):
    with pytest.raises(DeviceError, match=r"manifest\.json"):
        bundle.open_folder(tmp_path)
    with pytest.raises(DeviceError, match=r"manifest\.json"):
        bundle.check({"a": b""}, HERE)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_manifest_is_refused(content: bytes):
    with pytest.raises(DeviceError, match="not a manifest"):
        bundle.parse(content, HERE)


@pytest.mark.parametrize("version", [1, 4, "2", None])
def test_other_schemas_are_refused(version: object):
    content = json.dumps(device_bundles.manifest({}) | {"schema_version": version}).encode()
    with pytest.raises(DeviceError, match="another schema"):
        bundle.parse(content, HERE)


@pytest.mark.parametrize(
    "change",
    [
        {"release": "2"},
        {"release": True},
        {"name": None},
        {"labels": {"names": ["a"], "thresholds": []}},
        {"labels": {"names": "ab", "thresholds": "cd"}},
        {"labels": {"names": [], "thresholds": []}},
        {"files": {}},
        {"files": {"model.onnx": "abc"}},
        {"files": {"model.onnx": {"sha256": "0", "bytes": 1}, "../a": {"sha256": "0"}}},
        {"files": {"model.onnx": {"sha256": "0", "bytes": 1}, "manifest.json": {"sha256": "0"}}},
        {"budget": None},
        {"budget": {"latency_s": "20ms"}},
        {"runtime": []},
    ],
)
def test_a_manifest_with_odd_fields_is_refused(change: dict):
    listed = {"model.onnx": b"x"}
    content = json.dumps(device_bundles.manifest(listed) | change).encode()
    with pytest.raises(DeviceError, match="not valid"):
        bundle.parse(content, HERE)


def test_a_pixel_range_is_of_a_schema_of_its_own():
    """Older runtimes would pass over it, and read samples otherwise than in training."""
    told = device_bundles.manifest({"model.onnx": b""}, schema_version=3, pixel_range=[0, 4095])
    assert bundle.Bundle(HERE, bundle.parse(json.dumps(told).encode(), HERE)).pixel_range == (
        0.0,
        4095.0,
    )
    without = device_bundles.manifest({"model.onnx": b""})
    assert bundle.Bundle(HERE, bundle.parse(json.dumps(without).encode(), HERE)).pixel_range is None


@pytest.mark.parametrize("wrong", [[0], [5, 5], [1, 0], ["0", "1"], "0 1", 4095, [0, True]])
def test_a_pixel_range_that_is_none_is_refused(wrong: object):
    told = device_bundles.manifest({"model.onnx": b""}, schema_version=3, pixel_range=wrong)
    with pytest.raises(DeviceError, match="its pixel range is"):
        bundle.parse(json.dumps(told).encode(), HERE)
