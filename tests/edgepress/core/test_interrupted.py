"""Ctrl-C, also while a command is still loading: one line, and the exit code of a shell."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import signals
from places import ROOT

ASKED = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"
LINE = "error: Interrupted. The same command goes on from where it stopped.\n"
TELL = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"


def python(*words: str, path: Path = ROOT, ignoring: bool = False):
    """Run Python with a folder before all others; `ignoring` as a shell starts `command &`."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(path)}, capture_output=True, text=True,
        preexec_fn=signals.starting((signal.SIGINT,) if ignoring else ()),
    )  # fmt: skip


@pytest.mark.parametrize(
    "module", ["compress", "compress.train", "export.onnx", "benchmarks.gate", "models.voc2007"]
)
def test_a_command_that_is_still_loading_ends_with_one_line(module: str, tmp_path: Path):
    (tmp_path / "numpy.py").write_text(ASKED)
    done = python("-m", module, path=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", LINE)


def test_a_program_that_uses_a_room_keeps_its_own_interrupt(tmp_path: Path):
    assert python("-c", f"import compress; {TELL}").stdout == "True\n"
    (tmp_path / "theirs.py").write_text(f"import compress; {TELL}")
    assert python("-m", "theirs", path=tmp_path).stdout == "True\n"


def test_a_command_of_the_background_goes_on(tmp_path: Path):
    (tmp_path / "numpy.py").write_text(f"{ASKED}raise SystemExit(7)")
    assert python("-m", "benchmarks.gate", path=tmp_path, ignoring=True).returncode == 7


def test_a_command_that_is_loaded_is_interrupted_itself(tmp_path: Path):
    """It ends in order: what it holds is given back."""
    pipe = tmp_path / "options.toml"
    os.mkfifo(pipe)
    (tmp_path / "sitecustomize.py").write_text("import atexit; atexit.register(print, 'in order')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with (
        subprocess.Popen(
            [sys.executable, "-m", "edgepress", "--config", pipe],
            preexec_fn=signals.starting(),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
        pipe.open("w"),
    ):  # it is read: the command is at work
        running.send_signal(signal.SIGINT)
        said = running.communicate()
    assert (running.returncode, *said) == (130, "in order\n", LINE)
