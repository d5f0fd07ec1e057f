"""`ROOT/state.json`: the probation, and the last release that was rolled back.

Older runtimes, which a release that is gone back to brings along, read and write this file: fields
are neither renamed nor added to. What they do not know is in files of its own.
"""

import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from .. import files as disk
from .layout import SLOTS, Slot


@dataclass(frozen=True)
class Probation:
    """A release that is in use and has yet to prove itself."""

    slot: Slot
    wanted: int
    """Predictions after which it is kept."""
    predictions: int = 0
    errors: int = 0
    failed: str | None = None
    """Why it is being rolled back."""


@dataclass(frozen=True)
class State:
    """What is known of a root beside which slot is in use, and what the slots hold."""

    highest_release: int = 0
    """For older runtimes; `releases.json` decides."""
    probation: Probation | None = None
    failed: dict[str, Any] | None = None
    """The last release that was rolled back: release, id, reason."""


def read_state(root: Path) -> State:
    """Return the state of a root; a damaged file counts as none, and is told."""
    path = root / "state.json"
    try:
        return _state(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        print(f"warning: {path} is damaged and starts anew", file=sys.stderr)
        return State()


def write_state(root: Path, state: State) -> None:
    """Store the state of a root."""
    disk.replace_json(root / "state.json", asdict(state))


def _state(stored: Any) -> State:
    """Return a state as it was stored; whatever is not one raises an error.

    Fields of other runtimes are passed over: an older one counts `starts` in the probation.
    """
    probation = stored["probation"] and Probation(**_known(stored["probation"]))
    state = State(stored["highest_release"], probation, stored["failed"])
    counts = [state.highest_release]
    if probation is not None:
        counts += [probation.wanted, probation.predictions, probation.errors]
    slots_known = probation is None or probation.slot in SLOTS
    if not slots_known or any(type(count) is not int for count in counts):
        raise ValueError("a field has a value that it cannot have")
    return state


def _known(stored: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(Probation)}
    return {name: value for name, value in stored.items() if name in names}
