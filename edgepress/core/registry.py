"""The file system is the registry: a name is the module of that name in a package.

`cpu_vnni.py` is found as `cpu-vnni`. A trailing underscore keeps a module from taking the name
of a dependency and is not part of the name: `torch_.py` is `torch`. Modules that start with an
underscore are helpers, not entries.
"""

import importlib
import pkgutil
from types import ModuleType

from edgepress.core.errors import unknown_name


def names(package: str) -> tuple[str, ...]:
    """Return the sorted names of every entry in `package`."""
    folder = importlib.import_module(package).__path__
    modules = (info.name for info in pkgutil.iter_modules(folder))
    return tuple(sorted(_public(module) for module in modules if not module.startswith("_")))


def find(package: str, name: str, kind: str) -> ModuleType:
    """Import the module that `name` stands for.

    Raises:
        UserError: no such entry; the message lists the known ones and the closest.
    """
    folder = importlib.import_module(package).__path__
    for info in pkgutil.iter_modules(folder):
        if not info.name.startswith("_") and _public(info.name) == _public(name):
            return importlib.import_module(f"{package}.{info.name}")
    raise unknown_name(kind, name, names(package))


def module_of(package: str, name: str, kind: str) -> str:
    """Return the full name of the module that `name` stands for, for what hashes its source.

    Raises:
        UserError: as `find`.
    """
    return find(package, name, kind).__name__


def _public(module: str) -> str:
    return module.rstrip("_").replace("_", "-")
