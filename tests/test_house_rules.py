"""The house rules that a program can check: sizes, imports, assertions, and where torch is not."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")
FILES = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

FORBIDDEN = {
    "edgepress/core/": ("benchmarks.inspection", "models", "benchmarks", "export", "torch", "onnx"),
    "edgepress/data/": ("models", "benchmarks", "export", "torch", "onnx"),
    "models/": ("benchmarks", "export", "compress.train", "compress.prune", "compress.distill"),
    "benchmarks/": ("export", "compress.train", "compress.prune", "compress.distill"),
    "export/": (
        "compress.train",
        "compress.prune",
        "compress.distill",
        "compress.learning.training",
    ),
    "compress/": ("export",),
    "edgepress/device/": ("compress", "models", "benchmarks", "torch", "onnx", "pydantic"),
}
"""Imports point one way (docs: the rooms of the README)."""

LEAF = "edgepress.device"
"""Runs on the device and imports no other room: what reads a device's files uses its code."""


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def functions(file: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef):
            yield node


def length(function: ast.FunctionDef) -> int:
    """Lines of code without the docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    if not body:
        return 1
    last = body[-1].end_lineno or 0
    return last - body[0].lineno + 2


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_files_can_be_read_in_a_sitting():
    long = {str(file): n for file in FILES if (n := len(file.read_text().splitlines())) > 300}
    assert not long


def test_functions_are_short():
    lengths = {
        f"{file.relative_to(ROOT)}:{function.name}": length(function)
        for file in FILES
        for function in functions(file)
    }
    assert not {name: n for name, n in lengths.items() if n > 50}
    assert statistics.median(lengths.values()) < 12


def test_functions_take_few_parameters():
    wide = {}
    for file in FILES:
        for function in functions(file):
            names = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
            names = [name for name in names if name not in ("self", "cls")]
            if len(names) > 5:
                wide[f"{file.relative_to(ROOT)}:{function.name}"] = names
    assert not wide


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_point_one_way(room: str):
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / room).rglob("*.py")
        for name in imported(file)
        if any(name == ban or name.startswith(f"{ban}.") for ban in FORBIDDEN[room])
        and not (room == "benchmarks/" and f"{name}.".startswith(f"{LEAF}."))
    }
    assert not wrong


def test_stages_meet_on_disk_only():
    stages = {"compress.train", "compress.prune", "compress.distill", "export.onnx"}
    for stage in stages:
        file = ROOT.joinpath(*stage.split(".")).with_suffix(".py")
        assert not imported(file) & (stages - {stage}), file


def test_every_test_asserts():
    silent = []
    for file in TESTS:
        for function in functions(file):
            if function.name.startswith("test_") and not _asserts(function):
                silent.append(f"{file.name}:{function.name}")
    assert not silent


def _asserts(function: ast.FunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called.startswith(("np.testing.assert", "pytest.raises", "refused", "assert_")):
            return True
    return False


def test_public_functions_have_docstrings():
    missing = [
        f"{file.relative_to(ROOT)}:{function.name}"
        for file in FILES
        for function in tree(file).body
        if isinstance(function, ast.FunctionDef)
        and not function.name.startswith("_")
        and not ast.get_docstring(function)
    ]
    assert not missing


WITHOUT_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "timm"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
print("imported", len(sys.argv) - 1)
"""


def modules_without_torch() -> list[str]:
    chosen = [
        *(ROOT / "compress" / "core").glob("*.py"),
        *(ROOT / "compress" / "data").rglob("*.py"),
        *(ROOT / "benchmarks").rglob("*.py"),
        *(ROOT / "export" / "device").rglob("*.py"),
    ]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in chosen]
    return sorted(name.removesuffix(".__init__") for name in names if "__main__" not in name)


def test_the_measuring_half_runs_without_torch():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *modules_without_torch()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 30


def test_no_module_takes_the_name_of_a_dependency():
    taken = {"torch", "timm", "torchvision", "numpy", "sklearn", "csv", "json"}
    allowed = {ROOT / "export" / "onnx.py"}  # config and main only, never run as a script
    wrong = [file for file in FILES if file.stem in taken | {"onnx"} and file not in allowed]
    assert not wrong


@pytest.mark.parametrize(
    "module", ["benchmarks.runtimes.cpu", "export.graph.audit", "export.bundle"]
)
def test_nothing_reports_to_anybody(module: str, tmp_path: Path):
    """ONNX Runtime's client for telemetry leaves a database behind where it is on."""
    env = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    code = f"import {module}, onnxruntime"
    subprocess.run([sys.executable, "-c", code], check=True, env=env, cwd=tmp_path)
    assert not list(tmp_path.rglob("*onnxruntime*"))
