"""One file per format that a model can be shipped in beside plain ONNX: how to write and run it."""

from edgepress.core import registry
from export.converting.formats._format import Module


def names() -> tuple[str, ...]:
    """Return the name of every format."""
    return registry.names(__name__)


def find(name: str) -> Module:
    """Return a format by name.

    Raises:
        UserError: no such format.
    """
    found: Module = registry.find(__name__, name, "format")
    return found
