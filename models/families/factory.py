"""Your own architecture: `package.module:factory`, called as `factory(num_classes=n, **kwargs)`."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from edgepress.core.errors import PROGRAM_FAILS, UserError, told
from edgepress.core.source import imports
from models import families
from models.families._native import Native

CHANNELS = ("in_chans", "in_channels", "input_channels", "channels")
"""What factories call the number of channels: timm's word, and others that are usual."""


def names() -> list[str]:
    """Return nothing: these names are the user's."""
    return []


def knows(name: str) -> bool:
    """Tell whether the name has the form `package.module:factory`."""
    return ":" in name


def build(name: str, n_labels: int, kwargs: dict[str, Any]) -> nn.Module:
    """Import the factory, from the working directory if need be, and call it.

    Raises:
        UserError: the module or the factory is not there.
    """
    return families.call(_factory(name), name, num_classes=n_labels, **kwargs)


def channels_argument(name: str) -> str | None:
    """Return the factory's argument that sets how many channels its network takes, by its name.

    Raises:
        UserError: the module or the factory is not there.
    """
    try:
        taken = inspect.signature(_factory(name)).parameters
    except (TypeError, ValueError):  # it is not callable, or written in C
        return None
    return next((argument for argument in CHANNELS if argument in taken), None)


def native(_name: str) -> Native:
    """Return nothing: a factory does not say what its networks' images are."""
    return Native()


def files(name: str) -> tuple[Path, ...]:
    """Return the factory's file, and those of its folder that it imports, however deep.

    Of an installed package only its own files are followed.

    Raises:
        UserError: the module is not there.
    """
    module = name.partition(":")[0]
    with _importable(name):
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            raise _unimportable(name, f"No module named {module!r}")
        start = Path(spec.origin).resolve()
        above = len(module.split(".")) - (start.name != "__init__.py")
        root = start.parents[above]
        installed = {"site-packages", "dist-packages"} & set(root.parts)
        return files_of(start, root / module.partition(".")[0] if installed else root)


def _factory(name: str) -> Any:
    """Import a factory.

    Raises:
        UserError: the module or the factory is not there.
    """
    module_name, _, factory_name = name.partition(":")
    with _importable(name):
        return getattr(importlib.import_module(module_name), factory_name)


def files_of(start: Path, within: Path) -> tuple[Path, ...]:
    """Return a file and what it imports of a folder, or of a module of one file, sorted."""
    root = within if within.is_dir() and not (within / "__init__.py").exists() else within.parent
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            parts = (path for name in imports(file) for path in _module_files(root, file, name))
            waiting += [path for path in parts if path.is_relative_to(within)]
    return tuple(sorted(found))


def _module_files(root: Path, importer: Path, name: str) -> Iterator[Path]:
    """Yield the files of a module and of the packages that it lies in; a dot is the importer's."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    base = importer.parents[level - 1] if level else root
    parts = bare.split(".") if bare else []
    for depth in range(len(parts) + 1):
        path = base.joinpath(*parts[:depth])
        yield from (f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file())


@contextmanager
def _importable(name: str) -> Iterator[None]:
    """Import from the working directory too, and say clearly what cannot be imported.

    Raises:
        UserError: something cannot.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        yield
    except UserError:
        raise
    except AttributeError as error:
        raise _unimportable(name, error) from None
    except PROGRAM_FAILS as error:  # a module is the user's program
        raise _unimportable(name, told(error)) from None


def _unimportable(name: str, reason: object) -> UserError:
    return UserError(
        f"The architecture cannot be imported ({reason})",
        got=name,
        allowed="package.module:factory, importable from the working directory",
    )
