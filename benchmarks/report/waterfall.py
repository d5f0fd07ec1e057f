"""How a quantity came down stage by stage, as floating bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import colour, model_name
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


def waterfall(report: Report, places: Sequence[int], quantity: Quantity) -> Markup:
    """Return a table with a bar for each stage; empty where fewer than two have a value."""
    steps = _steps(report, places, quantity)
    values = [step.after for step in steps if step.after is not None]
    if len(values) < 2 or max(values) <= 0:
        return Markup("")
    rows = Markup("").join(_row(report, step, quantity, max(values)) for step in steps)
    total = fmt.change(values[0], values[-1], quantity.less, quantity.more)
    return Markup(
        '<div class="card"><table class="bars fall"><caption><b>{}</b> <span>{} in all</span>'
        '</caption><thead class="unseen"><tr><th scope="col">Stage</th><th scope="col">{}</th></tr>'
        "</thead><tbody>{}</tbody></table></div>"
    ).format(quantity.title, total, quantity.title, rows)


def _steps(report: Report, places: Sequence[int], quantity: Quantity) -> list[_Step]:
    steps: list[_Step] = []
    last = None
    for place in places:
        value = quantity.read(report.models[place])
        steps.append(_Step(place, last, value))
        last = last if value is None else value
    return steps


def _row(report: Report, step: _Step, quantity: Quantity, largest: float) -> Markup:
    change = fmt.change(step.before, step.after, quantity.less, quantity.more)
    bar = Markup("") if step.after is None else _bar(step, step.after, largest)
    return Markup(
        '<tr data-place="{}"><th scope="row">{} <small>{}</small></th><td>'
        '<span class="value{}">{}<small>{}</small></span>'
        '<span class="track" aria-hidden="true">{}</span></td></tr>'
    ).format(
        step.place,
        model_name(report, step.place),
        report.models[step.place].stage,
        " missing" if step.after is None else "",
        quantity.write(step.after),
        change,
        bar,
    )


def _bar(step: _Step, after: float, largest: float) -> Markup:
    """Return what is left in the model's colour, and what the stage took away or added."""
    width = 100 / largest
    left = Markup('<i class="bar" style="width:{:.2f}%;background:{}"></i>').format(
        after * width, colour(step.place)
    )
    if step.before is None or step.before == after:
        return left
    low, high = sorted((step.before, after))
    kind = "saved" if after < step.before else "added"
    return left + Markup('<i class="delta {}" style="left:{:.2f}%;width:{:.2f}%"></i>').format(
        kind, low * width, (high - low) * width
    )
