"""Your own architecture: `package.module:factory`, called as `factory(num_classes=n, **kwargs)`."""

import importlib
import sys
from pathlib import Path
from typing import Any

from torch import nn

from compress.core.errors import UserError
from models import families


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
    module_name, _, factory_name = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"The architecture cannot be imported ({error})",
            got=name,
            allowed="package.module:factory, importable from the working directory",
        ) from None
    return families.call(factory, name, num_classes=n_labels, **kwargs)
