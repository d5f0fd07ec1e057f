"""The house rules that a program can check: sizes, imports, assertions, and where torch is not."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")
FILES = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

FLOORS = {room: floor for floor, room in enumerate(ROOMS)}
"""Imports point down, from the top: export, compress, benchmarks, models, edgepress."""

GROUND = {"edgepress.device": 0, "edgepress.core": 0, "edgepress.data": 1}
"""The floors within the ground floor. The device runs numpy, Pillow, onnxruntime and itself."""

NEVER = {
    "edgepress.core": {"torch", "torchvision", "timm", "onnx", "edgepress.device"},
    "edgepress.data": {"torch", "torchvision", "timm", "onnx"},
    "edgepress.device": {"torch", "torchvision", "timm", "onnx", "pydantic", "edgepress.core"},
    "benchmarks": {"timm"},
}
"""Libraries, and rooms beside, that have no place in a room."""

DOORS = {
    "compress.train",
    "compress.prune",
    "compress.distill",
    "export.onnx",
    "export.adopt",
    "export.convert",
    "export.verify",
}
"""Stages, which meet on disk only."""

FOUND_BY_NAME = ("benchmarks.gates.metrics",)
"""Folders of plug-ins that are reached through their package only."""

MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for file in FILES
}


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
        elif isinstance(node, ast.ImportFrom):
            name = _absolute(file, node)
            found |= {name, *(f"{name}.{alias.name}" for alias in node.names)}
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


def graph() -> dict[str, set[str]]:
    """Return which of our modules each of them imports, wherever in the file."""
    return {name: set(_modules(file)) - {name} for name, file in MODULES.items()}


def _modules(file: Path) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(file, node)
            for alias in node.names:
                found = [name for name in (f"{base}.{alias.name}", base) if name in MODULES]
                yield from found[:1]  # a module of a package, not the package


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    """Return the module that a `from` names, also where it begins with dots."""
    above = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
    return ".".join([*above, *([node.module] if node.module else [])])


def floor(module: str) -> tuple[int, int]:
    within = [one for name, one in GROUND.items() if f"{module}.".startswith(f"{name}.")]
    return FLOORS[module.split(".")[0]], within[0] if within else 0


def upward(found: dict[str, set[str]]) -> list[str]:
    return [f"{a} -> {b}" for a, bs in found.items() for b in bs if floor(b) > floor(a)]


def circles(found: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle, or none."""
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def test_imports_point_down():
    assert not upward(graph())
    assert upward({"models.stored": {"export.onnx"}, "edgepress.data.split": {"edgepress.core"}})


def test_no_module_imports_itself_around_a_corner():
    assert not circles(graph())
    assert set(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})) == {"b", "c"}


def test_no_folder_of_the_device_imports_itself_around_a_corner():
    above = {name: ".".join(name.split(".")[:3]) for name in MODULES}
    folders: dict[str, set[str]] = {}
    for name, others in graph().items():
        if name.startswith("edgepress.device."):
            folders.setdefault(above[name], set()).update(above[one] for one in others)
    assert len(folders) > 8
    assert "edgepress.device.model" in folders["edgepress.device.running"]
    assert not circles({name: others - {name} for name, others in folders.items()})


