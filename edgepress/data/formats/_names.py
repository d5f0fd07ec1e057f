"""Cells that hold the names of labels: which separator divides them, and which only occurs there.

A bar, a tab and a new line divide. A semicolon and a comma do, unless what they divide never comes
in another cell. A blank does where the words come alone too, or in more combinations than there
are words; otherwise it belongs to the names, as in `red disc`.
"""

import json
import re
from collections import Counter

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import short
from edgepress.data.formats import _reading, _text
from edgepress.data.formats._columns import Columns

MARK = "\x1f"
"""Ends every name of a cell that was a list of names, so that names may hold any separator."""
DIVIDING = ("|", "\t", "\n", ";", ",")
MAYBE = (";", ",")
RARE = ("/", "+", "&", " and ", " und ")
SHOWN = {" ": "a blank", "\t": "a tab", "\n": "a new line"}
SINGLE = ("label", "tag", "class", "category", "choice")
"""Columns whose name promises one label in each row."""
QUOTED = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?:\s*,|\s+(?=['"])|\s*$)"""
ITEM = re.compile(rf"\s*(?:{QUOTED}|([^\s,'\"][^,'\"]*)(?:,|$))", re.S)
"""A name in quotation marks, which NumPy divides by blanks only, or a bare one."""
CHOICES = re.compile(r'\{\s*"choices"\s*:\s*(\[.*\])\s*\}', re.S)
"""Label Studio's cell of several choices."""
NONE_LIKE = ("none", "-", "keine", "nichts", "nothing", "no label")
LONGEST_CELL = 10_000

Sets = list[set[str]]


def sets(columns: Columns, name: str, texts: list[str]) -> Sets:
    """Return the names in each distinct text of a column.

    Raises:
        UserError: a text is no name, or it is not clear what divides the names.
    """
    if any(MARK in text for text in texts):
        return [_named(text.split(MARK), columns.where(name, n)) for n, text in enumerate(texts)]
    lists = [_list(text, columns, name, code) for code, text in enumerate(texts)]
    plain = [text for text, items in zip(texts, lists, strict=True) if items is None]
    separator = _separator(columns, name, plain)
    found = [
        _named(_divided(text, separator) if items is None else items, columns.where(name, code))
        for code, (text, items) in enumerate(zip(texts, lists, strict=True))
    ]
    _check_vectors(columns, name, lists)
    written = [set() if items else some for items, some in zip(lists, found, strict=True)]
    _check_rest(columns, name, written, separator)
    return found


def _named(parts: list[str], where: str) -> set[str]:
    return {_reading.label_name(part, where) for part in parts if part.strip()}


def _divided(text: str, separator: str | None) -> list[str]:
    return [text] if separator is None else text.split(separator)


def _list(text: str, columns: Columns, name: str, code: int) -> list[str] | None:
    """Return the items of a list as Python, NumPy, JSON or Label Studio write it; None for others.

    Raises:
        UserError: a list that is not closed, or holds something else than names and numbers.
    """
    plain = text.strip()
    choices = CHOICES.fullmatch(plain)
    plain = choices[1] if choices else plain
    inside = plain[1:-1].strip()
    brackets = plain[:1] + plain[-1:]
    if brackets in ("()", "{}") and not (inside + "'").startswith(("'", '"')):
        return None
    if not plain.startswith(("[", "(", "{")) or (plain[0] != "[" and brackets[1] not in ")}"):
        return None
    items = _items(inside) if brackets in ("[]", "()", "{}") else None
    if items is None:
        raise UserError(
            f"A list of labels cannot be read at {columns.where(name, code)}",
            got=short(text),
            allowed="names in quotation marks with commas between them, as ['cat', 'dog']",
        )
    return items


def _items(inside: str) -> list[str] | None:
    """Return what is between the brackets, item by item; None if it is no list of names."""
    found, place = [], 0
    while place < len(inside) <= LONGEST_CELL:
        item = ITEM.match(inside, place)
        if item is None:
            return None
        found += _item(item[1] or item[2])
        place = item.end()
    return found if len(inside) <= LONGEST_CELL else None


def _item(text: str) -> list[str]:
    """Return a quoted name, or a bare one; bare numbers are divided as NumPy writes them."""
    if text[0] not in "'\"":
        return text.split() if re.fullmatch(r"[0-9.\s]+", text) else [text.strip()]
    try:
        return [json.loads(text)]
    except ValueError:
        return [re.sub(r"\\(.)", r"\1", text[1:-1])]


def _check_vectors(columns: Columns, name: str, lists: list[list[str] | None]) -> None:
    """Refuse `[0, 1, 0]`: a list of a 0 or 1 for each label does not name the labels."""
    some = [items for items in lists if items]
    same = len({len(items) for items in some}) == 1 and len(some[0]) > 1
    if same and all(item in ("0", "1", "0.0", "1.0") for items in some for item in items):
        raise UserError(
            f"The lists in {name!r} hold 0 and 1, and do not name the labels",
            got=f"{some[0]} in {columns.file}",
            next_step="write one column of 0 and 1 for each label",
        )


def _separator(columns: Columns, name: str, texts: list[str]) -> str | None:
    """Return what divides the names in the cells of a column, or None where nothing does."""
    for mark in DIVIDING:
        having = [text for text in texts if mark in text.strip()]
        if having and (mark not in MAYBE or _recombine(texts, mark)):
            return mark
        if having:
            where = columns.where(name, columns.by_name[name].values.index(having[0]))
            raise UserError(
                f"It is not clear whether {mark!r} divides the labels in the column {name!r}: "
                "what it divides never comes in another way",
                got=f"{short(having[0])!r} at {where}",
                next_step="write | between labels; where it belongs to a name, write all cells as "
                'lists, ["a, b"], or one column for each label',
            )
    return _blank(columns, name, texts)


def _recombine(texts: list[str], mark: str) -> bool:
    """Tell whether a mark divides lists: it has no blank behind it, or a part comes elsewhere."""
    if any(re.search(re.escape(mark) + r"\S", text) for text in texts):
        return True
    cells = [{part.strip() for part in text.split(mark) if part.strip()} for text in texts]
    counts = Counter(part for cell in cells for part in cell)
    several = [cell for cell in cells if len(cell) > 1]
    return not several or any(counts[part] > 1 for cell in several for part in cell)


def _blank(columns: Columns, name: str, texts: list[str]) -> str | None:
    """Return a blank if it divides names rather than being part of them; what is assumed is said.

    Raises:
        UserError: both could be.
    """
    words = [tuple(_text.clean(text).split()) for text in texts if text.strip()]
    counts = Counter(word for cell in {frozenset(cell) for cell in words} for word in cell)
    several = [cell for cell in words if len(cell) > 1]
    known = {cell[0] for cell in words if len(cell) == 1}
    if not several:
        return None
    if all(word in known for cell in several for word in cell):
        return _say_blank(name, several, True)
    if all(counts[word] == 1 for cell in several for word in cell):
        return _say_blank(name, several, False)
    n_cells = len({frozenset(cell) for cell in words})
    single = name.lower() in SINGLE
    if n_cells < len(counts) or (n_cells > len(counts) and not single):
        return _say_blank(name, several, n_cells > len(counts))
    raise UserError(
        f"It is not clear whether a blank divides the labels in the column {name!r}",
        got=f"{' '.join(several[0])!r} in {columns.file}",
        next_step="write | between labels, or _ for a blank within a name",
    )


def _say_blank(name: str, several: list[tuple[str, ...]], divides: bool) -> str | None:
    words = several[0]
    meant = f"{len(words)} labels" if divides else "one label"
    hint = "write _ for a blank within a name" if divides else "write | between labels"
    console.say_once(f"in {name!r}, {' '.join(words)[:100]!r} is read as {meant}; if not, {hint}")
    return " " if divides else None


def _check_rest(columns: Columns, name: str, found: Sets, separator: str | None) -> None:
    """Look for what divides some of the names still, since two people have written the table.

    Raises:
        UserError: a comma or semicolon divides names that come alone too.
    """
    names = set().union(*found)
    for mark in (*MAYBE, *RARE):
        for each in sorted(one for one in names if mark in one):
            parts = {part.strip() for part in each.split(mark)}
            if not parts <= names or parts == {""}:
                continue
            if mark in RARE:
                console.warn(f"{each!r} is read as one label, although its parts are labels too")
                continue
            code = next(code for code, some in enumerate(found) if each in some)
            raise UserError(
                f"Labels are divided in two ways in the column {name!r}",
                got=f"{each!r} at {columns.where(name, code)}, beside "
                f"{SHOWN.get(separator or '', repr(separator))}",
                next_step="write one separator in all rows",
            )
    for each in sorted(names):
        if each.lower() in NONE_LIKE:
            console.warn(
                f"{each!r} is read as the name of a label; leave the cells of {name!r} empty "
                "where an image has none"
            )
