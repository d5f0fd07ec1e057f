"""The YAML file that describes a YOLO data set."""

import reprlib
from collections import Counter
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from edgepress.core.errors import UserError
from edgepress.data.formats import _reading

LARGEST = 1 << 20  # bytes; its reader is slow


def load(file: Path) -> dict[str, Any]:
    """Return what a file describes.

    Raises:
        UserError: it is too large, cannot be read, or has no names.
    """
    text = _reading.read_text(file)
    if len(text) > LARGEST:
        raise UserError("The YAML file is too large", got=f"{len(text):,} characters: {file}")
    try:
        content = yaml.load(text, Loader=_UniqueKeys)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"The YAML file cannot be read ({reason})", got=file) from None
    if not isinstance(content, dict) or "names" not in content:
        raise UserError("The YAML file has no 'names'", got=file, allowed="names, train, val")
    return content


class _UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a key that occurs twice, of which YAML would keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key, count in Counter(keys).items() if count > 1]
        if twice:
            raise yaml.YAMLError(f"the key {str(twice[0])[:100]!r} occurs twice")
        return super().construct_mapping(node, deep)


def names(file: Path, content: dict[str, Any]) -> list[str]:
    """Return the classes' names: a list, or a mapping from 0, 1, 2, ... to names.

    Raises:
        UserError: they are neither, or not as many as `nc` says.
    """
    found = content["names"]
    if isinstance(found, dict) and sorted(map(str, found)) == sorted(map(str, range(len(found)))):
        found = [found.get(place, found.get(str(place))) for place in range(len(found))]
    sound = isinstance(found, list) and all(_is_name(each) for each in found)
    if not sound or not found or content.get("nc", len(found)) != len(found):
        raise UserError(
            f"The YAML file's names cannot be used: {file}",
            got=reprlib.repr(found),
            allowed="a list of nc names, or a mapping from 0, 1, 2, ... to names",
        )
    return [str(name) for name in found]


def _is_name(value: Any) -> bool:
    """Tell whether YAML read a name or a number; an unquoted `no` is a truth value."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)
