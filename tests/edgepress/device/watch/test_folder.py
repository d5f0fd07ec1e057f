"""A watch in a folder: it survives kills and damage, and never stands in the way of an answer."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from places import ROOT, SUPPORT
from watched import LABELS, images, probs, reference

from edgepress.device.watch import WatchError, WatchFolder, folder, watch_from

REFERENCE = reference(window=50)
FRAME = next(images(1))
SURE = [0.9, 0.01]


def test_a_watch_goes_on_where_it_was(tmp_path: Path) -> None:
    for seed in (1, 2):
        with WatchFolder(tmp_path / "watch", REFERENCE, LABELS) as kept:
            for image, one in zip(images(30, seed), probs(30, seed), strict=True):
                kept.observe(image, one, 0.002)
            assert kept.remarks == []
    stored = json.loads((tmp_path / "watch" / "state.json").read_bytes())
    assert stored["images"] == 60
    assert watch_from(stored).complete == 1
    assert len((tmp_path / "watch" / "state.json").read_bytes()) < 6000


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\x00", b"null", b"[" * 100_000, b'{"images": 3}']
)
def test_a_damaged_state_is_put_aside_and_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    with WatchFolder(tmp_path, REFERENCE, LABELS) as kept:
        kept.observe(FRAME, SURE, 0.002)
        (remark,) = kept.remarks
    assert "state.damaged.json" in remark
    assert (tmp_path / "state.damaged.json").read_bytes() == content
    assert json.loads((tmp_path / "state.json").read_bytes())["images"] == 1


def test_another_release_begins_anew(tmp_path: Path) -> None:
    with WatchFolder(tmp_path, REFERENCE, LABELS) as kept:
        kept.observe(FRAME, SURE, 0.002)
    with WatchFolder(tmp_path, reference(window=60), LABELS) as kept:
        assert kept.watch.images == 0
        assert "another reference" in kept.remarks[0]
    assert json.loads((tmp_path / "state.previous.json").read_bytes())["images"] == 1


def test_no_state_that_was_put_aside_is_lost(tmp_path: Path) -> None:
    for seen, window in enumerate((50, 60, 50, 60)):
        with WatchFolder(tmp_path, reference(window=window), LABELS) as kept:
            for _ in range(seen):
                kept.observe(FRAME, SURE, 0.002)
    names = ("state.previous.json", "state.previous-2.json", "state.previous-3.json")
    aside = [json.loads((tmp_path / name).read_bytes())["images"] for name in names]
    assert aside == [0, 1, 2]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = WatchFolder(tmp_path, REFERENCE, LABELS)
    with pytest.raises(WatchError, match="Another process"):
        WatchFolder(tmp_path, REFERENCE, LABELS)
    first.close()
    with WatchFolder(tmp_path, REFERENCE, LABELS) as kept:
        assert kept.watch.images == 0


def test_a_refusal_leaves_the_folder_to_others(tmp_path: Path) -> None:
    with pytest.raises(WatchError, match="damaged"):
        WatchFolder(tmp_path, {"schema_version": 1}, LABELS)
    with WatchFolder(tmp_path, REFERENCE, LABELS) as kept:
        assert kept.remarks == []


def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WatchError, match="cannot be used"):
        WatchFolder(tmp_path / "file", REFERENCE, LABELS)


def test_a_full_disk_is_a_remark_and_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with WatchFolder(tmp_path, REFERENCE, LABELS) as kept:
        with monkeypatch.context() as patched:
            patched.setattr(folder.files, "replace", full)
            patched.setattr(folder, "SAVE_EVERY_S", 0.0)
            kept._due_s = 0.0
            for _ in range(3):
                kept.observe(FRAME, SURE, 0.002)
        assert kept.remarks == ["The watch cannot be saved ([Errno 28] No space left on device)."]
    assert json.loads((tmp_path / "state.json").read_bytes())["images"] == 3


def test_threads_lose_no_image(tmp_path: Path) -> None:
    with WatchFolder(tmp_path, REFERENCE, LABELS) as kept:
        work = [
            threading.Thread(target=lambda: [kept.observe(FRAME, SURE, 0.001) for _ in range(40)])
            for _ in range(4)
        ]
        for one in work:
            one.start()
        for one in work:
            one.join()
        assert kept.watch.images == 160


ENDLESS = """
import sys
from pathlib import Path
from watched import LABELS, images, reference
from edgepress.device.watch import WatchFolder, folder
folder.SAVE_EVERY_S = 0.0
frames = list(images(20))
kept = WatchFolder(Path(sys.argv[1]), reference(window=50), LABELS, keep_images=True)
while True:
    for number, frame in enumerate(frames):
        frame = frame.copy()
        frame[0, 0] = kept.watch.images % 250
        kept.observe(frame, [0.5, 0.1], 0.001)
        print(kept.watch.images, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_state_that_can_be_read(tmp_path: Path) -> None:
    seen = 0
    for frames in (3, 40):
        process = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(tmp_path)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)])},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(frames)]
        process.send_signal(signal.SIGKILL)  # in the middle of the image after
        process.wait()
        process.stdout.close()
        assert told[0] == seen + 1
        with WatchFolder(tmp_path, REFERENCE, LABELS, keep_images=True) as kept:
            assert kept.remarks == []
            assert kept.watch.images >= told[-1]
            seen = kept.watch.images
    rows = (tmp_path / "feedback.csv").read_text().splitlines()[1:]
    assert len(rows) > 20
    assert all((tmp_path / "images" / row.split(",")[0]).is_file() for row in rows)