def folders(above: str, found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return which folders directly in a package import each other, with all that lies below them.

    A package and its own folders may know each other, but for a room: the modules directly in one
    are its doors, and count as a folder.
    """
    doors = f"{above}.*" if above in ROOMS else None
    shared: dict[str, set[str]] = {}
    for module, others in found.items():
        one = _folder(above, module) or doors
        for other in others if one and f"{module}.".startswith(f"{above}.") else ():
            near = other != above and f"{other}.".startswith(f"{above}.")
            two = (_folder(above, other) or doors) if near else None
            shared.setdefault(one, set()).update({two} - {one, None})
    return shared


def _folder(above: str, module: str) -> str | None:
    """Return the folder directly in a package that a module lies in."""
    parts = module.removeprefix(f"{above}.").split(".")
    name = f"{above}.{parts[0]}"
    is_folder = name in MODULES and MODULES[name].name == "__init__.py"
    return name if module.startswith(f"{above}.") and is_folder else None


def test_no_folder_imports_itself_around_a_corner():
    found = graph()
    packages = [name for name, file in MODULES.items() if file.name == "__init__.py"]
    assert not [circle for package in packages if (circle := circles(folders(package, found)))]
    gates, evaluation = "benchmarks.gates.metrics.map", "benchmarks.evaluation.tables"
    assert folders("benchmarks", {gates: {evaluation, "benchmarks", "edgepress.core.cli"}}) == {
        "benchmarks.gates": {"benchmarks.evaluation"}
    }
    assert circles(folders("benchmarks", {gates: {evaluation}, evaluation: {gates}}))
    door, work = "benchmarks.compare", "benchmarks.comparison.bench"
    assert circles(folders("benchmarks", {door: {work}, work: {door}}))
    assert not circles(folders("benchmarks.gates", {"benchmarks.gates.text": {gates}}))


@pytest.mark.parametrize("folder", FOUND_BY_NAME)
def test_who_finds_plug_ins_by_name_names_none(folder: str):
    """All that others need of the folder is in its package, and nothing is listed elsewhere."""
    wrong = {
        f"{name} -> {other}"
        for name, others in graph().items()
        for other in others
        if other.startswith(f"{folder}.") and not f"{name}.".startswith(f"{folder}.")
    }
    assert not wrong


@pytest.mark.parametrize("room", NEVER)
def test_libraries_have_their_rooms(room: str):
    wrong = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in ROOT.joinpath(*room.split(".")).rglob("*.py")
        for name in imported(file)
        if any(f"{name}.".startswith(f"{ban}.") for ban in NEVER[room])
    }
    assert not wrong


def test_stages_meet_on_disk_only():
    for stage in DOORS:
        assert not imported(MODULES[stage]) & (DOORS - {stage}), stage


def knocking(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return what imports a stage and is no command itself."""
    return {
        name: used
        for name, others in found.items()
        if name not in DOORS and (used := others & DOORS) and not name.endswith("__main__")
    }


def test_a_door_stands_above_the_work():
    assert not knocking(graph())
    work, door = "export.making.notes", "export.adopt"
    assert knocking({work: {door}, door: {work}}) == {work: {door}}


@pytest.mark.parametrize(("room", "most"), [("benchmarks", 12), ("export", 8), ("compress", 8)])
def test_a_room_is_seen_at_a_glance(room: str, most: int):
    assert len([*(ROOT / room).glob("*.py")]) <= most


def test_a_folder_of_the_device_is_seen_at_a_glance():
    folders = [ROOT / "edgepress" / "device", *(ROOT / "edgepress" / "device").rglob("*/")]
    files = {folder.name: [*folder.glob("*.py")] for folder in folders}
    assert len(files) > 7
    assert not {name: len(found) for name, found in files.items() if len(found) > 12}


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
        *(ROOT / "edgepress").rglob("*.py"),
        *(ROOT / "benchmarks").rglob("*.py"),
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


TAG = re.compile(r"(?<!\?P)</?[a-z][a-z0-9]*(\s+[a-z-]+=|/?>)")
"""A tag of HTML; a name in a regular expression looks like one."""


def markup(parsed: ast.AST) -> list[str]:
    """Return the tags of HTML in the texts of a module; docstrings may speak of them."""
    bodies = [getattr(node, "body", None) for node in ast.walk(parsed)]
    said = {id(one.value) for body in bodies if isinstance(body, list)
            for one in body if isinstance(one, ast.Expr)}  # fmt: skip
    return [
        found[0]
        for node in ast.walk(parsed)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
        if (found := TAG.search(node.value))
    ]


@pytest.mark.parametrize("room", ["benchmarks", "compress", "export"])
def test_pages_are_written_in_templates(room: str):
    files = (file for file in FILES if file.is_relative_to(ROOT / room))
    assert not {
        str(file.relative_to(ROOT)): found for file in files if (found := markup(tree(file)))
    }


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("x = '<td>'", ["<td>"]),
        ("x = f'<p class=\"{y}\">'", ["<p class="]),
        ("x = f'<b>{y}</b>'", ["<b>", "</b>"]),
        ("def f():\n    'Return a <td>.'\n    return 'a < b > c'", []),
    ],
)
def test_the_check_of_markup_can_fail(code: str, tags: list[str]):
    assert markup(ast.parse(code)) == tags
