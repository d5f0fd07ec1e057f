"""What becomes of an earlier plan: it is kept, made anew, or its student gets more epochs."""

from compress.planning.facts import Choice
from compress.planning.hours import schedule
from compress.planning.hours.pace import EPOCHS, LAST_TRAINING
from compress.planning.hours.stored import AFTER_STEPS, Ledger
from edgepress.core import console

STUDENT = "student"
"""The step of the recipe that is given more."""


def kept(earlier: Ledger | None, key: str, hours: float | None) -> Ledger | None:
    """Return the plan to go on with, `None` where it is to be made anew.

    Epochs that were chosen once stay, so that what was trained is not trained again. With more
    hours a further training goes on from the student that is there; with fewer all stays.
    """
    if earlier is None:
        return None
    if earlier.key != key:
        console.say(
            "the data, the model or the options are not those of the plan at hand: it is made "
            "anew, and so is every step that this changes"
        )
        return None
    if hours is None or (earlier.hours is not None and hours <= earlier.hours):
        return earlier
    if not earlier.begun:
        return None  # nothing was made: the hours set all epochs
    if STUDENT not in earlier.seconds:
        return earlier.model_copy(update={"hours": hours})  # its epochs are set when it starts
    return _with_more(earlier, hours)


def _with_more(earlier: Ledger, hours: float) -> Ledger:
    """Return the plan with a further training of the student, if one epoch of it fits."""
    again = sum(
        earlier.expected_s.get(name, 0.0)
        for name in (f"{STUDENT}-fp32", f"{STUDENT}-int8", *AFTER_STEPS)
    )
    left_s = 3600 * hours - earlier.spent_s - again
    epoch_s = earlier.epoch_s.get(LAST_TRAINING, 0.0)
    if epoch_s <= 0 or left_s < epoch_s:
        console.say(
            f"{earlier.spent_s / 3600:.2f} hours have been spent: --hours {hours:g} leaves no "
            "time for another epoch of the student"
        )
        return earlier
    before = earlier.value(EPOCHS)
    several = before if isinstance(before, list | tuple) else [before]
    more = schedule.fitting(left_s, epoch_s)
    choice = Choice(name=EPOCHS, value=[*several, more], reason="more hours: it goes on")
    return earlier.with_choice(choice).model_copy(update={"hours": hours, "complete": False})
