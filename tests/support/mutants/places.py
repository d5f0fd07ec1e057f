"""Where a file can be changed, and which of the changes are tried."""

import ast
import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import parso
from cosmic_ray.mutating import mutate_code

from mutants import operators, rewrites
from mutants.table import key

WORDING = ("raise_stmt", "fstring", "import_name", "import_from", "global_stmt")
"""What only words, or only names: its changes are no mutants."""


@dataclass(frozen=True)
class Place:
    """One change that could be made."""

    operator: str
    occurrence: int
    """Which of the operator's changes in this file, counted from 0."""
    where: str
    """Family of the operator and the place in the file, the same for its alternatives."""
    name: str
    """Function or class, operator and text: the same wherever the function moves to."""
    line: int


@dataclass(frozen=True)
class Mutant:
    """One change, made."""

    file: str
    function: str
    was: str
    becomes: str
    line: int
    source: str

    @property
    def key(self) -> str:
        """What names it while the line and its function stay as they are."""
        return key(self.file, self.function, self.was, self.becomes)


def drawn(file: str, source: str, n: int | None, seed: int) -> tuple[list[Mutant], int]:
    """Return `n` mutants of a file in order of lines (all for `None`), and how many there are.

    Of the changes that one operator can make at one place, one is drawn. The draw hangs on the
    text of the line alone, so that a change elsewhere in the file draws the same mutants again.
    """
    first: dict[str, Place] = {}
    for place in sorted(places(source), key=lambda place: _lot(place, seed)):
        first.setdefault(place.where, place)
    ranked = list(first.values())
    made: dict[str, Mutant] = {}
    for place in ranked:
        if n is not None and len(made) == n:
            break
        mutant = make(file, source, place)
        if mutant is not None:
            made.setdefault(mutant.key, mutant)
    return sorted(made.values(), key=lambda mutant: (mutant.line, mutant.becomes)), len(ranked)


def places(source: str) -> list[Place]:
    """Return every change that the operators know for a file, wording and annotations aside."""
    found = []
    lines = source.splitlines()
    known = operators.all_operators()
    counts = dict.fromkeys(known, 0)
    for node, function, counted in walk(parso.parse(source), "", True):
        for name, operator in known.items():
            for at, (start, _) in enumerate(operator.mutation_positions(node)):
                if counted and tells(name, node):
                    text = lines[start[0] - 1].strip()
                    where = f"{operators.family(name)} {start} {node.end_pos}"
                    label = f"{function} {name} {at} {start[1]} {text}"
                    found.append(Place(name, counts[name], where, label, start[0]))
                counts[name] += 1
    return found


def tells(operator: str, node: Any) -> bool:
    """Say whether a change would say something.

    0.95 + 1 fails anywhere; 4,001 draws are as good as 4,000.
    """
    return operator != "NumberReplacer" or (node.value.isdigit() and len(node.value) < 4)


def walk(node: Any, function: str, counted: bool) -> Iterator[tuple[Any, str, bool]]:
    """Yield every node in cosmic-ray's order with its function, and whether its changes count."""
    if node.type in ("funcdef", "classdef"):
        function = f"{function}.{node.name.value}".removeprefix(".")
    counted = counted and node.type not in WORDING and not _is_annotation(node)
    counted = counted and not rewrites.is_unheard(node)
    if node.type == "decorator" and "dataclass" in node.get_code():
        counted = False
    yield node, function, counted
    for child in getattr(node, "children", ()):
        yield from walk(child, function, counted)


def _is_annotation(node: Any) -> bool:
    above = node.parent
    if above is None:
        return False
    if node.type == "atom_expr" and node.get_first_leaf().value == "Literal":
        return True
    if above.type == "annassign":
        return above.children[1] is node
    if above.type == "tfpdef":
        return above.children[-1] is node
    return above.type == "funcdef" and above.annotation is node


def make(file: str, source: str, place: Place) -> Mutant | None:
    """Return the mutant, or `None` where the change says the same or is no Python."""
    changed = mutate_code(source, operators.all_operators()[place.operator], place.occurrence)
    try:
        same = changed is None or ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
    except SyntaxError:
        return None
    if same:
        return None
    was, becomes = _difference(source.splitlines(), changed.splitlines())
    function = place.name.split(" ")[0]
    return Mutant(file, function, was, becomes, place.line, changed)


def _difference(old: Sequence[str], new: Sequence[str]) -> tuple[str, str]:
    removed, added = [], []
    for line in difflib.ndiff(old, new):
        if line.startswith("- "):
            removed.append(line[2:].strip())
        elif line.startswith("+ "):
            added.append(line[2:].strip())
    return " / ".join(filter(None, removed)), " / ".join(filter(None, added))


def _lot(place: Place, seed: int) -> str:
    return hashlib.sha256(f"{seed} {place.name}".encode()).hexdigest()
