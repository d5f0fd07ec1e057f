"""While a command loads, what can be freed is not looked for; from there on it is."""

import gc
import os
import subprocess
import sys
from pathlib import Path

from places import ROOT

TELL = "import gc; print(gc.get_threshold()[0], gc.get_freeze_count() > 0)\n"


def python(*words: str, path: Path = ROOT) -> str:
    """Run Python with a folder before all others and return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(path)}
    words = (sys.executable, *words)
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True).stdout


def test_a_command_that_loads_goes_through_nothing(tmp_path: Path):
    (tmp_path / "numpy.py").write_text(f"{TELL}raise SystemExit")
    assert python("-m", "benchmarks.gate", path=tmp_path) == "1000000 False\n"


def test_a_command_that_is_loaded_goes_through_what_it_makes(tmp_path: Path):
    at_end = f"import atexit\n@atexit.register\ndef tell():\n    {TELL}"
    (tmp_path / "sitecustomize.py").write_text(at_end)
    default = gc.get_threshold()[0]
    assert python("-m", "edgepress", path=tmp_path).splitlines()[-1] == f"{default} True"


def test_a_program_that_uses_a_room_keeps_its_own():
    assert python("-c", f"import compress; {TELL}") == f"{gc.get_threshold()[0]} False\n"


def test_what_reads_a_split_or_waits_for_a_format_loads_no_scikit_learn():
    loaded = "import sys, edgepress.data.context, export.converting.formats._apart"
    assert python("-c", f"{loaded}; print('sklearn' in sys.modules)") == "False\n"
