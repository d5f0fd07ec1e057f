"""A recipe's file, before its variables are filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from compress.recipes import variables
from compress.recipes.steps import Comparison, Packing, Recipe, Step
from compress.recipes.variables import Values
from edgepress.core import cli
from edgepress.core.errors import UserError, unknown_name

SHIPPED = Path(__file__).parent
VALUES, BASE = "values", "recipe"
_KEYS = {
    "step": Step.model_fields.keys() - {"repeats"} | {variables.WHEN, variables.REPEAT},
    "compare": Comparison.model_fields.keys(),
    "bundle": Packing.model_fields.keys(),
}
"""What a table of a recipe may hold."""


@dataclass(frozen=True)
class Template:
    """A recipe as it stands in its file."""

    source: Path
    raw: Mapping[str, Any]
    """All but the values; some texts hold `${NAME}`."""
    values: Values
    """What the file itself says of its variables."""

    @property
    def names(self) -> set[str]:
        """Names of its variables."""
        return variables.names(self.raw)

    def missing(self, values: Values) -> set[str]:
        """Return the names of variables that have no value yet, of what belongs to the recipe."""
        return variables.missing(self.raw, {**self.values, **values})

    def used(self, values: Values) -> set[str]:
        """Return the names of variables of what belongs to the recipe."""
        return variables.used(self.raw, {**self.values, **values})

    def filled(self, values: Values) -> Recipe:
        """Return the recipe with these values, which win over those of the file.

        Raises:
            UserError: a variable without a value, or a recipe that is not valid.
        """
        whole = variables.filled(self.raw, {**self.values, **values})
        try:
            return Recipe.model_validate(whole)
        except ValidationError as error:
            raise _invalid(error, whole, self.source) from None


def _invalid(error: ValidationError, whole: Mapping[str, Any], source: Path) -> UserError:
    """Return the error for the first thing that is wrong with a recipe, by the step's name."""
    first = error.errors()[0]
    part, *inside = first["loc"]
    place = [str(part)]
    if part == "step" and inside:
        number = int(inside.pop(0))
        place = [f"step {whole['step'][number].get('name', number + 1)}"]
    if first["type"] == "extra_forbidden" and inside:
        kind = f"key in {place[0]} of {source}"
        return unknown_name(kind, str(inside[-1]), _KEYS.get(str(part), set()))
    where = ".".join([*place, *map(str, inside)])
    return UserError(f"The recipe is not valid: {where}: {first['msg']}", got=source)


def read(path: Path) -> Template:
    """Read a recipe from a TOML file, or by the name of a shipped one.

    One with `recipe = "NAME"` is that recipe with its own values.

    Raises:
        UserError: no such recipe, it is not TOML, or its parts are not tables.
    """
    file = _file(path)
    stated = cli.read_toml(file)
    own = stated.pop(VALUES, {})
    if not isinstance(own, Mapping):
        raise UserError("[values] of the recipe is not a table", got=file)
    base = stated.pop(BASE, None)
    if base is None:
        return Template(file, _with_underscores(stated), own)
    if stated.keys() - {"title"}:
        raise UserError(
            f"A recipe that is another one with values has only these ({', '.join(stated)})",
            got=file,
            allowed="recipe, title, [values]",
        )
    known = read(_beside(file, str(base)))
    return Template(file, {**known.raw, **stated}, {**known.values, **own})


def _beside(file: Path, base: str) -> Path:
    """Return the file that a recipe builds on: a shipped one by name, else one in its folder."""
    return file.parent / base if Path(base).suffix else Path(base)


def _file(path: Path) -> Path:
    shipped = {file.stem: file for file in SHIPPED.glob("*.toml")}
    if path.suffix:
        return path
    if path.name not in shipped:
        raise unknown_name("recipe", path.name, shipped)
    return shipped[path.name]


def _with_underscores(stated: dict[str, Any]) -> dict[str, Any]:
    """Take [compare] as options are written in steps, with - or with _."""
    compare = stated.get("compare")
    if isinstance(compare, dict):
        stated["compare"] = {key.replace("-", "_"): value for key, value in compare.items()}
    return stated
