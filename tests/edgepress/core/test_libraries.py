"""How waiting threads wait is said before the libraries that have them are loaded."""

import os
import subprocess
import sys

import pytest
from places import ROOT

SAID = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OPENBLAS_THREAD_TIMEOUT")
TELL = f"""
import os, sys
from edgepress.core import environment
print(*(os.environ.get(name) for name in {SAID}))
print(environment.describe()["openmp_wait"])
"""
AT_LOADING = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "numpy", "sklearn", "onnxruntime"):
            names = ("OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT", "ORT_DISABLE_TELEMETRY")
            print(name, *(os.environ.get(one) for one in names))

sys.meta_path.insert(0, Watch())
import runpy
sys.argv[1:] = ["--help"]
runpy.run_module(MODULE, run_name="__main__")
"""


def python(code: str, *before: str, **said: str) -> list[str]:
    """Run code in a process of its own, without what this one has set, and return its lines."""
    clean = {name: value for name, value in os.environ.items() if name not in SAID}
    code = "\n".join([*before, code])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=clean | said, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("room", ["edgepress", "models", "benchmarks", "compress", "export"])
def test_every_room_says_it_first(room: str):
    found = python(TELL, "import sys", f"import {room}", "assert 'numpy' not in sys.modules")
    assert found == ["passive None None 20", "OMP_WAIT_POLICY=passive"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"OMP_WAIT_POLICY": "active"}, ["active None None 20", "OMP_WAIT_POLICY=active"]),
        ({"GOMP_SPINCOUNT": "7"}, ["None 7 None 20", "GOMP_SPINCOUNT=7"]),
        ({"KMP_BLOCKTIME": "3"}, ["None None 3 20", "KMP_BLOCKTIME=3"]),
        ({"OPENBLAS_THREAD_TIMEOUT": "9"}, ["passive None None 9", "OMP_WAIT_POLICY=passive"]),
        (
            {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "7"},
            ["passive 7 None 20", "GOMP_SPINCOUNT=7"],
        ),
    ],
)
def test_what_the_user_has_said_stays(said: dict[str, str], found: list[str]):
    assert python(TELL, **said) == found


def test_a_program_that_has_loaded_torch_is_told_so():
    loaded = "import sys, types; sys.modules['torch'] = types.ModuleType('torch')"
    assert python(TELL, loaded) == ["passive None None 20", "default"]
    told = python(TELL, loaded, OMP_WAIT_POLICY="active")
    assert told == ["active None None 20", "OMP_WAIT_POLICY=active"]


@pytest.mark.parametrize(
    ("module", "loaded"), [("compress.train", "torch"), ("benchmarks.latency", "numpy")]
)
def test_a_command_says_it_before_it_loads_anything(module: str, loaded: str):
    lines = python(AT_LOADING, f"MODULE = {module!r}")
    seen = [line for line in lines if line.startswith(("torch ", "numpy ", "sklearn ", "onnxr"))]
    assert loaded in {line.split()[0] for line in seen}
    assert {tuple(line.split()[1:]) for line in seen} == {("passive", "20", "1")}
