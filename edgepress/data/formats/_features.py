"""The features of a Hugging Face data set: what a column holds, and how it becomes texts."""

from collections.abc import Callable, Sequence
from typing import Any

from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.formats import _labels

LISTS = ("Sequence", "List", "LargeList")
BINARY = ("binary", "large_binary", "null")

Feature = dict[str, Any]
Texts = Callable[[Any, str], list[str]]
"""From the cells of a column, and where they are, to their texts."""


def kind(feature: Any) -> str:
    """Return the type of a feature: `Image`, `Value`, `ClassLabel`, ..."""
    return str(feature.get("_type", "")) if isinstance(feature, dict) else ""


def item(feature: Any) -> Any:
    """Return the feature of a list's items, or None."""
    if isinstance(feature, list) and len(feature) == 1:
        return feature[0]
    return feature.get("feature") if kind(feature) in LISTS else None


def is_text(feature: Feature) -> bool:
    """Tell whether the values are texts."""
    return feature.get("dtype") in ("string", "large_string")


def reader(feature: Any, is_names: bool) -> Texts | None:
    """Return how a column becomes texts; None for what cannot.

    Raises:
        UserError: the column that `is_names` of labels holds something else.
    """
    items = item(feature)
    if kind(feature) == "Value" and feature.get("dtype") not in BINARY:
        return _value_texts
    if kind(feature) == "ClassLabel":
        names = _class_names(feature)
        numbers = not is_names and len(names) == 2
        return (
            _value_texts
            if numbers
            else lambda cells, where: [
                _joined(_classes([number], names, where), is_names, where)
                for number in cells.to_pylist()
            ]
        )
    if kind(items) == "ClassLabel":
        names = _class_names(items)
        return lambda cells, where: [
            _joined(_classes(cell or (), names, where), is_names, where)
            for cell in cells.to_pylist()
        ]
    if kind(items) == "Value" and (is_text(items) or not is_names):
        return lambda cells, where: [
            _joined([str(each) for each in cell or ()], is_names, where)
            for cell in cells.to_pylist()
        ]
    if is_names:
        raise UserError(
            "The column of labels holds no names",
            got=repr(feature)[:200],
            allowed="a list of ClassLabel, a ClassLabel, a list of texts, or a text",
            next_step="cast it to Sequence(ClassLabel(names=[...]))",
        )
    return None


def _class_names(feature: Feature) -> list[str]:
    names = feature.get("names")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise UserError("A ClassLabel has no names", got=repr(feature)[:200])
    if len(set(names)) != len(names):
        raise UserError("A ClassLabel has a name twice", got=listed(names))
    return names


def _classes(numbers: Sequence[Any], names: list[str], where: str) -> list[str]:
    """Return the names of classes; a single -1 or null, for a withheld label, is unknown."""
    if list(numbers) in ([-1], [None]):
        return ["unknown"]
    for number in numbers:
        if type(number) is not int or not 0 <= number < len(names):
            raise UserError(
                f"A label is no class at {where}",
                got=repr(number)[:100],
                allowed=f"0 to {len(names) - 1}: {listed(names)}",
            )
    return [names[number] for number in numbers]


def _joined(texts: Sequence[str], is_names: bool, where: str) -> str:
    return _labels.joined(texts, where) if is_names else "|".join(texts)


def _value_texts(cells: Any, _where: str) -> list[str]:
    texts: list[str] = cells.cast("string").fill_null("").to_pylist()
    return texts
