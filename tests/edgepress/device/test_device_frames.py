"""Raw frames through a pipe, as ffmpeg gives them of a camera: the newest one, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import device_bundles
import numpy as np
import pytest
import signals
from places import ROOT

from edgepress.device.cli import main
from edgepress.device.errors import DeviceError
from edgepress.device.images import frames
from edgepress.device.images.newest import newest

IMAGES = [device_bundles.image(seed) for seed in range(5)]
RAW = [image.tobytes() for image in IMAGES]
HEIGHT, WIDTH = IMAGES[0].shape[:2]
SIZE = ("--height", str(HEIGHT), "--width", str(WIDTH))
WIDTH_SHOWN, HEIGHT_SHOWN = 640, 480
CAMERA = """
import sys, time
frames = sys.argv[3:]
for number in range(int(sys.argv[1])):
    sys.stdout.buffer.write(open(frames[number % len(frames)], "rb").read())
    sys.stdout.buffer.flush()
    time.sleep(float(sys.argv[2]))
"""
"""Stands in ffmpeg's place: so many frames, so many seconds apart, from files of raw pixels."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return device_bundles.unpacked(tmp_path_factory.mktemp("bundle"), device_bundles.files())


@contextmanager
def camera(folder: Path, count: int, pause_s: float) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program that writes raw frames to its standard output."""
    files = [folder / f"{number}.raw" for number in range(len(RAW))]
    for file, content in zip(files, RAW, strict=True):
        file.write_bytes(content)
    command = [sys.executable, "-c", CAMERA, str(count), str(pause_s), *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def started(bundle: Path, stdin: object, *options: object) -> Iterator["subprocess.Popen[str]"]:
    """Run `predict` in a process of its own, which does not outlive the test."""
    command = [sys.executable, "-m", "edgepress.device", "predict", "--bundle", bundle]
    command += ["--stdin", "raw", *SIZE]
    with subprocess.Popen(
        [*map(str, command), *map(str, options)],
        cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=signals.starting(),
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def numbers(lines: list[dict[str, object]]) -> list[int]:
    return [int(str(line["file"]).removeprefix("frame ")) for line in lines]


def test_a_slow_device_takes_the_newest_frame():
    def live() -> Iterator[bytes]:
        for number in range(20):
            time.sleep(0.02)
            yield RAW[number % 5]

    found = []
    for number, content in newest(live()):
        assert content == RAW[number % 5]
        found.append(number)
        time.sleep(0.15)
    assert found[-1] == 19
    assert len(found) < 15


def test_what_breaks_a_source_is_raised_where_frames_are_asked_for():
    reader, writer = os.pipe()
    os.write(writer, b"\0" * 100)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as pipe, pytest.raises(DeviceError, match="frame 0"):
        list(newest(frames.raw(pipe, HEIGHT, WIDTH)))


def test_a_source_that_nobody_reads_any_more_ends():
    ended = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                time.sleep(0.01)
                yield b""
        finally:
            ended.append(True)

    source = newest(endless())
    assert next(source) == (0, b"")
    source.close()
    until = time.monotonic() + 5
    while not ended and time.monotonic() < until:
        time.sleep(0.01)
    assert ended


@pytest.mark.parametrize("latest", [False, True])
def test_the_command_predicts_a_pipe(latest: bool, bundle: Path, tmp_path: Path):
    options = ["--latest"] if latest else []
    with camera(tmp_path, 12, 0.05) as feed, started(bundle, feed.stdout, *options) as process:
        out, err = process.communicate(timeout=120)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err) == (0, "")
    seen = numbers(lines)
    assert seen == (sorted(set(seen)) if latest else list(range(12)))
    assert seen[-1] == 11
    for number, line in zip(seen, lines, strict=True):
        expected = device_bundles.probs(device_bundles.model(), IMAGES[number % 5])
        np.testing.assert_allclose(list(line["probs"].values()), expected, atol=1e-6)


def test_the_command_of_the_readme_takes_what_ffmpeg_gives(bundle: Path, tmp_path: Path):
    readme = (ROOT / "edgepress" / "device" / "README.md").read_text()
    (line,) = re.findall(r"python run\.py (predict --stdin raw --width .*)", readme)
    assert f"-pix_fmt rgb24 -s {WIDTH_SHOWN}x{HEIGHT_SHOWN} -" in readme
    options = line.replace("/var/lib/watch", str(tmp_path)).split()
    command = [sys.executable, "-m", "edgepress.device", *options, "--bundle", str(bundle)]
    frame = bytes(WIDTH_SHOWN * HEIGHT_SHOWN * 3)
    done = subprocess.run(command, cwd=ROOT, input=2 * frame, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert numbers([json.loads(found) for found in done.stdout.splitlines()])[-1] == 1
    assert json.loads((tmp_path / "state.json").read_bytes())["images"] in (1, 2)


def test_a_frame_that_breaks_off_is_told(bundle: Path):
    with started(bundle, subprocess.PIPE, "--latest") as process:
        out, err = process.communicate("\0" * 100, timeout=120)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(f"error: The stream breaks at frame 0. Got: 100 of {len(RAW[0]):,} bytes")
    assert err.count("\n") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -15), (signal.SIGINT, 130)])
def test_a_watched_camera_that_is_stopped_has_counted(
    number: signal.Signals, code: int, bundle: Path, tmp_path: Path
):
    with (
        camera(tmp_path, 10_000, 0.1) as feed,
        started(bundle, feed.stdout, "--latest", "--watch", tmp_path / "watch") as process,
    ):
        assert process.stdout is not None
        assert all("probs" in json.loads(process.stdout.readline()) for _ in range(3))
        process.send_signal(number)
        more, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    counted = json.loads((tmp_path / "watch" / "state.json").read_bytes())["images"]
    assert counted == 3 + len(more.splitlines())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("photo.png", "--latest"), "--latest is for --stdin raw"),
        (("--stdin", "paths", "--latest"), "--latest is for --stdin raw"),
        (("--stdin", "raw", "--latest"), "--width, --height"),
        (("rtsp://me:secret@camera/1",), "ffmpeg reads a camera"),
        (("http://me:secret@camera/stream",), "ffmpeg reads a camera"),
    ],
)
def test_options_that_do_not_go_together(
    options: tuple[str, ...], said: str, bundle: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["predict", "--bundle", str(bundle), *options]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "secret" not in shown
    assert shown.count("\n") == 1
