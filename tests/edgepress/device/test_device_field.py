"""What happens to devices in the field: each time one clear line, the right exit code, no loss."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import device_bundles
import pytest
import signals
from places import ROOT

from edgepress.device import files
from edgepress.device.cli import main
from edgepress.device.errors import DeviceError
from edgepress.device.images import decoding, frames
from edgepress.device.root import slots, tuned
from edgepress.device.root.install import install
from edgepress.device.root.state import read_state
from edgepress.device.running.runner import RootRunner
from export.bundle import contents

IMAGE = device_bundles.encoded(device_bundles.image(0))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(IMAGE)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked bundle with its runtime."""
    return device_bundles.unpacked(
        tmp_path_factory.mktemp("bundle"), {**device_bundles.files(), **contents.runtime()}
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root whose second release is on probation."""
    for release in (1, 2):
        archive = device_bundles.zipped(
            tmp_path / f"{release}.zip", device_bundles.files(release=release)
        )
        install(archive, tmp_path / "root", None, 200)
    return tmp_path / "root"


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def run(bundle: Path, *options: object, shell: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a bundle's own `run.py`, behind a shell's redirections."""
    command = [sys.executable, str(bundle / "run.py"), *map(str, options)]
    line = f'"$@" {shell}'
    return subprocess.run(
        ["sh", "-c", line, "sh", *command], capture_output=True, text=True, timeout=120
    )


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.endswith("\n") and "Traceback" not in text


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "long"])
def test_what_is_no_file_is_not_waited_for(kind: str, tmp_path: Path):
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path = tmp_path / ("a" * 5000)
    (frame,) = frames.from_files([path])
    assert frame.pixels is None
    assert "Bad image" in (frame.error or "")


def test_a_folder_named_like_an_image_is_passed_over(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    assert list(frames.from_files([tmp_path])) == []


def test_a_name_that_is_no_text_is_found(tmp_path: Path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    Path(os.fsdecode(name)).write_bytes(IMAGE)
    listed = tmp_path / "list.txt"
    listed.write_bytes(name + b"\n")
    with listed.open("rb") as stream:
        (frame,) = frames.from_list(stream)
    assert frame.error is None


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(frames.os, "scandir", full)
    (frame,) = frames.from_files([tmp_path])
    assert frame.error == "The folder cannot be read (No space left on device)"


def test_a_palette_with_transparency_says_nothing(recwarn: pytest.WarningsRecorder):
    picture = decoding.Image.fromarray(device_bundles.image(0)).convert("P")
    stream = decoding.io.BytesIO()
    picture.save(stream, "PNG", transparency=bytes(range(256)))
    assert decoding.decode(stream.getvalue()).shape == (40, 48, 3)
    assert not recwarn


def test_a_bomb_is_told_by_its_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoding.Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DeviceError, match="more than 16,000,000 pixels"):
        decoding.decode(IMAGE)


def test_no_image_at_all_is_told(bundle: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    done = run(bundle, "predict", tmp_path / "empty")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "warning: there was no image to predict\n"


@pytest.mark.parametrize(
    ("shell", "code"),
    [(">/dev/full", 2), (">&-", 0), ("2>&-", 0), ("<&-", 0), ("| head -0", 0)],
)
def test_closed_and_full_output(shell: str, code: int, bundle: Path, photo: Path):
    done = run(bundle, "predict", photo, shell=shell)
    assert done.returncode == code
    assert done.stderr == ("" if code == 0 else "error: No space left on device: output.\n")


@pytest.mark.parametrize("options", [("--stdin", "lengths"), ("--stdin", "raw", "--latest")])
def test_closed_input(options: tuple[str, ...], bundle: Path):
    done = run(bundle, "predict", *options, shell="<&-")
    assert (done.returncode, done.stderr) == (2, "error: Standard input is closed.\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("predict", ""), "a name is empty"),
        (("predict", "a.png", "--keep-images"), "goes with --watch"),
        (("predict", "--stdin", "raw", "--width", "99999", "--height", "99999"), "16,000,000"),
        (("install", "a.zip", "--root", "r", "--probation", "-5"), "not a whole number"),
        (("fly",), "invalid choice"),
        ((), "required: COMMAND"),
    ],
)
def test_wrong_options_are_one_line(options: tuple[str, ...], said: str, bundle: Path):
    done = run(bundle, *options)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert one_line(done.stderr)


def test_a_bundle_that_is_not_unpacked_is_told(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
):
    archive = device_bundles.zipped(tmp_path / "a.zip", device_bundles.files())
    assert main(["predict", "--bundle", str(archive), str(photo)]) == 2
    assert "python -m zipfile -e" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "selftest", "tune", "rollback", "status", "serve"])
def test_a_root_that_is_not_there_is_not_made(
    command: str, tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
):
    given = [str(photo)] if command == "predict" else []
    assert main([command, "--root", str(tmp_path / "none"), *given]) == 2
    said = capsys.readouterr().err
    assert "Nothing is installed" in said
    assert one_line(said)
    assert not (tmp_path / "none").exists()


def test_tune_tells_a_missing_bundle_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["tune", "--bundle", str(tmp_path)]) == 2
    assert one_line(capsys.readouterr().err)


