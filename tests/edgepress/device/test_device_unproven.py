"""Nothing that has not passed its self-test here is put into use, whatever is damaged."""

import json
from pathlib import Path

import device_bundles
import pytest
from device_roots import flip, of_older_runtime, put, two

from edgepress.device.cli import main
from edgepress.device.errors import CheckFailed, DeviceError
from edgepress.device.model import selftest, tune
from edgepress.device.root import install as installing
from edgepress.device.root import releases, slots, trial, tuned
from edgepress.device.root.install import install
from edgepress.device.root.layout import active, folder
from edgepress.device.root.locks import locked
from edgepress.device.root.state import Probation, State, read_state
from edgepress.device.running.runner import RootRunner, running

SLOW = {"latency_s": 1e-9, "peak_rss_bytes": None}
SETTING = {"intra_op_threads": 1, "enable_cpu_mem_arena": False, "allow_spinning": False}
OTHER = {**SETTING, "enable_cpu_mem_arena": True}


@pytest.fixture(autouse=True)
def nobody_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)


def archive(folder: Path, release: int, **changes: object) -> Path:
    files = device_bundles.files(seed=release, release=release, **changes)
    return device_bundles.zipped(folder / f"{release}.zip", files)


def in_use(root: Path) -> int:
    """Return the release that a process opens."""
    with running(None, root) as runner:
        return runner.predictor.bundle.release


