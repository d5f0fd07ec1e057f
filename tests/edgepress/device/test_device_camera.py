"""Cameras by their address: streams and single images, and all that can go wrong with them."""

import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import device_bundles
import numpy as np
import pytest
import signals
from fake_camera import STREAM, answers, camera, part, sends, trickles
from places import ROOT

from edgepress.device import address, frames
from edgepress.device import camera as cameras
from edgepress.device.cli import main
from edgepress.device.errors import DeviceError
from edgepress.device.images import decode
from edgepress.device.jpegs import split
from edgepress.device.newest import newest

JPEGS = [device_bundles.encoded(device_bundles.image(seed), "JPEG") for seed in range(5)]
PARTS = [part(jpeg) for jpeg in JPEGS]
ENDED = "gives no more frames: the stream ended"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return device_bundles.unpacked(tmp_path_factory.mktemp("bundle"), device_bundles.files())


def images(
    place: str, timeout_s: float = 20, retries: int = 0, every_s: float = 0
) -> Iterator[bytes]:
    return cameras.images(address.parse(place), cameras.Wishes(every_s, timeout_s, retries))


def until_lost(source: Iterator[Any], match: str) -> list[Any]:
    """Return what a camera gives until it is given up."""
    found = []

    def take() -> None:
        for content in source:
            found.append(content)

    with pytest.raises(DeviceError, match=match):
        take()
    return found


def test_a_stream_gives_its_images_as_they_are():
    with camera(sends(STREAM, *PARTS, b"--next--\r\n")) as running:
        assert until_lost(images(running.at()), ENDED) == JPEGS
        assert running.requests[0].startswith("GET /stream.mjpg HTTP/1.1\r\n")


def test_a_chunked_stream_without_parts():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-motion-jpeg\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(one), one) for one in JPEGS]
    with camera(sends(head, *chunks, b"0\r\n\r\n")) as running:
        assert until_lost(images(running.at()), ENDED) == JPEGS


def test_a_stream_that_breaks_is_asked_for_again(capsys: pytest.CaptureFixture[str]):
    half = PARTS[1][: len(PARTS[1]) // 2]
    with camera(sends(STREAM, PARTS[0], half), sends(STREAM, *PARTS[2:])) as running:
        source = images(running.at(), retries=1)
        assert [next(source) for _ in range(4)] == [JPEGS[0], *JPEGS[2:]]
        assert len(running.requests) == 2
    said = "camera: the stream broke off inside a frame; asked again in 1 s (1 of 1)\n"
    assert capsys.readouterr().err == said


def test_half_an_image_does_not_take_the_next_one_with_it():
    half = PARTS[1][: len(PARTS[1]) - 200]
    found = list(split([b"".join((PARTS[0], half, PARTS[2], PARTS[3]))], 2**20))
    assert (found[0], *found[2:]) == (JPEGS[0], JPEGS[2], JPEGS[3])
    assert "cannot be decoded" in (frames.frame(1, found[1]).error or "")


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (sends(STREAM, PARTS[0], then_s=5), "nothing came for 0.3 s"),
        (sends(b"", then_s=5), "nothing came for 0.3 s"),
        (trickles(STREAM + PARTS[0] + PARTS[1][:80], b"\0"), "no whole frame in 0.3 s"),
        (trickles(b"HTTP/1.1 200 OK\r\n", b"x"), "nothing came for 0.3 s"),
        (trickles(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", 0), "(more than 100 headers|nothing came)"),
        (trickles(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 999, 0), "(header line|nothing came)"),
        (trickles(STREAM, b"X: x\r\n" * 999, 0), "broke off inside a frame"),
        (trickles(STREAM + JPEGS[0][:-2], b"\0" * 99_999, 0), "broke off inside a frame"),
        (sends(b"HTTP/1.1 200 OK\r\n\r\n"), "no Content-Type"),
        (sends(b"no http\r\n\r\n"), "no http"),
        (sends(b""), "closed connection"),
        (answers("503 Service Unavailable"), "it answers 503 Service Unavailable"),
    ],
)
def test_a_camera_that_is_of_no_use_is_given_up(
    behaviour, said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cameras, "MOST_FRAME_BYTES", 2**20)
    with camera(behaviour) as running:
        start = time.monotonic()
        until_lost(images(running.at(), timeout_s=0.3), f"gives no more frames: .*{said}")
        assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (answers("200 OK", "Content-Type: text/html", body=b"<p>"), r"no images.*\(text/html\)"),
        (answers("404 Not Found"), "answers 404 Not Found"),
        (answers("204 No Content"), "answers 204"),
        (answers("401 Unauthorized", "WWW-Authenticate: Digest"), "wants another log-in"),
        (answers("302 Found", "Location: file:///etc/passwd"), "begins with file://"),
        (answers("302 Found", "Location: ftp://127.0.0.1/x"), "begins with ftp://"),
        (answers("302 Found", "Location: http://[::1"), "host or port is not valid"),
        (answers("302 Found", "Location: /again"), "more than 5 times"),
        (answers("302 Found"), "answers 302 Found"),
    ],
)
def test_a_camera_that_refuses_is_not_asked_again(behaviour, said: str):
    with camera(behaviour) as running:
        until_lost(images(running.at(), retries=5), said)
        assert len(running.requests) in (1, 6)


def test_a_large_image_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cameras, "MOST_FRAME_BYTES", 1000)
    with camera(answers("200 OK", "Content-Type: image/png", body=b"x" * 2000)) as running:
        assert until_lost(images(running.at()), "larger than 1,000 bytes") == []


