"""Opens the release that a root has in use, or the one before where that cannot be."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..bundle.manifest import Bundle
from ..errors import DeviceError, ModelFailed, NewerSchema
from ..model.session import Predictor
from ..root import lives, slots, tuned
from ..root.layout import Mark, active, folder, mark
from ..root.lives import Life
from ..root.locks import locked
from ..root.slots import say
from ..root.state import Probation, read_state, write_state
from .probation import MOST_DEATHS, MOST_ERRORS, Watchdog


@dataclass(frozen=True)
class Opened:
    """A release that this process has open."""

    predictor: Predictor
    mark: Mark | None
    """What `current` shows as long as it is in use."""
    watchdog: Watchdog | None = None
    """It is on probation."""
    life: Life | None = None


def open_root(root: Path) -> Opened:
    """Open the release in use; go back if it is damaged, or if its processes keep dying.

    A release that this process alone cannot open (one for a newer runtime, or for want of memory)
    is not given up for that. On probation it is, the third time that its model cannot be opened.

    Raises:
        DeviceError: there is none, it is for a newer runtime, or the root cannot be written.
        ModelFailed: its model cannot be opened here.
    """
    with locked(root):
        slots.recover(root)
        _leave_what_dies(root)
        try:
            return _opened(root, _intact(root))
        except ModelFailed as error:
            if not _is_given_up(root, str(error)):
                raise
            return _opened(root, slots.opened(root))


def on_probation(root: Path, bundle: Bundle) -> Probation | None:
    """Return the probation of a release that is in use."""
    probation = read_state(root).probation
    if probation is None or bundle.folder != folder(root, probation.slot):
        return None
    return probation


def _leave_what_dies(root: Path) -> None:
    if read_state(root).probation is None:
        return
    release = slots.release_in_use(root)
    died = lives.deaths(root, release.release) if release else 0
    if died < MOST_DEATHS:
        return
    reason = f"{died} processes opened it and died"
    try:
        slots.told_roll_back(root, reason)
    except DeviceError as problem:  # it is all there is
        say(f"the release should go back ({reason}) and cannot: {problem}")


def _intact(root: Path) -> Bundle:
    try:
        return slots.opened(root)
    except NewerSchema:
        raise
    except DeviceError as damage:
        if active(root) is None:
            raise
        try:
            return slots.told_roll_back(root, damage.what, damaged=True)
        except DeviceError as problem:
            raise DeviceError(
                f"The release in use is damaged: {damage.what}. {problem.what}", got=root,
                next_step="install the same bundle again, or a newer one",
            ) from None  # fmt: skip


def _opened(root: Path, bundle: Bundle) -> Opened:
    """Open a model; what its process dies of while it does is noted as well."""
    probation = on_probation(root, bundle)
    life = Life(root, bundle.release) if probation else None
    try:
        predictor = Predictor(bundle, tuned.stored(root))
    except BaseException:
        if life is not None:
            life.ended_well()
        raise
    if life is not None:
        life.model_is_open()
    watchdog = Watchdog(probation, bundle.latency_budget_s) if probation else None
    return Opened(predictor, mark(root), watchdog, life)


def _is_given_up(root: Path, reason: str) -> bool:
    """Count that a model cannot be opened; go back at the third time, and return whether it is."""
    state = read_state(root)
    if state.probation is None:
        return False
    errors = state.probation.errors + 1
    if errors < MOST_ERRORS:
        counted = replace(state, probation=replace(state.probation, errors=errors))
        with suppress(OSError):  # a disk that is full; the error itself is told
            write_state(root, counted)
        return False
    with suppress(DeviceError):  # there is nothing to go back to
        slots.told_roll_back(root, f"{errors} errors, the last: {reason}")
        return True
    return False
