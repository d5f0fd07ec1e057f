"""The other tools of the quantization benchmark: their scripts, and how running one can end."""

import ast
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from colours import SIZE, MakeModel
from onnx import helper

from benchmarks.claims.quantization.peers import environments
from benchmarks.claims.quantization.peers.environments import Outcome, quantize
from benchmarks.evaluation.candidates import open_model
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256

SCRIPTS = environments.known()
PINNED = {
    name: (script.parent / "requirements" / f"{name}.txt").read_text()
    for name, script in SCRIPTS.items()
}
TOOL = """
import sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
model = open(given["--fp32"], "rb").read()
out = given["--out"]
"""
MakePeer = Callable[..., None]


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePeer:
    """Return a function that makes an installed peer `fake` of the lines of its script."""
    monkeypatch.setattr(environments, "SCRIPTS", tmp_path / "peers")
    monkeypatch.setattr(environments, "HOME", tmp_path / "homes")

    def make(lines: str, installed: bool = True) -> None:
        listed = tmp_path / "peers" / "requirements" / "fake.txt"
        listed.parent.mkdir(parents=True)
        listed.write_text("# nothing\n")
        (tmp_path / "peers" / "fake_.py").write_text(TOOL + lines)
        if installed:
            interpreter = tmp_path / "homes" / "fake" / "bin" / "python"
            interpreter.parent.mkdir(parents=True)
            interpreter.symlink_to(sys.executable)
            stamp = tmp_path / "homes" / "fake" / ".requirements.sha256"
            stamp.write_text(file_sha256(listed))

    return make


@pytest.fixture
def run(tmp_path: Path, make_model: MakeModel) -> Callable[..., tuple[Outcome, Path, Artifact]]:
    """Return a function that lets the peer `fake` quantize a tiny model."""

    def quantize_fake(timeout_s: float = 60) -> tuple[Outcome, Path, Artifact]:
        fp32, images = make_model("fp32"), tmp_path / "images.npy"
        np.save(images, np.zeros((2, 3, SIZE, SIZE), np.float32))
        out = tmp_path / "made" / "fake.onnx"
        return quantize("fake", fp32.path, images, out, timeout_s), out, fp32

    return quantize_fake


def test_a_file_that_is_made_can_be_measured(peer, run) -> None:
    peer("open(out, 'wb').write(model)\nprint('some', 'remark')")
    outcome, out, fp32 = run()
    assert outcome.ok, outcome
    assert 0 < outcome.seconds < 60
    made = open_model(out)
    assert made.manifest.labels == fp32.manifest.labels
    assert made.manifest.image == fp32.manifest.image
    assert made.manifest.parents == (fp32.manifest.id,)
    assert made.manifest.id != fp32.manifest.id
    assert out.with_suffix(".log").read_text() == "some remark\n"
    assert {file.name for file in out.parent.iterdir()} == {"fake.onnx", "fake.log"}


def test_a_crash_is_told_by_the_last_line_of_its_traceback(peer, run) -> None:
    peer("open(out, 'wb').write(model)\nprint('some remark', flush=True)\n{}['HardSigmoid']")
    outcome, out, _ = run()
    assert (outcome.status, outcome.detail) == ("failed", "KeyError: 'HardSigmoid'")
    assert "Traceback" in out.with_suffix(".log").read_text()
    assert not out.exists()


def test_remarks_after_a_traceback_do_not_hide_it(peer, run) -> None:
    peer("import atexit\natexit.register(print, '  goodbye')\nraise ValueError('first\\nsecond')")
    assert run()[0].detail == "ValueError: first"


def test_an_exit_code_alone_is_a_failure(peer, run) -> None:
    peer("sys.exit(7)")
    outcome = run()[0]
    assert (outcome.status, outcome.detail) == ("failed", "exit code 7 without a message")


def test_a_process_that_is_killed(peer, run) -> None:
    peer("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    outcome = run()[0]
    assert outcome.status == "failed"
    assert "memory" in outcome.detail


def test_a_tool_that_takes_too_long_is_stopped(peer, run) -> None:
    peer("import time\nopen(out, 'wb').write(model)\ntime.sleep(60)")
    start = time.monotonic()
    outcome, out, _ = run(timeout_s=1)
    assert (outcome.status, outcome.detail) == ("timed out", "after 1 s")
    assert time.monotonic() - start < 30
    assert not out.exists()


def test_a_tool_that_is_not_installed_names_the_command(peer, run) -> None:
    peer("", installed=False)
    outcome = run()[0]
    assert outcome.status == "not installed"
    assert "python -m benchmarks.claims.quantization.peers fake" in outcome.detail
    assert environments.find() == {}


def test_changed_requirements_make_an_environment_stale(peer, tmp_path: Path) -> None:
    peer("")
    assert list(environments.find()) == ["fake"]
    (tmp_path / "peers" / "requirements" / "fake.txt").write_text("numpy==2.4.6\n")
    assert environments.find() == {}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "without a file"),
        ("open(out, 'wb').write(b'not a model')", "not an ONNX model"),
        ("open(out, 'wb').write(model.replace(b'probs', b'other'))", "image -> other"),
        ("open(out, 'wb').write(model.replace(b'Sigmoid', b'Sigmoyd'))", "Sigmoyd"),
    ],
)
def test_a_file_that_we_cannot_run_is_a_failure(peer, run, lines: str, said: str) -> None:
    peer(lines)
    outcome, out, _ = run()
    assert outcome.status == "failed"
    assert said in outcome.detail
    assert str(out.parent) not in outcome.detail
    assert not out.exists()


