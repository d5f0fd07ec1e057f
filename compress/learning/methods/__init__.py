"""Methods of distillation, one a file: which terms of the loss count for how much.

A file has `OPTIONS`, values of the options of `compress.learning.teaching.Teaching` that say what
is learnt; those it leaves out stay at their defaults. Its first line is what tables show.
"""

from typing import Any

from compress.learning.teaching import LOSS_OPTIONS, Teaching
from edgepress.core import registry
from edgepress.core.source import source_hash

AUTO = "auto"
"""Which method is learnt by is found out on the validation part."""
NONE = "none"
"""The method without a teacher, the control of all others."""
STATED = "stated"
"""The method that the options of the loss are, where one of them is given."""


def names() -> tuple[str, ...]:
    """Return the methods that there are."""
    return registry.names(__name__)


def applied(name: str, settings: Teaching) -> Teaching:
    """Return settings by which a student learns as a method does.

    Raises:
        UserError: there is no such method (the known ones and the closest are named).
    """
    defaults = {option: Teaching.model_fields[option].default for option in LOSS_OPTIONS}
    options: dict[str, Any] = registry.find(__name__, name, "method of distillation").OPTIONS
    return settings.model_copy(update=defaults | options)


def stated(settings: Teaching) -> tuple[str, ...]:
    """Return the options of the loss that are not as they are by default."""
    fields = Teaching.model_fields
    return tuple(name for name in LOSS_OPTIONS if getattr(settings, name) != fields[name].default)


def identity(name: str) -> str:
    """Return a hash of what a method is."""
    return source_hash(registry.module_of(__name__, name, "method of distillation"))
