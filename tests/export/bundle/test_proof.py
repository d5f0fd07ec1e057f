"""What no device would take is refused: before the work, and where it is read back at the end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import device_bundles
import numpy as np
import pytest
from PIL import Image

from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateFailed, UserError
from edgepress.device.bundle import archive
from export.bundle import options, proof
from export.shipped import photographs


def test_what_a_device_takes_is_written(tmp_path: Path) -> None:
    files = device_bundles.files()
    proof.write(tmp_path / "new" / "b.zip", files)
    assert archive.read(tmp_path / "new" / "b.zip") == files


def reset(files: archive.Files, **changes: bytes) -> archive.Files:
    """Return a bundle's files, some of them changed or added, under a manifest of them."""
    listed = {name: data for name, data in files.items() if name != "manifest.json"} | changes
    return {**listed, "manifest.json": json.dumps(device_bundles.manifest(listed)).encode()}


@pytest.mark.parametrize(
    "changes",
    [
        {"LICENSES/a: b.txt": b""},
        {"LICENSES/a.txt": b"", "LICENSES/A.txt": b""},
        {"golden/0.png": b"no image"},
    ],
)
def test_what_a_device_refuses_gets_no_name(changes: dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / "b.zip"
    out.write_bytes(b"the one before")
    with pytest.raises(UserError, match="No device would take the bundle"):
        proof.write(out, reset(device_bundles.files(), **changes))
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [
        ("b.zip", b"the one before")
    ]


def test_a_file_that_its_manifest_does_not_list_is_found(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="list different files: odd"):
        proof.write(tmp_path / "b.zip", {**device_bundles.files(), "odd": b""})


def test_a_bundle_that_fails_its_self_test_gets_no_name(tmp_path: Path) -> None:
    files = device_bundles.files()
    expected = json.loads(files["golden/expected.json"])
    wrong = json.dumps({name: [1 - p for p in probs] for name, probs in expected.items()}).encode()
    for changes in ({"golden/expected.json": wrong}, {"model.onnx": b"no model"}):
        with pytest.raises(GateFailed, match="fails its self-test"):
            proof.write(tmp_path / "b.zip", reset(files, **changes))
    assert not list(tmp_path.iterdir())


def test_a_bundle_larger_than_a_device_reads_is_refused(
    exported: Artifact, data_folder: Path, command: Callable[..., Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    out = tmp_path / "b.zip"
    with pytest.raises(UserError, match="1,000 allowed"):
        proof.write(out, device_bundles.files())
    done = command(
        "export.bundle.__main__", "--model", exported.path, "--data", data_folder, "--out", out
    )
    assert (done.code, "larger than a device reads" in done.err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_photographs_larger_than_a_device_takes_are_left_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(small)
    Image.new("1", (4001, 4000)).save(large)
    assert photographs.fitting((large, small), None) == (small,)
    assert "1 of 2 photographs are left out" in capfd.readouterr().err
    assert photographs.fitting((large, small), (640, 480)) == (large, small)
    with pytest.raises(UserError, match=r"larger than a device takes.*--camera"):
        photographs.fitting((large,), None)


def test_a_camera_larger_than_a_device_takes_is_refused() -> None:
    assert options.camera("4000x4000") == (4000, 4000)
    with pytest.raises(UserError, match="16,004,000 pixels"):
        options.camera("4001x4000")
