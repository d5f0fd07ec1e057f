"""Options that take several values: given again they add up, and none is dropped.

tyro keeps the last of two `--gate`, or with its append action adds what is typed to what stands in
the TOML file. Here every occurrence counts, and what is typed replaces defaults and file.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, get_args, get_origin

import tyro
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edgepress.core.errors import UserError

FOLLOWING = "values follow one another"
"""Marks an option of which one takes several, `--batch 1 8`, beside positional words too."""


def listed(given: Any) -> tuple[Any, ...]:
    """Return the values of an option of which one alone need be no list, and `None` is none.

    >>> listed("a"), listed(["a", "b"]), listed(None)
    (('a',), ('a', 'b'), ())
    """
    if given is None:
        return ()
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


Gates = Annotated[tuple[str, ...], tyro.conf.arg(metavar="GATE")]
"""Demands on a model: `--gate A --gate B`; without positional models `--gate A B` as well."""

Words = Annotated[tuple[str, ...], FOLLOWING]
"""Texts that follow one another, `--train A B`."""

_OPTION = re.compile(r"-(?![0-9.])")
"""How the next option begins; `-0.5` is a value."""


def merged(config_type: type[BaseModel], arguments: Sequence[str]) -> list[str]:
    """Return the arguments with all values of an option behind one occurrence, at the end.

    Where a command takes positional words, an option takes one value each time it is given.

    Raises:
        UserError: an occurrence without a value, or a second one of a fixed number of values.
    """
    lengths = {_flag(name): length(field) for name, field in config_type.model_fields.items()}
    single = _taking_one(config_type)
    rest: list[str] = []
    found: dict[str, list[str]] = {}
    waiting = list(arguments)
    while waiting:
        flag, equals, value = _split(word := waiting.pop(0))
        if lengths.get(flag) is None:
            rest.append(word)
            continue
        values = [value] if equals else _taken(waiting, 1 if flag in single else None)
        _require_sound(flag, values, found.get(flag), lengths[flag])
        found.setdefault(flag, []).extend(values)
    return rest + [word for flag, values in found.items() for word in (flag, *values)]


def length(field: FieldInfo) -> float | None:
    """Return how many values an option takes, infinity for any number, `None` for one.

    Positional words are no option, so that there is nothing to give twice.
    """
    if is_positional(field):
        return None
    for part in (field.annotation, *get_args(field.annotation)):
        inner = get_args(part)[0] if get_origin(part) is Annotated else part
        if get_origin(inner) is tuple:
            values = get_args(inner)
            return float("inf") if values[-1] is Ellipsis else len(values)
    return None


def is_positional(field: FieldInfo) -> bool:
    """Tell whether an option is given without its name."""
    return tyro.conf.Positional in field.metadata


def _taking_one(config_type: type[BaseModel]) -> set[str]:
    """Return the options that take one value at a time, so that positional words can follow."""
    fields: dict[str, Any] = config_type.model_fields
    if not any(is_positional(field) for field in fields.values()):
        return set()
    return {
        _flag(name)
        for name, field in fields.items()
        if length(field) == float("inf") and FOLLOWING not in field.metadata
    }


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _split(word: str) -> tuple[str, str, str]:
    """Return the option, `=` and the value of a word; both spellings of an option are one."""
    flag, equals, value = word.partition("=")
    return (flag.replace("_", "-") if flag.startswith("--") else word), equals, value


def _taken(waiting: list[str], most: int | None) -> list[str]:
    """Take the values up to the next option off the words that wait."""
    values: list[str] = []
    while waiting and not _OPTION.match(waiting[0]) and len(values) != most:
        values.append(waiting.pop(0))
    return values


def _require_sound(
    flag: str, values: list[str], before: list[str] | None, length_: float | None
) -> None:
    if not values:
        name = flag.removeprefix("--").replace("-", "_")
        raise UserError(
            f"{flag} needs a value",
            next_step=f"leave {flag} out; an empty list is said in a file: {name} = [], --config",
        )
    if before is not None and length_ != float("inf"):
        raise UserError(
            f"{flag} is given twice", got=" ".join((flag, *before, flag, *values)), allowed="once"
        )