def test_a_file_of_an_earlier_run_does_not_stand_for_a_failed_one(peer, run, tmp_path) -> None:
    peer("sys.exit(1)")
    old = tmp_path / "made" / "fake.onnx"
    old.parent.mkdir()
    old.write_bytes(b"old")
    assert run()[0].status == "failed"
    assert not old.exists()


def test_the_tool_writes_where_it_leaves_nothing(peer, run, tmp_path: Path) -> None:
    where = tmp_path / "where"
    peer(
        "import os, tempfile\nopen(out, 'wb').write(model)\n"
        f"open({str(where)!r}, 'w').write(os.getcwd() + '\\n' + tempfile.mkdtemp())"
    )
    assert run()[0].ok
    current, temporary = where.read_text().split("\n")
    assert not Path(current).exists()
    assert not Path(temporary).exists()


def test_an_unknown_tool_is_refused(tmp_path: Path, make_model: MakeModel) -> None:
    with pytest.raises(UserError, match="did you mean 'nncf'"):
        quantize("ncf", make_model("fp32").path, tmp_path / "images.npy", tmp_path / "x.onnx", 1)


def test_missing_images_are_refused(peer, tmp_path: Path, make_model: MakeModel) -> None:
    peer("")
    with pytest.raises(UserError, match="no calibration images"):
        quantize("fake", make_model("fp32").path, tmp_path / "none.npy", tmp_path / "x.onnx", 1)


@pytest.mark.slow
def test_an_environment_is_built_once(peer, command, tmp_path: Path) -> None:
    peer("", installed=False)
    first = command("benchmarks.claims.quantization.peers.__main__", "fake")
    assert (first.code, "built" in first.out) == (0, True)
    interpreter = environments.find()["fake"]
    assert interpreter.parent.parent == tmp_path / "homes" / "fake"
    second = command("benchmarks.claims.quantization.peers.__main__")
    assert (second.code, "unchanged" in second.out) == (0, True)


def test_an_environment_that_cannot_be_built_leaves_nothing(
    peer, command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer("")
    (tmp_path / "peers" / "requirements" / "fake.txt").write_text("numpy==2.4.6\n")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    done = command("benchmarks.claims.quantization.peers.__main__")
    assert done.code == 2
    assert "cannot be built" in done.out
    assert "Not built: fake" in done.err
    assert not (tmp_path / "homes" / "fake").exists()


def test_there_are_five_tools() -> None:
    assert set(SCRIPTS) == {"aimet", "neural-compressor", "nncf", "olive", "onnxruntime"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_stands_alone(name: str) -> None:
    tree = ast.parse(SCRIPTS[name].read_text())
    assert ast.get_docstring(tree)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module)
    assert {"numpy", "onnx"} <= found
    ours = {"benchmarks", "compress", "edgepress", "export", "models"}
    assert not {module.split(".")[0] for module in found} & ours


@pytest.mark.parametrize("name", SCRIPTS)
def test_requirements_are_pinned_exactly(name: str) -> None:
    lines = [line for line in PINNED[name].splitlines() if not line.startswith("#")]
    assert lines
    assert all("==" in line for line in lines)
    packages = {line.split("==")[0] for line in lines}
    assert {"numpy", "onnx", "onnxruntime"} <= packages


def test_the_metadata_of_the_tool_are_kept(peer, run, tmp_path: Path, make_model) -> None:
    marked = onnx.load(make_model("other").weights)
    helper.set_model_props(marked, {"their.key": "their value", "edgepress.id": '"theirs"'})
    onnx.save(marked, tmp_path / "marked.onnx")
    peer(f"open(out, 'wb').write(open({str(tmp_path / 'marked.onnx')!r}, 'rb').read())")
    outcome, out, _ = run()
    assert outcome.ok, outcome
    props = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert props["their.key"] == "their value"
    assert props["edgepress.id"] != '"theirs"'