def test_nobody_there_is_told():
    with camera(sends(b"")) as running:
        place = running.at()
    assert until_lost(images(place), "Connection refused") == []


def test_one_image_is_taken_once_or_again_and_again():
    png = device_bundles.encoded(device_bundles.image(7))
    with camera(answers("200 OK", "Content-Type: image/png", body=png)) as running:
        assert list(images(running.at("/snapshot.png?user=me"))) == [png]
        assert running.requests[0].startswith("GET /snapshot.png?user=me HTTP/1.1")
        source = images(running.at("/snapshot.png"), every_s=0.05)
        assert [next(source) for _ in range(3)] == [png] * 3


def test_the_log_in_is_sent_to_the_camera_and_to_nobody_else():
    expected = "Authorization: Basic " + base64.b64encode(b"me:se cret").decode()
    with (
        camera(sends(STREAM, PARTS[0])) as other,
        camera(
            answers("302 Found", "Location: /there"),
            answers("302 Found", f"Location: {other.at()}"),
        ) as first,
    ):
        until_lost(images(first.at(login="me:se%20cret@")), ENDED)
        assert [expected in request for request in first.requests] == [True, True]
        assert "Authorization" not in other.requests[0]


def test_a_log_in_is_never_shown(bundle: Path, capsys: pytest.CaptureFixture[str]):
    with camera(answers("401 Unauthorized")) as running:
        place = running.at("/x?pwd=secret", login="me:secret@")
        assert main(["predict", "--bundle", str(bundle), place]) == 2
        shown = "".join(capsys.readouterr())
        assert f"http://127.0.0.1:{running.port}/x answers 401" in shown
        assert "secret" not in shown


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("rtsp://me:secret@camera/1", "begins with rtsp://"),
        ("file:///etc/passwd", "begins with file://"),
        ("http://", "no host"),
        ("http://me:secret@camera:99999/", "port is not valid"),
        ("http://me:secret@[::1/", "host or port is not valid"),
        ("http://a..b/", "host is not valid"),
        (f"http://{'a' * 70}/", "host is not valid"),
        ("http://camera/a b", "space"),
        ("http://camera/a\r\nX: y", "space"),
        ("http://camera/ü", "space or a letter"),
    ],
)
def test_an_address_that_cannot_be_used(
    place: str, said: str, bundle: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["predict", "--bundle", str(bundle), place]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "secret" not in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ("photo.png", "--latest"),
        ("photo.png", "--every", "1"),
        ("--stdin", "paths", "--latest"),
        ("http://a/", "http://b/"),
        ("http://a/", "photo.png"),
    ],
)
def test_options_that_do_not_go_together(
    options: tuple[str, ...], bundle: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["predict", "--bundle", str(bundle), *options]) == 2
    assert "camera" in capsys.readouterr().err


def test_a_slow_device_takes_the_newest_frame():
    with camera(sends(STREAM, *PARTS * 4, pause_s=0.02)) as running:
        slow = (time.sleep(0.15) or taken for taken in newest(images(running.at())))
        found = until_lost(slow, ENDED)
    assert found[-1][0] == 19
    assert len(found) < 15
    assert all(content == JPEGS[number % 5] for number, content in found)


def test_at_most_one_frame_in_a_time():
    with camera(sends(STREAM, *PARTS * 4, pause_s=0.02)) as running:
        source = newest(images(running.at()), every_s=0.15)
        assert 2 <= len(until_lost(source, ENDED)) <= 5


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


@contextmanager
def started(
    bundle: Path, *options: object, stdin: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Run `predict` in a process of its own, which does not outlive the test."""
    command = [sys.executable, "-m", "edgepress.device", "predict", "--bundle", str(bundle)]
    with subprocess.Popen(
        [*command, *map(str, options)],
        cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=signals.starting(),
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_the_command_predicts_a_stream(bundle: Path):
    behaviour = sends(STREAM, *PARTS, part(b"\xff\xd8\xff\xd9"), pause_s=0.3)
    with (
        camera(behaviour) as running,
        started(bundle, running.at(), "--retries", 0) as process,
    ):
        out, err = process.communicate(timeout=60)
        place = running.at()
    *lines, last = map(json.loads, out.splitlines())
    assert process.returncode == 2
    assert err.startswith(f"error: The camera {ENDED}. Got: {place}. Next: ")
    assert err.count("\n") == 1
    assert lines
    for line in lines:
        jpeg = JPEGS[int(line["file"].removeprefix("frame "))]
        expected = device_bundles.probs(device_bundles.model(), decode(jpeg))
        np.testing.assert_allclose(list(line["probs"].values()), expected, atol=1e-6)
    assert last["file"] == "frame 5"
    assert "Bad image" in last["error"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -15), (signal.SIGINT, 130)])
def test_a_watched_camera_that_is_stopped_has_counted(
    number: signal.Signals, code: int, bundle: Path, tmp_path: Path
):
    with (
        camera(trickles(STREAM, PARTS[0], pause_s=0.1)) as running,
        started(bundle, running.at(), "--watch", tmp_path / "watch") as process,
    ):
        assert process.stdout is not None
        assert all("probs" in json.loads(process.stdout.readline()) for _ in range(3))
        process.send_signal(number)
        more, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    counted = json.loads((tmp_path / "watch" / "state.json").read_bytes())["images"]
    assert counted == 3 + len(more.splitlines())


def test_the_newest_of_a_pipe(bundle: Path):
    with started(bundle, "--stdin", "mjpeg", "--latest", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.buffer.write(JPEGS[0])
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["file"] == "frame 0"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
