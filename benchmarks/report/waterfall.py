"""How a quantity came down stage by stage, as floating bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.report import format as fmt
from benchmarks.report.figure import Bar, Mark, colour
from benchmarks.report.schema import ModelEntry, Report


@dataclass(frozen=True)
class Quantity:
    """What falls: how to read it, how to write it, and what less and more of it are called."""

    title: str
    read: Callable[[ModelEntry], float | None]
    write: Callable[[float | None], str]
    less: str
    more: str


@dataclass(frozen=True)
class Waterfall:
    """A bar for each stage."""

    title: str
    change: str
    """From the first stage to the last, in words."""
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class _Step:
    place: int
    before: float | None
    """The value of the last stage that has one."""
    after: float | None


def chain(report: Report, place: int) -> list[int]:
    """Return the models from the first ancestor in the report to this one, each once.

    Where the reference is no ancestor it is put first: it is what all are compared with.
    """
    places = {model.name: i for i, model in enumerate(report.models)}
    found: list[int] = []
    step: int | None = place
    while step is not None and step not in found:
        found.append(step)
        step = places.get(report.models[step].parent or "")
    if 0 not in found:
        found.append(0)
    return found[::-1]


def waterfall(report: Report, places: Sequence[int], quantity: Quantity) -> Waterfall | None:
    """Return a bar for each stage, `None` where fewer than two have a value."""
    steps = _steps(report, places, quantity)
    values = [step.after for step in steps if step.after is not None]
    if len(values) < 2 or max(values) <= 0:
        return None
    bars = tuple(_bar(report, step, quantity, max(values)) for step in steps)
    total = fmt.change(values[0], values[-1], quantity.less, quantity.more)
    return Waterfall(quantity.title, total, bars)


def _steps(report: Report, places: Sequence[int], quantity: Quantity) -> list[_Step]:
    steps: list[_Step] = []
    last = None
    for place in places:
        value = quantity.read(report.models[place])
        steps.append(_Step(place, last, value))
        last = last if value is None else value
    return steps


def _bar(report: Report, step: _Step, quantity: Quantity, largest: float) -> Bar:
    return Bar(
        quantity.write(step.after),
        fmt.change(step.before, step.after, quantity.less, quantity.more),
        () if step.after is None else _marks(step, step.after, 100 / largest),
        step.place,
        about=report.models[step.place].stage,
        missing=step.after is None,
    )


def _marks(step: _Step, after: float, width: float) -> tuple[Mark, ...]:
    """Return what is left in the model's colour, and what the stage took away or added."""
    left = Mark("bar", after * width, colour=colour(step.place))
    if step.before is None or step.before == after:
        return (left,)
    low, high = sorted((step.before, after))
    kind = "delta saved" if after < step.before else "delta added"
    return left, Mark(kind, (high - low) * width, low * width)