@pytest.fixture
def untested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every bundle pass its self-test, which takes a second."""
    monkeypatch.setattr(installing.trial, "self_test", lambda *_: None)


def test_a_release_that_failed_its_self_test_is_never_gone_back_to(tmp_path: Path):
    root = two(tmp_path / "root")
    with pytest.raises(CheckFailed, match="latency_s"):
        install(archive(tmp_path, 3, budget=SLOW), root, None, 0)
    assert [slots.opened(root).release, sorted(path.name for path in root.iterdir())] == [
        2, ["current", "install.lock", "lock", "releases.json", "slots"],
    ]  # fmt: skip
    flip(root / "current" / "model.onnx")
    assert in_use(root) == 1


def test_an_older_runtime_has_left_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    older = {"highest_release": 2, "probation": None, "failed": None}
    root = of_older_runtime(tmp_path, {"release": 2}, {"release": 3}, "a", older)
    assert in_use(root) == 2
    assert main(["status", "--root", str(root)]) == 0
    assert json.loads(capsys.readouterr().out)["slots"]["b"].keys() == {"unproven"}
    flip(folder(root, "a") / "model.onnx")
    with pytest.raises(DeviceError, match="There is no release to go back to"):
        RootRunner(root)
    assert active(root) == "a"


@pytest.mark.parametrize(
    "state",
    [
        {"highest_release": 2, "probation": None, "failed": None},
        {"highest_release": 0, "failed": None, "probation": {
            "slot": "b", "wanted": 9, "predictions": 1, "errors": 0, "starts": 7, "failed": None}},
    ],
)  # fmt: skip
def test_the_root_of_an_older_runtime_goes_on(state: dict[str, object], tmp_path: Path):
    root = of_older_runtime(tmp_path, {"release": 1}, {"release": 2}, "b", state)
    flip(folder(root, "b") / "manifest.json", 0)  # before anything was noted
    assert in_use(root) == 1
    found = releases.read(root)
    assert found is not None
    assert (found.name, found.slots["a"].release) == ("scenes", 1)


def test_what_an_older_runtime_installs_is_taken_over(tmp_path: Path):
    root = two(tmp_path)
    for file in folder(root, "a").rglob("*.*"):
        file.unlink()
    device_bundles.unpacked(folder(root, "a"), device_bundles.files(seed=3, release=3))
    (root / "current").unlink()
    (root / "current").symlink_to("slots/a")
    assert in_use(root) == 3
    known = releases.read(root)
    assert known is not None
    assert (known.highest, known.slots["a"].release) == (3, 3)


def test_one_flipped_bit_of_a_manifest_is_found(tmp_path: Path):
    root = two(tmp_path)
    manifest = root / "current" / "manifest.json"
    for place in range(0, len(manifest.read_bytes()), 7):
        flip(manifest, place)
        assert slots.damage(root, "b") is not None, place
        flip(manifest, place)
    assert slots.damage(root, "b") is None


def nothing(root: Path) -> None:
    """Leave everything as it is."""


def no_manifest(root: Path) -> None:
    (root / "current" / "manifest.json").write_bytes(b"")


def another_release(root: Path) -> None:
    path = root / "current" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"release": 6', b'"release": 2'))


def model(root: Path) -> None:
    flip(root / "current" / "model.onnx")


def record(root: Path) -> None:
    flip(root / "releases.json", 40)


def record_and_model(root: Path) -> None:
    record(root)
    model(root)


def no_pointer(root: Path) -> None:
    (root / "current").unlink()


DAMAGES = [nothing, no_manifest, another_release, model, record, record_and_model, no_pointer]


REFUSED = [(2, "scenes", "not newer"), (5, "scenes", "not newer"), (7, "cells", "another product")]


@pytest.mark.usefixtures("untested")
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_opens_no_downgrade(damage, tmp_path: Path):
    root = tmp_path / "root"
    put(root, seed=6, release=6)
    damage(root)
    for release, name, said in REFUSED:
        with pytest.raises(DeviceError, match=said):
            install(archive(tmp_path, release, name=name), root, None, 0)
    install(archive(tmp_path, 8), root, None, 0)  # and what is newer mends it
    assert slots.opened(root).release == 8


@pytest.mark.usefixtures("untested")
def test_where_nothing_tells_any_more_nothing_is_installed(tmp_path: Path):
    root = tmp_path / "root"
    put(root, seed=6, release=6)
    no_manifest(root)
    record(root)
    with pytest.raises(DeviceError, match="nothing tells which product"):
        install(archive(tmp_path, 7), root, None, 0)


@pytest.mark.usefixtures("untested")
@pytest.mark.parametrize("damage", [no_manifest, another_release, model])
def test_the_same_bundle_mends_its_damaged_copy(damage, tmp_path: Path):
    root, path = tmp_path / "root", archive(tmp_path, 6)
    install(path, root, None, 200)
    with pytest.raises(DeviceError, match="not newer"):
        install(path, root, None, 200)
    damage(root)
    again = device_bundles.files(seed=5, release=6)
    with pytest.raises(DeviceError, match="not newer"):  # another one of that number
        install(device_bundles.zipped(tmp_path / "other.zip", again), root, None, 200)
    done = install(path, root, None, 200)
    assert (in_use(root), done.on_probation) == (6, False)  # there is nothing to go back to


@pytest.mark.usefixtures("untested")
def test_what_was_gone_back_from_for_damage_may_come_again(tmp_path: Path):
    root, path = two(tmp_path / "root"), archive(tmp_path, 2)
    flip(root / "current" / "model.onnx")
    assert in_use(root) == 1
    assert install(path, root, None, 9).on_probation
    assert in_use(root) == 2
    with locked(root):
        slots.roll_back(root, "slow")
    flip(folder(root, "b") / "model.onnx")
    with pytest.raises(DeviceError, match="not newer"):
        install(path, root, None, 9)


@pytest.mark.usefixtures("untested")
def test_a_new_release_takes_the_damaged_slot_not_the_good_one(tmp_path: Path, capsys):
    root = two(tmp_path / "root")
    model(root)
    install(archive(tmp_path, 3), root, None, 0)
    assert "rolled back to release 1" in capsys.readouterr().err
    assert slots.opened(root).release == 3
    with locked(root):
        assert slots.roll_back(root, "by hand").release == 1


def test_a_roll_back_to_what_is_damaged_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = two(tmp_path, probation=9)
    slots.write_state(root, State(2, Probation("b", 9, failed="slow")))
    flip(folder(root, "a") / "model.onnx")
    assert in_use(root) == 2
    assert "should go back (slow) and cannot" in capsys.readouterr().err
    assert read_state(root).probation is None


def test_a_model_that_cannot_be_opened_here_goes_back_at_the_third_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    root = two(tmp_path, probation=9)
    broken = device_bundles.files(content=device_bundles.model(), release=3)
    del broken["manifest.json"]
    broken["model.onnx"] = b"no model"
    broken["manifest.json"] = json.dumps(device_bundles.manifest(broken, release=3)).encode()
    with locked(root):
        slots.commit(root)
    put(root, 9, broken)
    for _ in range(2):
        with pytest.raises(DeviceError, match="cannot be opened"):
            RootRunner(root)
    assert in_use(root) == 2
    assert "3 errors, the last: The model cannot be opened" in capsys.readouterr().err


def test_a_release_that_is_kept_is_not_given_up_for_a_want_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = two(tmp_path)

    def no_memory(*_: object) -> None:
        raise DeviceError("The model cannot be opened (bad allocation)")

    monkeypatch.setattr("edgepress.device.running.opening.Predictor", no_memory)
    for _ in range(4):
        with pytest.raises(DeviceError, match="bad allocation"):
            RootRunner(root)
    monkeypatch.undo()
    assert in_use(root) == 2


def test_the_self_test_of_a_root_uses_what_tune_has_chosen(tmp_path: Path, monkeypatch, capsys):
    root, used = two(tmp_path), []
    predictor = selftest.Predictor
    monkeypatch.setattr(selftest, "Predictor", lambda *a: used.append(a[1]) or predictor(*a))
    for expected in (None, OTHER):
        if expected:
            tuned.store(root, expected)
        assert main(["selftest", "--root", str(root)]) == 0
        told = json.loads(capsys.readouterr().out)["runtime"]
        assert (used.pop(), told) == (expected, expected or SETTING)


def test_a_bundle_is_tested_with_what_tune_has_chosen(tmp_path: Path, monkeypatch):
    root = two(tmp_path / "root")
    tuned.store(root, OTHER)
    tested = trial._tested
    reports: list[dict[str, object]] = []
    monkeypatch.setattr(trial, "_tested", lambda *a: reports.append(tested(*a)) or reports[-1])
    whole = device_bundles.complete(device_bundles.files(seed=3, release=3), release=3)
    install(device_bundles.zipped(tmp_path / "3.zip", whole), root, None, 0)
    assert [one["runtime"] for one in reports] == [OTHER]  # by its own run.py
    older = device_bundles.files(seed=4, release=4)
    del older["manifest.json"]
    older["run.py"] = b"print('{\"passed\": true}')"
    older["manifest.json"] = json.dumps(device_bundles.manifest(older, release=4)).encode()
    reports.clear()
    install(device_bundles.zipped(tmp_path / "4.zip", older), root, None, 0)
    assert [one.get("runtime") for one in reports] == [None, OTHER]  # and then by ours


def test_options_that_change_during_the_test_are_told(tmp_path: Path, monkeypatch):
    root = two(tmp_path / "root")
    monkeypatch.setattr(trial, "self_test", lambda *_: tuned.store(root, OTHER))
    with pytest.raises(DeviceError, match="tune has chosen other options"):
        install(archive(tmp_path, 3), root, None, 0)
    assert slots.opened(root).release == 2


def test_a_budget_is_judged_when_a_setting_is_chosen(tmp_path: Path):
    bundle = device_bundles.unpacked(tmp_path, device_bundles.files(budget=SLOW))
    trial_of_it = tune._measured(bundle, SETTING)
    assert not trial_of_it.passed
    kept = tune.Trial(2, True, True, 2 * trial_of_it.latency_s, None)
    assert tune.choose([trial_of_it, kept]) == {
        **OTHER,
        "intra_op_threads": 2,
        "allow_spinning": True,
    }
    with pytest.raises(CheckFailed, match="With no setting"):
        tune.choose([trial_of_it])