def test_missing_packages_and_an_early_interrupt(bundle: Path, tmp_path: Path):
    bare = [sys.executable, "-S", "-I", str(bundle / "run.py"), "predict"]
    done = subprocess.run(bare, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: No module named ")
    assert "pip install onnxruntime numpy pillow" in done.stderr
    assert one_line(done.stderr)
    (tmp_path / "run.py").write_bytes((bundle / "run.py").read_bytes())
    (tmp_path / "edgepress_device").mkdir()
    (tmp_path / "edgepress_device" / "cli.py").write_text("raise KeyboardInterrupt")
    assert (run(tmp_path).returncode, run(tmp_path).stderr) == (130, "")
    (tmp_path / "edgepress_device" / "cli.py").write_text("def main(")
    done = run(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: The runtime is damaged")
    assert one_line(done.stderr)


def test_a_full_disk_leaves_no_half_installation(root: Path, monkeypatch: pytest.MonkeyPatch):
    for path in root.parent.glob("*.zip"):
        path.unlink()
    slots.commit(root)
    archive = device_bundles.zipped(root.parent / "3.zip", device_bundles.files(release=3))
    monkeypatch.setattr(files, "write_new", full)
    with pytest.raises(DeviceError, match="No space left on device"):
        install(archive, root, None, 200)
    assert {path.name for path in (root / "slots").iterdir()} == {"a", "b"}
    assert slots.opened(root).release == 2


def test_a_full_disk_does_not_end_predictions(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(files, "replace", full)
    runner = RootRunner(root)
    for seed in range(30):
        assert runner.predict(device_bundles.image(seed)).probs.shape == (3,)
    runner.close()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2  # after 25 predictions, and at the end
    assert all("the probation cannot be stored" in line for line in said)


def test_a_watch_on_a_full_disk_still_answers(
    bundle: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setattr(files, "replace", full)
    options = ["predict", str(photo), "--bundle", str(bundle), "--watch", str(tmp_path / "w")]
    assert main(options) == 0
    shown = capsys.readouterr()
    assert "probs" in shown.out
    assert "cannot be saved" in shown.err


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000,
        b'{"highest_release": "x", "probation": null, "failed": null}',
        b'{"highest_release": 1, "probation": 5, "failed": null}',
        b'{"highest_release": 1, "probation": {"slot": "c", "wanted": 1}, "failed": null}',
        b'{"highest_release": 1, "probation": {"slot": "a", "wanted": "x"}, "failed": null}',
    ],
)  # fmt: skip
def test_a_damaged_state_is_told_once(
    content: bytes, root: Path, capsys: pytest.CaptureFixture[str]
):
    (root / "state.json").write_bytes(content)
    for said in (f"warning: {root / 'state.json'} is damaged and starts anew\n", ""):
        RootRunner(root).close()
        assert capsys.readouterr().err == said
    assert json.loads((root / "state.json").read_bytes())["highest_release"] == 2


@pytest.mark.parametrize(
    "content",
    [
        b'{"intra_op_threads": "x", "enable_cpu_mem_arena": true, "allow_spinning": true}',
        b'{"intra_op_threads": -3, "enable_cpu_mem_arena": true, "allow_spinning": true}',
        b'{"intra_op_threads": 1, "enable_cpu_mem_arena": 1, "allow_spinning": true}',
    ],
)
def test_runtime_options_that_cannot_be_are_none(content: bytes, root: Path):
    (root / "runtime.json").write_bytes(content)
    assert tuned.stored(root) is None


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGINT, 130)]
)
def test_a_signal_is_no_crash_of_a_release_on_probation(
    number: signal.Signals, code: int, root: Path, photo: Path
):
    command = [
        sys.executable,
        "-m",
        "edgepress.device",
        "predict",
        "--stdin",
        "paths",
        "--root",
        root,
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=signals.starting(),
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{photo}\n".encode())
        process.stdin.flush()
        assert b"probs" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == code
        assert process.stderr is not None
        assert process.stderr.read() == b""
    probation = read_state(root).probation
    assert probation is not None
    assert probation.predictions == 1
    assert not list((root / "processes").iterdir())


def test_hangups_stay_ignored_under_nohup(bundle: Path, photo: Path):
    options = f"'{sys.executable}' '{bundle}/run.py' predict --stdin paths"
    script = f"trap '' HUP; (sleep 2; echo '{photo}') | {options}"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, process_group=0) as process:
        time.sleep(1.5)
        os.killpg(process.pid, signal.SIGHUP)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"probs" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_a_shell_lets_a_background_process_ignore_stays_ignored(
    number: signal.Signals, bundle: Path, photo: Path
):
    command = [sys.executable, bundle / "run.py", "predict", "--stdin", "paths"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=signals.starting(ignored=(number,)),
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(f"{photo}\n".encode())
            process.stdin.flush()
            assert b"probs" in process.stdout.readline()
            process.send_signal(number)
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("nothing", 2)])
def test_nobody_reads_what_it_says(word: str, code: int, unbuffered: str, bundle: Path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, bundle / "run.py", word],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=writer, stderr=subprocess.PIPE if word == "--help" else writer,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr or b"") == (code, b"")


def test_onnxruntime_reports_to_nobody(bundle: Path, photo: Path, tmp_path: Path):
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, bundle / "run.py", "predict", photo]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png"}


def test_another_user_gets_one_line(bundle: Path, tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("the superuser may read and write everything")
    path = tmp_path / "photo.png"
    path.write_bytes(IMAGE)
    path.chmod(stat.S_IWUSR)
    done = run(bundle, "predict", path)
    assert done.returncode == 2
    assert "cannot be read (Permission denied)" in done.stdout
