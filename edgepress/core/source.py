"""The source of what computes a result: modules and what they import, without what they only say.

A result does not change when a message is reworded, so messages are left out of the hash of its
source: docstrings, what is printed, what errors say, and every text that is a sentence. The modules
of `SAYING` and `TIMING` are left out altogether.
"""

import ast
import re
from collections.abc import Collection, Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from edgepress.core import hashing
from edgepress.core.hashing import value_hash

ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")
SAYING = (
    "benchmarks.thresholds.effect",
    "compress.planning.students.listing",
    "edgepress.core.artifact",
    "edgepress.core.cli",
    "edgepress.core.commands",
    "edgepress.core.console",
    "edgepress.core.cpu",
    "edgepress.core.duration",
    "edgepress.core.ending",
    "edgepress.core.environment",
    "edgepress.core.errors",
    "edgepress.core.eval_file",
    "edgepress.core.figures",
    "edgepress.core.finite",
    "edgepress.core.hashing",
    "edgepress.core.libraries",
    "edgepress.core.manifest",
    "edgepress.core.memory",
    "edgepress.core.noun",
    "benchmarks.report.lessons",
    "benchmarks.report.page",
    "edgepress.core.place",
    "edgepress.core.quiet",
    "edgepress.core.registry",
    "edgepress.core.several",
    "edgepress.core.source",
    "edgepress.core.stage",
    "edgepress.core.starting",
    "edgepress.core.unforeseen",
    "edgepress.core.writable",
    "edgepress.data.cache",
    "edgepress.data.parallel",
    "export.making.advice",
    "export.making.notes",
    "models.defaults",
)
"""Store, find, refuse or show; what they do changes no figure."""
TIMING = (
    "benchmarks.operators.machine",
    "benchmarks.operators.rounds",
    "benchmarks.operators.variants",
    "benchmarks.operators.visits",
    "benchmarks.timing.worker",
    "benchmarks.timing.alone",
    "benchmarks.timing.energy",
    "benchmarks.timing.process",
    "benchmarks.timing.orders",
    "benchmarks.timing.quiet_machine",
    "benchmarks.timing.rebatch",
    "benchmarks.statistics.sequential",
    "benchmarks.throughput",
    "benchmarks.timing.tournament",
    "export.making.int8.timing",
)
"""Measure time, which is another one on every run."""
LIBRARIES = {
    "PIL": "Pillow",
    "accelerate": "accelerate",
    "nncf": "nncf",
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "torch",
    "torch_pruning": "torch-pruning",
    "torchvision": "torchvision",
}
"""Libraries that compute, by the name that is imported; their versions are part of the source."""

_SENTENCE = 4
"""Words from which on a text is a sentence."""
_WORD = re.compile(r"(?<![\w.\[/-])[A-Za-z][a-z']+(?![\w.\]/=-])")
_NO_SENTENCE = re.compile(r"\(\?P|\n|->")
"""Regular expressions, programs and signatures have words too."""
_SAID = {"reason", "remedy", "next_step", "allowed", "got"}
_TITLED = {"console.track": 1, "map_chunks": 2}
"""Functions whose further arguments are what a progress bar says, and its length."""
_PRINTS = {"say", "say_once", "warn", "warn_once", "fail", "result", "table"}


def source_hash(*modules: str) -> str:
    """Hash the source of modules, of every project module that they import, however deep.

    The versions of the libraries that these import are in it too.
    """
    seen, libraries = _closure(modules, left_out=(*SAYING, *TIMING))
    computed = {module: computing(file) for module, file in seen.items()}
    return value_hash([computed, versions(libraries)])


def whole_source(*modules: str) -> str:
    """Hash what `source_hash` does with every word of it, for what is made to be read.

    Times are figures of a report, and so is what it says.
    """
    seen, libraries = _closure(modules, left_out=())
    written = {module: hashing.file_sha256(file) for module, file in seen.items()}
    return value_hash([written, versions(libraries)])


def own_source(*modules: str) -> str:
    """Hash the source of these modules alone."""
    files = {module: _module_file(module) for module in modules}
    return value_hash({name: computing(file) for name, file in files.items() if file})


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the version of each library that is installed, by the name that is imported."""
    found = {name: _version(LIBRARIES[name]) for name in sorted(libraries)}
    return {name: version for name, version in found.items() if version is not None}


@cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def computing(file: Path) -> str:
    """Return what is left of a file's source without comments and without what it only says.

    Raises:
        SyntaxError: it is not Python.
    """
    status = file.stat()
    return _computing(file, status.st_mtime_ns, status.st_size)[0]


def imports(file: Path) -> tuple[str, ...]:
    """Return the names that a file imports; a relative one keeps its dots."""
    status = file.stat()
    return _computing(file, status.st_mtime_ns, status.st_size)[1]


@cache
def _computing(file: Path, _changed_ns: int, _size: int) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(file.read_bytes())
    return ast.dump(_Silenced().visit(tree)), tuple(_imports(tree))


def _closure(modules: Iterable[str], left_out: Collection[str]) -> tuple[dict[str, Path], set[str]]:
    """Return the files of modules and of all that they import, and the libraries among these."""
    seen: dict[str, Path] = {}
    libraries: set[str] = set()
    known, waiting = set(left_out), list(modules)
    while waiting:
        module = waiting.pop()
        if module in known:
            continue
        known.add(module)
        path = _module_file(module)
        if path is None:
            libraries.update({module.partition(".")[0]} & LIBRARIES.keys())
        else:
            seen[module] = path
            waiting += imports(path)
    return seen, libraries


def _module_file(module: str) -> Path | None:
    return _file_under(hashing.ROOT, module)


@cache
def _file_under(root: Path, module: str) -> Path | None:
    """Return a module's file: one that has run does not come or go while a process lives."""
    room, *_ = names = module.split(".")
    if room not in ROOMS:
        return None
    base = root.joinpath(*names)
    files = (base.with_suffix(".py"), base / "__init__.py")
    return next(filter(Path.is_file, files), None)


def _imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            joint = "" if base.endswith(".") else "."
            found += [base, *(f"{base}{joint}{alias.name}" for alias in node.names)]
    return found


class _Silenced(ast.NodeTransformer):
    """Takes out of a tree what is only said."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings and lines that print."""
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return None
        if isinstance(value, ast.Call) and _prints(value.func):
            return None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Keep which error is raised, not what it says."""
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.Raise(exc=raised, cause=None)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Drop what an error says that is made in one place and raised in another, and titles."""
        name = ast.unparse(node.func)
        if name.endswith("Error"):
            return node.func
        if name in _TITLED:
            node.args = node.args[: _TITLED[name]]
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        """Drop parts of a message that are given by name."""
        return None if node.arg in _SAID else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Empty a sentence."""
        if isinstance(node.value, str) and _is_sentence(node.value):
            return ast.Constant("")
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Empty a sentence with values in it."""
        parts = (part.value for part in node.values if isinstance(part, ast.Constant))
        if _is_sentence(" ".join(str(part) for part in parts)):
            return ast.Constant("")
        return self.generic_visit(node)


def _prints(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "console"
        and function.attr in _PRINTS
    )


def _is_sentence(text: str) -> bool:
    return not _NO_SENTENCE.search(text) and len(_WORD.findall(text)) >= _SENTENCE
