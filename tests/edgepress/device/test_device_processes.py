"""Several processes have one root open: who counts as dead, who goes back, whose labels it are."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import device_bundles
import numpy as np
import pytest
from device_processes import kill, opened
from device_roots import put, two
from places import ROOT

from edgepress.device.cli import main
from edgepress.device.errors import DeviceError, NewerSchema
from edgepress.device.images.frames import Frame
from edgepress.device.root import install as installing
from edgepress.device.root import lives, slots
from edgepress.device.root.install import install
from edgepress.device.root.layout import TRIAL, folder
from edgepress.device.root.locks import locked
from edgepress.device.root.state import Probation, read_state
from edgepress.device.running import runner
from edgepress.device.running.predict import answer
from edgepress.device.running.probation import Watchdog
from edgepress.device.running.runner import RootRunner, running
from edgepress.device.running.watching import Watching
from edgepress.device.serving.service import Limits, Service

IMAGE = device_bundles.image(0)
BLACK = IMAGE * 0
SLOW = {"latency_s": 1e-9, "peak_rss_bytes": None}
ONE_LABEL = {"names": ["bright"], "thresholds": [0.5]}


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("os.fsync", lambda _: None)


def release_in(root: Path) -> int:
    with running(None, root) as one:
        return one.predictor.bundle.release


def deaths(root: Path) -> int:
    with locked(root):
        return lives.deaths(root, 2)


def one_label(root: Path) -> Path:
    """Put a release with one label into use, and one with three that breaks its budget."""
    content = device_bundles.files(content=device_bundles.model(1, labels=1), labels=ONE_LABEL)
    put(root, content=content)
    put(root, 2, seed=2, release=2, budget=SLOW)
    return root


def test_a_process_that_lives_is_no_death(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = two(tmp_path, probation=100)
    with opened(root, 5) as processes:
        assert set(processes.values()) == {2}
        assert release_in(root) == 2
        assert main(["status", "--root", str(root)]) == 0
        assert '"running": 5' in capsys.readouterr().out
        first, second, third, *_ = processes
        for process, died in ((first, 1), (second, 2)):
            kill(process)
            until(lambda died=died: deaths(root) == died)
            assert release_in(root) == 2
        kill(third)
        until(lambda: deaths(root) == 3)
        assert release_in(root) == 1
    assert "3 processes opened it and died" in capsys.readouterr().err


def until(holds) -> None:
    """Wait for what is sure to come, but not for ever."""
    end_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def left(root: Path, boot: str, opening: int = 0, opened: int = 0) -> None:
    """Leave what processes of an earlier run of the machine do."""
    (root / "processes").mkdir(exist_ok=True)
    for number in range(opening + opened):
        record = root / "processes" / f"2-{boot}-{number}-0"
        record.write_bytes(b"open\n" if number < opened else b"")


def test_a_power_cut_is_no_death_unless_it_came_as_the_model_was_opened(tmp_path: Path):
    root = two(tmp_path, probation=100)
    for boot in ("aaaaaaaa", "bbbbbbbb", "cccccccc"):
        left(root, boot, opened=4)
    assert (deaths(root), release_in(root)) == (0, 2)
    left(root, "dddddddd", opening=3, opened=1)
    left(root, "eeeeeeee", opening=1)
    assert (deaths(root), release_in(root)) == (2, 2)
    left(root, "ffffffff", opening=1)
    assert release_in(root) == 1


def test_a_record_tells_whether_the_model_is_open(tmp_path: Path):
    root = two(tmp_path, probation=100)
    with opened(root, 1):
        assert [one.read_bytes() for one in (root / "processes").iterdir()] == [b"open\n"]


def test_a_process_that_dies_while_it_opens_the_model_counts(tmp_path: Path):
    root = two(tmp_path, probation=100)
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from edgepress.device.running import opening, runner\n"
        "opening.Predictor = lambda *_: os.kill(os.getpid(), 9)\n"
        "runner.RootRunner(Path(sys.argv[1]))"
    )
    for died in (1, 2, 3):
        done = subprocess.run([sys.executable, "-c", code, str(root)], cwd=ROOT)
        assert (done.returncode, deaths(root)) == (-9, died)
    assert release_in(root) == 1


def test_an_end_is_no_death_and_records_of_others_do_not_count(tmp_path: Path):
    root = two(tmp_path, probation=100)
    for _ in range(4):
        RootRunner(root).close()
    (root / "processes" / "22-aaaaaaaa-1-0").touch()
    assert (deaths(root), release_in(root)) == (0, 2)
    assert not list((root / "processes").iterdir())


def test_what_an_older_runtime_counts_as_starts_is_passed_over(tmp_path: Path):
    root = two(tmp_path, probation=100)
    state = root / "state.json"
    state.write_text(state.read_text().replace('"errors": 0', '"errors": 0, "starts": 9'))
    assert release_in(root) == 2
    probation = read_state(root).probation
    assert probation is not None
    assert probation.wanted == 100


def test_the_second_watchdog_follows_the_first(tmp_path: Path, capsys):
    root = two(tmp_path, 4, budget=SLOW)
    both = [RootRunner(root), RootRunner(root)]
    for number in range(8):
        both[number % 2].predict(IMAGE)
    assert [one.predictor.bundle.release for one in both] == [1, 1]
    put(root, 0, seed=3, release=3)
    assert [one.predict(IMAGE).bundle.release for one in both] == [3, 3]
    for one in both:
        one.close()
    said = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert len(said) == 1
    assert "rolled back to release 1" in said[0]


def test_two_watchdogs_that_bark_at_once_go_back_once(tmp_path: Path, monkeypatch):
    root = two(tmp_path, 2, budget=SLOW)
    both = [RootRunner(root), RootRunner(root)]
    monkeypatch.setattr(runner, "LOOK_EVERY_S", 60.0)  # neither looks: they find out as they bark
    for one in both:
        one._look_at_s = time.monotonic() + 60
    for number in range(4):
        both[number % 2].predict(IMAGE)
    assert [one.predict(IMAGE).bundle.release for one in both] == [1, 1]
    assert slots.opened(root).release == 1


def test_a_watchdog_leaves_another_release_alone(tmp_path: Path, monkeypatch):
    root = two(tmp_path, 3)
    late = RootRunner(root)
    monkeypatch.setattr(runner, "LOOK_EVERY_S", 60.0)
    late._look_at_s = time.monotonic() + 60
    with locked(root):
        slots.roll_back(root, "by hand")
    put(root, 50, seed=3, release=3)
    for _ in range(5):
        late.predict(IMAGE)
    late.close()
    assert read_state(root).probation == Probation("b", 50)


def test_errors_and_predictions_count_over_processes(tmp_path: Path):
    root = tmp_path
    put(root, seed=1, release=1)
    bad = device_bundles.files(content=device_bundles.model(2, fails_on_black=True), release=2)
    put(root, 100, bad)
    both = [RootRunner(root), RootRunner(root)]
    for number in range(3):
        with pytest.raises(DeviceError, match="no probabilities"):
            both[number % 2].predict(BLACK)
    assert slots.opened(root).release == 1
    assert [one.predict(BLACK).bundle.release for one in both] == [1, 1]
    put(root, 50, seed=3, release=3)
    for _ in range(26):
        for one in both:
            one.predict(IMAGE)
    assert read_state(root).probation is None


def test_one_slow_first_inference_says_nothing():
    probation = Probation("b", wanted=200, predictions=199)
    watchdog = Watchdog(probation, budget_s=0.1)
    watchdog.predicted(5.0)
    assert watchdog.passed
    assert watchdog.objection is None
    for _ in range(49):
        watchdog.predicted(5.0)
    assert watchdog.objection is not None


def test_the_answer_that_goes_back_has_its_own_labels(tmp_path: Path):
    root = one_label(tmp_path)
    with running(None, root) as one:
        frame = Frame("a.png", IMAGE)
        lines = [answer(frame, one)[0] for _ in range(3)]
    assert [tuple(line["probs"]) for line in lines] == [device_bundles.LABELS] * 2 + [("bright",)]
    three = device_bundles.probs(device_bundles.model(2), IMAGE)
    assert list(lines[1]["probs"].values()) == pytest.approx(three, abs=1e-6)
    assert set(lines[1]["labels"]) <= set(device_bundles.LABELS)


def test_a_server_goes_back_with_its_watch(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = one_label(tmp_path / "root")
    body = device_bundles.encoded(IMAGE)
    with running(None, root) as one:
        limits = Limits(connections=1, predictions=1, body_bytes=1, pixels=10**6, seconds=60)
        watch = Watching(tmp_path / "watch", False, one.predictor.bundle)
        service = Service(one, watch, limits)
        told = [tuple(service.predict(body)["probs"]) for _ in range(3)]
        assert service.health()["release"] == 1
        watch.close()
    assert told == [device_bundles.LABELS] * 2 + [("bright",)]
    assert "Traceback" not in capsys.readouterr().err


def test_late_answers_do_not_put_the_watch_aside(tmp_path: Path):
    root = one_label(tmp_path / "root")
    with running(None, root) as one:
        watch = Watching(tmp_path / "watch", False, one.predictor.bundle)
        late, _, now = (one.predict(IMAGE) for _ in range(3))
        for prediction in (late, now, late, now):
            watch.observe(IMAGE, prediction)
        assert watch._watch.watch.images == 2
        watch.close()


def test_a_watch_that_cannot_follow_leaves_the_answers(tmp_path: Path, monkeypatch, capsys):
    root = one_label(tmp_path / "root")
    with running(None, root) as one:
        watch = Watching(tmp_path / "watch", False, one.predictor.bundle)
        first, _, other = (one.predict(IMAGE) for _ in range(3))
        monkeypatch.setattr(watch, "_folder", Path("/dev/null/none"))
        for prediction in (first, other, other):
            watch.observe(IMAGE, prediction)
        watch.close()
    assert "release 1 is not watched" in capsys.readouterr().err


def newer_schema(root: Path) -> None:
    """Put a release for newer runtimes into use, as a newer runtime does."""
    put(root, 100, seed=3, release=3, schema_version=99)


def test_a_release_for_a_newer_runtime_is_not_rolled_back(tmp_path: Path, capsys):
    root = two(tmp_path)
    before = RootRunner(root)
    newer_schema(root)
    state = (root / "state.json").read_bytes()
    for _ in range(3):
        assert before.predict(IMAGE).bundle.release == 2
    before.close()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "release 2 predicts here" in said[0]
    assert "update the runtime" in said[0]
    with pytest.raises(NewerSchema, match="update the runtime"):
        RootRunner(root)
    assert main(["predict", "none.png", "--root", str(root)]) == 2
    assert "update the runtime" in capsys.readouterr().err
    assert (root / "current").readlink() == Path("slots/a")
    assert (root / "state.json").read_bytes() == state
    assert main(["status", "--root", str(root)]) == 0
    assert '"release": 3' in capsys.readouterr().out


def test_what_cannot_be_followed_is_tried_again(tmp_path: Path, monkeypatch, capsys):
    root = two(tmp_path)
    monkeypatch.setattr(runner, "AGAIN_AFTER_S", 0.0)
    one, open_root = RootRunner(root), runner.open_root

    def no_memory(_: Path) -> None:
        raise DeviceError("bad allocation")

    put(root, seed=3, release=3)
    monkeypatch.setattr(runner, "open_root", no_memory)
    assert [one.predict(IMAGE).bundle.release for _ in range(3)] == [2, 2, 2]
    assert capsys.readouterr().err.count("bad allocation") == 1
    monkeypatch.setattr(runner, "open_root", open_root)
    assert one.predict(IMAGE).bundle.release == 3
    one.close()


def test_others_predict_while_one_thread_opens_the_next_release(tmp_path: Path, monkeypatch):
    root = two(tmp_path)
    one, open_root = RootRunner(root), runner.open_root
    begun, go_on = threading.Event(), threading.Event()

    def slowly(place: Path) -> object:
        begun.set()
        assert go_on.wait(60)
        return open_root(place)

    monkeypatch.setattr(runner, "open_root", slowly)
    put(root, seed=3, release=3)
    first = threading.Thread(target=one.predict, args=(IMAGE,))
    first.start()
    assert begun.wait(60)
    assert one.predict(IMAGE).bundle.release == 2
    go_on.set()
    first.join(60)
    assert one.predict(IMAGE).bundle.release == 3
    one.close()


def test_an_installation_that_tests_blocks_no_start(tmp_path: Path, monkeypatch):
    root, found = two(tmp_path / "root"), list[int]()

    def self_test(*_: object) -> None:
        start = threading.Thread(target=lambda: found.append(release_in(root)), daemon=True)
        start.start()
        start.join(30)
        assert (root / TRIAL).is_dir()  # which a start does not tidy away

    monkeypatch.setattr(installing.trial, "self_test", self_test)
    files = device_bundles.files(seed=3, release=3)
    install(device_bundles.zipped(tmp_path / "3.zip", files), root, None, 0)
    assert (found, release_in(root)) == ([2], 3)


def test_installers_take_turns_and_the_older_release_loses(tmp_path: Path, monkeypatch):
    root, said = two(tmp_path / "root"), list[str]()
    monkeypatch.setattr(installing.trial, "self_test", lambda *_: time.sleep(0.05))

    def put_in(release: int) -> None:
        files = device_bundles.files(seed=release, release=release)
        path = device_bundles.zipped(tmp_path / f"{release}.zip", files)
        try:
            install(path, root, None, 0)
        except DeviceError as error:
            said.append(str(error))

    threads = [threading.Thread(target=put_in, args=(release,)) for release in (3, 4, 5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert slots.opened(root).release == 6
    assert all("not newer" in one for one in said)
    assert {path.name for path in (root / "slots").iterdir()} == {"a", "b"}


def test_a_release_that_came_in_during_the_test_is_seen(tmp_path: Path, monkeypatch):
    root = two(tmp_path / "root")

    def older_runtime(*_: object) -> None:  # it knows nothing of the lock of installations
        device_bundles.unpacked(folder(root, "a"), device_bundles.files(seed=5, release=5))
        (root / "current").unlink()
        (root / "current").symlink_to("slots/a")

    monkeypatch.setattr(installing.trial, "self_test", older_runtime)
    files = device_bundles.files(seed=3, release=3)
    with pytest.raises(DeviceError, match="not newer"):
        install(device_bundles.zipped(tmp_path / "3.zip", files), root, None, 0)
    assert slots.opened(root).release == 5


def test_a_roll_back_that_cannot_be_written_is_tried_again(tmp_path: Path, monkeypatch, capsys):
    root = two(tmp_path, 5, budget=SLOW)
    write = slots.write_state

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with running(None, root) as one:
        monkeypatch.setattr(slots, "write_state", full)
        for _ in range(20):
            assert one.predict(IMAGE).bundle.release == 2
        assert capsys.readouterr().err.count("No space left") == 1
        monkeypatch.setattr(slots, "write_state", write)
        for _ in range(60):
            found = one.predict(IMAGE)
        assert found.bundle.release == 1


def test_probabilities_stay_those_of_their_release_under_many_threads(tmp_path: Path):
    root = two(tmp_path, 40, budget=SLOW)
    expected = {
        number: device_bundles.probs(device_bundles.model(number), IMAGE) for number in (1, 2)
    }
    wrong = list[object]()
    with running(None, root) as one:

        def many() -> None:
            for _ in range(40):
                found = one.predict(IMAGE)
                if not np.allclose(found.probs, expected[found.bundle.release], atol=1e-6):
                    wrong.append(found)

        threads = [threading.Thread(target=many) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert not wrong
    assert slots.opened(root).release == 1
