"""`${NAME}` in a recipe: what may be filled in, and the recipe with it filled in.

A text that is nothing but `${NAME}` becomes the value itself, with its type; within a longer text
it becomes a part of the text. A step with `when = { NAME = VALUE }` belongs to the recipe only
where the value is that one, or one of a list; one with `repeat` stands for several.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from edgepress.core.errors import UserError

Values = Mapping[str, Any]

WHEN, REPEAT = "when", "repeat"
_NAME = re.compile(r"\$\{([^{}]*)\}")
_ITEM = "item"
"""In a repeated step, the value that the repetition is of."""


def names(raw: object) -> set[str]:
    """Return the names of all variables in a recipe as it stands in its file.

    >>> sorted(names({"title": "${data}", "step": [{"when": {"origin": "none"}}]}))
    ['data', 'origin']
    """
    return set(_names(raw)) - {_ITEM}


def filled(raw: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """Return a recipe with its variables filled in, without the steps that do not belong to it.

    Raises:
        UserError: a variable that has no value, or what `when` or `repeat` cannot be.
    """
    steps = [step for step in raw.get("step", []) if _belongs(step, values)]
    whole = {**raw, "step": [one for step in steps for one in _repeated(step, values)]}
    whole = _without_absent(whole, _absent(raw, steps))
    return {name: _put(value, values) for name, value in whole.items()}


def missing(raw: Mapping[str, Any], values: Values) -> set[str]:
    """Return the names of variables that have no value, of the parts that belong to the recipe."""
    return used(raw, values) - set(values)


def used(raw: Mapping[str, Any], values: Values) -> set[str]:
    """Return the names of variables of the parts that belong to the recipe.

    A step belongs to it as long as what its `when` asks for is not known.
    """
    belonging = [step for step in raw.get("step", []) if _may_belong(step, values)]
    return names({**raw, "step": belonging})


def _may_belong(step: Mapping[str, Any], values: Values) -> bool:
    when = step.get(WHEN, {})
    return not isinstance(when, Mapping) or bool(set(when) - set(values)) or _belongs(step, values)


def _names(raw: object) -> Iterator[str]:
    if isinstance(raw, str):
        yield from _NAME.findall(raw)
    elif isinstance(raw, Mapping):
        yield from raw.get(WHEN, {}) if isinstance(raw.get(WHEN), Mapping) else ()
        for value in raw.values():
            yield from _names(value)
    elif isinstance(raw, list | tuple):
        for value in raw:
            yield from _names(value)


def _value(name: str, values: Values) -> Any:
    if name in values:
        return values[name]
    close = difflib.get_close_matches(name, values, n=1)
    raise UserError(
        "A variable of the recipe has no value",
        got=name,
        next_step=(f"did you mean '{close[0]}'? If not, " if close else "")
        + f"give it one: {name} = VALUE under [values], or --set {name}=VALUE",
    )


def _put(raw: Any, values: Values) -> Any:
    if isinstance(raw, str):
        alone = _NAME.fullmatch(raw)
        if alone:
            return _value(alone[1], values)
        return _NAME.sub(lambda found: str(_value(found[1], values)), raw)
    if isinstance(raw, Mapping):
        return {name: _put(value, values) for name, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_put(value, values) for value in raw]
    return raw


def _belongs(step: Mapping[str, Any], values: Values) -> bool:
    """Tell whether a step's `when` holds.

    >>> _belongs({"when": {"origin": ["none", "file"]}}, {"origin": "none"})
    True
    """
    when = step.get(WHEN, {})
    if not isinstance(when, Mapping):
        raise UserError(
            "`when` of a step is a table of names and values", got=when, allowed="{ NAME = VALUE }"
        )
    for name, wanted in when.items():
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if _value(name, values) not in allowed:
            return False
    return True


def _repeated(step: Mapping[str, Any], values: Values) -> list[dict[str, Any]]:
    """Return a step without `when`; one with `repeat` once for each value.

    `repeat = { over = "${epochs}", from = "student" }` makes NAME, NAME-2, ...: each with `${item}`
    as its value, and the further ones go on from the one before, which their option `from` names.
    """
    bare = {name: value for name, value in step.items() if name not in (WHEN, REPEAT)}
    repeat = step.get(REPEAT)
    if repeat is None:
        return [bare]
    if not isinstance(repeat, Mapping) or set(repeat) != {"over", "from"}:
        raise UserError(
            "`repeat` of a step cannot be read", got=repeat, allowed='{ over = "${A}", from = "B" }'
        )
    over = _put(repeat["over"], values)
    items = over if isinstance(over, list | tuple) else [over]
    copies = [_copy(bare, number, item, repeat["from"]) for number, item in enumerate(items, 1)]
    return copies if len(copies) == 1 else [{**one, "repeats": bare["name"]} for one in copies]


def _copy(step: Mapping[str, Any], number: int, item: Any, goes_on: str) -> dict[str, Any]:
    one: dict[str, Any] = _put_item(step, item)
    if number > 1:
        before = repeated_name(step["name"], number - 1)
        one["name"] = repeated_name(step["name"], number)
        one["options"] = {**one.get("options", {}), goes_on: f"@{before}"}
    return one


def repeated_name(name: str, number: int) -> str:
    """Return the name of a repeated step.

    >>> repeated_name("student", 1), repeated_name("student", 2)
    ('student', 'student-2')
    """
    return name if number == 1 else f"{name}-{number}"


def _put_item(raw: Any, item: Any) -> Any:
    """Fill in `${item}` and leave the other variables."""
    if isinstance(raw, str):
        return item if raw == f"${{{_ITEM}}}" else raw
    if isinstance(raw, Mapping):
        return {name: _put_item(value, item) for name, value in raw.items()}
    return raw


def _absent(raw: Mapping[str, Any], belonging: list[Mapping[str, Any]]) -> set[str]:
    """Return the names of steps of which none belongs to the recipe."""
    every = {step.get("name") for step in raw.get("step", [])}
    return every - {step.get("name") for step in belonging}


def _without_absent(whole: dict[str, Any], absent: set[str]) -> dict[str, Any]:
    """Leave the models that are not made out of the comparison and the bundle."""
    left = {f"@{name}" for name in absent}
    compare, bundle = whole.get("compare"), whole.get("bundle")
    if isinstance(compare, Mapping) and isinstance(compare.get("models"), list):
        models = [name for name in compare["models"] if name not in left]
        whole = {**whole, "compare": {**compare, "models": models}}
    if isinstance(bundle, Mapping) and bundle.get("model") in left:
        whole = {name: value for name, value in whole.items() if name != "bundle"}
    return whole
