"""The runtime needs numpy, Pillow, onnxruntime and the standard library; nothing of ours."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import device_bundles
import numpy as np
import pytest
from places import ROOT

# What must not be importable on the device; `None` in sys.modules makes an import fail.
BLOCKED = (
    "torch",
    "onnx",
    "pydantic",
    "scipy",
    "edgepress",
    "compress",
    "models",
    "benchmarks",
    "export",
)
START = f"""
import sys
sys.modules.update(dict.fromkeys({BLOCKED}, None))
sys.path.insert(0, sys.argv.pop(1))
from edgepress_device.cli import main
sys.exit(main(sys.argv[1:]))
"""
DEVICE = ROOT / "edgepress" / "device"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked bundle with its runtime."""
    folder = tmp_path_factory.mktemp("bundle")
    device_bundles.unpacked(folder, device_bundles.files())
    ignore = shutil.ignore_patterns("__pycache__", "*.md", "*.toml")
    shutil.copytree(DEVICE, folder / "edgepress_device", ignore=ignore)
    return folder


def on_device(
    bundle: Path, *options: object, feed: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command of the bundle's own runtime where nothing else can be imported."""
    start = [sys.executable, "-I", "-W", "error", "-c", START, str(bundle), *map(str, options)]
    return subprocess.run(start, cwd=bundle, input=feed, capture_output=True, timeout=120)


def test_blocking_does_block():
    code = START.replace("edgepress_device.cli", "torch")
    done = subprocess.run([sys.executable, "-I", "-c", code, "."], capture_output=True)
    assert b"torch" in done.stderr


def test_the_bundle_tests_itself(bundle: Path):
    done = on_device(bundle, "selftest")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] is True


def test_predict_files_and_streams(bundle: Path, tmp_path: Path):
    image = device_bundles.image(5)
    (tmp_path / "photo.png").write_bytes(device_bundles.encoded(image))
    expected = device_bundles.probs(device_bundles.model(), image)
    size = ("--height", image.shape[0], "--width", image.shape[1])
    for done in (
        on_device(bundle, "predict", tmp_path),
        on_device(bundle, "predict", "--stdin", "paths", feed=str(tmp_path / "photo.png").encode()),
        on_device(bundle, "predict", "--stdin", "raw", *size, feed=image.tobytes()),
    ):
        assert (done.returncode, done.stderr) == (0, b"")
        (line,) = done.stdout.splitlines()
        found = json.loads(line)
        probs = [found["probs"][name] for name in device_bundles.LABELS]
        np.testing.assert_allclose(probs, expected, atol=1e-6)
        assert found["latency_s"] > 0


def test_a_bad_image_does_not_stop_the_others(bundle: Path, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "b.png").write_bytes(device_bundles.encoded(device_bundles.image(0)))
    done = on_device(bundle, "predict", tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert ["error" in line for line in lines] == [True, False]


def test_a_reader_may_leave_early(bundle: Path):
    start = [sys.executable, "-I", "-c", START, str(bundle), "predict", "--stdin", "paths"]
    with subprocess.Popen(
        start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        line = f"{bundle / 'golden' / '0.png'}\n".encode()
        process.stdin.write(line)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(line)
        process.stdin.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "options",
    [
        ("predict",),
        ("predict", "--stdin", "raw"),
        ("predict", "a.png", "--stdin", "paths"),
        ("predict", "a.png", "--bundle", "none"),
        ("serve", "--port", "99999999"),
        ("serve", "--host", "256.256.256.256"),
        ("serve", "--connections", "0"),
        ("nothing",),
        (),
    ],
)
def test_bad_usage_is_one_message(options: tuple[str, ...], bundle: Path):
    done = on_device(bundle, *options)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"error: " in done.stderr


def test_it_watches(bundle: Path, tmp_path: Path):
    (tmp_path / "photo.png").write_bytes(device_bundles.encoded(device_bundles.image(0)))
    done = on_device(bundle, "predict", tmp_path / "photo.png", "--watch", tmp_path / "watch")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((tmp_path / "watch" / "state.json").read_bytes())["images"] == 1


@pytest.mark.slow
def test_it_can_be_installed_by_itself(bundle: Path, tmp_path: Path):
    pytest.importorskip("setuptools")
    source = tmp_path / "device"
    shutil.copytree(DEVICE, source)  # setuptools leaves files beside the sources
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    offline = ["--no-build-isolation", "--no-index", "--target", tmp_path / "site", source]
    subprocess.run([*command, *offline], check=True, capture_output=True, timeout=300)
    done = on_device(tmp_path / "site", "selftest", "--bundle", bundle)
    assert done.returncode == 0, done.stderr
    assert modules(tmp_path / "site" / "edgepress_device") == modules(DEVICE)


def modules(package: Path) -> set[str]:
    return {file.relative_to(package).as_posix() for file in package.rglob("*.py")}


def test_the_bundle_brings_along_what_serving_needs(tmp_path: Path):
    device_bundles.unpacked(tmp_path, device_bundles.complete(device_bundles.files()))
    find = "import sys; sys.path.insert(0, sys.argv[1]); import h11; print(h11.__file__)"
    start = [sys.executable, "-I", "-B", "-c", find, str(tmp_path)]
    found = subprocess.run(start, capture_output=True, text=True).stdout.strip()
    assert Path(found) == tmp_path / "h11" / "__init__.py"
    assert "MIT License" in (tmp_path / "h11" / "LICENSE.txt").read_text()
