"""Two slots: what is installed, what is refused, and the way back."""

import json
from pathlib import Path

import device_bundles
import pytest
from device_roots import put, two

from edgepress.device.cli import main
from edgepress.device.root import slots
from edgepress.device.root.layout import active, folder
from edgepress.device.root.locks import locked
from edgepress.device.root.state import Probation, read_state
from edgepress.device.running.runner import running


@pytest.fixture
def device(capfd: pytest.CaptureFixture[str]):
    """Run a command of the device; returns exit code, output and errors."""

    def run(*options: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(option) for option in options])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def archive(folder: Path, release: int = 1, **changes: object) -> Path:
    """Write a bundle; each release has a model of its own."""
    files = device_bundles.files(seed=release, release=release, **changes)
    return device_bundles.zipped(folder / f"{release}.zip", files)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with release 1 in use and release 2 on probation."""
    return two(tmp_path / "root", probation=10)


def test_install_twice_and_go_back(device, tmp_path: Path):
    root = tmp_path / "root"
    code, out, err = device("install", archive(tmp_path), "--root", root)
    assert (code, err) == (0, "")
    assert json.loads(out) | {"release": 1, "slot": "a", "on_probation": False} == json.loads(out)
    code, out, _ = device("install", archive(tmp_path, 2), "--root", root)
    assert json.loads(out) | {"release": 2, "slot": "b", "on_probation": True} == json.loads(out)
    told = json.loads(device("status", "--root", root)[1])
    assert (told["in_use"], told["highest_release"]) == ("b", 2)
    assert [told["slots"][slot]["release"] for slot in "ab"] == [1, 2]
    code, out, _ = device("rollback", "--root", root)
    assert json.loads(out) == {"release": 1, "slot": "a"}
    code, _, err = device("install", archive(tmp_path, 2), "--root", root)
    assert code == 2
    assert "not newer" in err
    assert (root / "current" / "manifest.json").is_file()


@pytest.mark.parametrize(("release", "said"), [(1, "not newer"), (2, "not newer"), (3, "")])
def test_only_a_newer_release_is_installed(release: int, said: str, device, tmp_path: Path):
    put(tmp_path / "root", seed=2, release=2)
    options = ("install", archive(tmp_path, release), "--root", tmp_path / "root")
    code, _, err = device(*options)
    assert code == (2 if said else 0)
    assert said in err


def test_another_product_is_refused(device, tmp_path: Path):
    put(tmp_path / "root", release=1)
    other = archive(tmp_path, 2, name="cells")
    code, _, err = device("install", other, "--root", tmp_path / "root")
    assert code == 2
    assert "another product" in err


def test_nothing_is_installed_during_probation(device, root: Path, tmp_path: Path):
    code, _, err = device("install", archive(tmp_path, 3), "--root", root)
    assert code == 2
    assert "on probation" in err


def test_a_bundle_that_fails_here_changes_nothing(device, tmp_path: Path):
    put(tmp_path / "root", release=1)
    slow = archive(tmp_path, 2, budget={"latency_s": 1e-9, "peak_rss_bytes": None})
    code, _, err = device("install", slow, "--root", tmp_path / "root")
    assert code == 3
    assert "latency_s" in err
    assert slots.opened(tmp_path / "root").release == 1


def test_a_damaged_bundle_changes_nothing(device, tmp_path: Path):
    put(tmp_path / "root", release=1)
    whole = archive(tmp_path, 2).read_bytes()
    (tmp_path / "broken.zip").write_bytes(whole[:-100])
    code, _, err = device("install", tmp_path / "broken.zip", "--root", tmp_path / "root")
    assert code == 2
    assert "refused" in err
    assert not folder(tmp_path / "root", "b").exists()


def test_a_key_that_was_given_once_is_demanded(device, tmp_path: Path):
    root, (private, public) = tmp_path / "root", device_bundles.keys(tmp_path)
    _, stranger = device_bundles.keys(tmp_path, "stranger")
    unsigned = archive(tmp_path)
    code, _, err = device("install", unsigned, "--root", root, "--key", public)
    assert (code, active(root)) == (2, None)
    assert "not signed" in err
    signed = device_bundles.signed(device_bundles.files(release=1), private, public)
    path = device_bundles.zipped(tmp_path / "signed.zip", signed)
    assert device("install", path, "--root", root, "--key", stranger)[0] == 2
    code, out, _ = device("install", path, "--root", root, "--key", public)
    assert (code, json.loads(out)["signed"]) == (0, True)
    code, _, err = device("install", archive(tmp_path, 2), "--root", root)
    assert code == 2
    assert "not signed" in err
    code, _, err = device("install", path, "--root", root, "--key", stranger)
    assert "not the key" in err


@pytest.mark.parametrize("options", [("--root", "ROOT"), ("--root", "ROOT", "--key", "none.pem")])
def test_what_is_not_there_is_told(options: tuple[str, ...], device, tmp_path: Path):
    named = [str(tmp_path / "root") if option == "ROOT" else option for option in options]
    code, _, err = device("install", tmp_path / "none.zip", *named)
    assert code == 2
    assert "none." in err


@pytest.mark.parametrize("command", ["status", "rollback", "predict", "selftest"])
def test_an_empty_root_is_told(command: str, device, tmp_path: Path):
    images = [tmp_path] if command == "predict" else []
    code, _, err = device(command, *images, "--root", tmp_path / "root")
    assert code == 2
    assert "othing is installed" in err or "no release" in err
    assert "Next: " in err


def test_there_is_no_way_back_to_a_newer_release(device, root: Path):
    assert device("rollback", "--root", root)[0] == 0
    code, _, err = device("rollback", "--root", root)
    assert code == 2
    assert "no older release" in err
    assert "Next: install a bundle of a higher release" in err


def test_a_release_that_works_is_kept(root: Path, capfd: pytest.CaptureFixture[str]):
    for _ in range(2):  # counted over processes
        with running(None, root) as runner:
            for seed in range(5):
                runner.predict(device_bundles.image(seed))
    state = read_state(root)
    assert (state.probation, state.highest_release) == (None, 2)
    assert "release 2 is kept" in capfd.readouterr().err


def test_a_slow_release_goes_back(tmp_path: Path):
    put(tmp_path, seed=1, release=1)
    put(tmp_path, 5, seed=2, release=2, budget={"latency_s": 1e-9, "peak_rss_bytes": None})
    image = device_bundles.image(0)
    with running(None, tmp_path) as runner:
        for _ in range(5):
            runner.predict(image)
        expected = device_bundles.probs(device_bundles.model(1), image)
        assert runner.predict(image).probs.tolist() == pytest.approx(expected, abs=1e-6)
    state = read_state(tmp_path)
    assert state.probation is None
    assert state.failed is not None
    assert "p90 of the latency" in state.failed["reason"]
    assert slots.opened(tmp_path).release == 1


def test_a_release_that_raises_errors_goes_back(device, tmp_path: Path):
    root = tmp_path / "root"
    put(root, seed=1, release=1)
    bad = device_bundles.files(content=device_bundles.model(fails_on_black=True), release=2)
    put(root, 100, bad)
    (tmp_path / "black.png").write_bytes(device_bundles.encoded(device_bundles.image(0) * 0))
    for _ in range(3):  # processes of their own, as a script would start them
        code, out, _ = device("predict", tmp_path / "black.png", "--root", root)
        assert code == 3
        assert "no probabilities" in json.loads(out)["error"]
    assert slots.opened(root).release == 1
    code, out, _ = device("predict", tmp_path / "black.png", "--root", root)
    assert code == 0
    assert "probs" in json.loads(out)


def test_a_damaged_release_goes_back(root: Path):
    slots.commit(root)
    (folder(root, "b") / "model.onnx").write_bytes(b"worn out flash")
    with running(None, root) as runner:
        assert runner.predictor.bundle.release == 1
    assert slots.opened(root).release == 1


def test_a_running_process_follows(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edgepress.device.running.runner.LOOK_EVERY_S", 0.0)
    image = device_bundles.image(0)
    with running(None, root) as runner:
        runner.predict(image)
        with locked(root):
            slots.roll_back(root, "by hand")
        runner.predict(image)
        assert runner.predictor.bundle.release == 1
        put(root, 10, seed=3, release=3)
        runner.predict(image)
        assert runner.predictor.bundle.release == 3
    assert read_state(root).probation == Probation("b", 10, predictions=1)


def test_a_damaged_state_is_told_and_the_model_stays(root: Path, capfd):
    (root / "state.json").write_bytes(b"{")
    with running(None, root) as runner:
        assert runner.predictor.bundle.release == 2
    assert "damaged" in capfd.readouterr().err
