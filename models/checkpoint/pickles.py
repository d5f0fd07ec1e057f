"""Pickles of `torch.save`, opened without running anything that is in them.

torch's own safe reader refuses a file that names any class that it does not know: the options of a
training (`argparse.Namespace`), a path, a number of numpy's. Such a class is not imported here
either; an empty object stands for each of its instances, and the tensors beside it are read.
"""

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch

from edgepress.core.errors import UserError

MOST_CLASSES = 500
"""Classes that a file may name before it is refused."""
_REASON = re.compile(r"WeightsUnpickler error:\s*([^\n]*)")
_UNKNOWN = re.compile(r"Unsupported global: GLOBAL (\S+) was not")


class Empty:
    """Stands for an object of a class that is not imported; it holds nothing."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


def read(path: Path) -> tuple[Any, list[str]]:
    """Return what a pickle holds, and the classes that were not imported.

    Raises:
        UserError: it is damaged, or cannot be read without running code.
    """
    classes: dict[str, type[Empty]] = {}
    while True:
        try:
            return _load(path, classes), sorted(classes)
        except pickle.UnpicklingError as error:
            found = _UNKNOWN.search(str(error))
            name = _whole_name(found[1]) if found else ""
            if not name or name in classes or len(classes) == MOST_CLASSES:
                raise _refusal(path, error, sorted(classes)) from None
            classes[name] = type("Empty", (Empty,), {})
        except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError) as error:
            raise damaged(path, error) from None


def _load(path: Path, classes: dict[str, type[Empty]]) -> Any:
    stand_ins: Any = [(empty, name) for name, empty in classes.items()]
    with warnings.catch_warnings(), torch.serialization.safe_globals(stand_ins):
        warnings.simplefilter("ignore")  # torch remarks on how the file was pickled
        return torch.load(path, map_location="cpu", weights_only=True)


def _whole_name(told: str) -> str:
    """Return the name as it stands in the file: torch leaves the module of built-ins out."""
    return told if "." in told else f"builtins.{told}"


def _refusal(path: Path, error: Exception, classes: list[str]) -> UserError:
    text = str(error)
    if "TorchScript" in text:
        return damaged(path, error)
    if not any(word in text for word in ("blocked", "Can only", "unrecognized function")):
        return damaged(path, error) if not classes else wants_code(path, classes)
    return wants_code(path, classes)


def wants_code(path: Path, classes: list[str]) -> UserError:
    """Return the error for a file whose weights are in objects, which only their code can make."""
    named = f" of {', '.join(classes[:3])}" if classes else ""
    return UserError(
        "The checkpoint holds more than tensors and wants to run code, which is refused",
        got=f"objects{named} in {path}",
        allowed="tensors by name, as model.state_dict() gives them",
        next_step="where you trust it, convert it once, with the program that made it: "
        "torch.save(model.state_dict(), 'weights.pth')",
    )


def damaged(path: Path, error: Exception) -> UserError:
    """Return the error for a file that cannot be read."""
    found = _REASON.search(str(error))
    reason = found[1] if found else str(error).strip().partition(". ")[0]
    return UserError(
        "The checkpoint cannot be read: it is cut off or damaged, or torch.save has not written it "
        f"({type(error).__name__}: {reason})",
        got=path,
        next_step="copy or download it again, or save it anew: "
        "torch.save(model.state_dict(), 'weights.pth')",
    )
