"""What people get wrong in a line: functions from a node to the texts that may stand in its place.

Nodes are those of parso's tree, which cosmic-ray walks.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

TWINS = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("argmin", "argmax"),
    ("any", "all"),
    ("floor", "ceil"),
    ("ones", "zeros"),
    ("mean", "sum"),
    ("median", "max"),
    ("train", "eval"),
    ("first", "last"),
    ("low", "high"),
    ("lower", "upper"),
    ("difference", "intersection"),
    ("isdisjoint", "issuperset"),
    ("startswith", "endswith"),
    ("append", "extend"),
)
"""Functions that are taken for one another."""

PARTS = (("train", "test"), ("val", "train"), ("test", "val"))
KINDS = (("weight", "bias"), ("mean", "sum"), ("left", "right"), ("linear", "nearest"))
UNWRAPPED = (
    "abs",
    "argsort",
    "clamp",
    "clip",
    "clone",
    "copy",
    "cumsum",
    "detach",
    "exp",
    "expm1",
    "flip",
    "log",
    "log1p",
    "logit",
    "lower",
    "nan_to_num",
    "ravel",
    "resolve",
    "reversed",
    "round",
    "set",
    "sigmoid",
    "softmax",
    "sort",
    "sorted",
    "sqrt",
    "square",
    "squeeze",
    "strip",
    "transpose",
    "unique",
    "upper",
)
"""Functions and methods that may be forgotten around a value."""
SYMMETRIC = ("min", "max", "minimum", "maximum", "isinstance", "zip", "gcd", "hypot", "add")
"""Functions that do not mind the order of their arguments, or whose zip is as good turned."""
UNHEARD = ("strict", "encoding", "indent", "description", "ensure_ascii", "stacklevel")
"""Keywords that guard against slips of the programmer, or that word and format."""
SAID = ("say", "note", "warn", "print", "debug", "fail", "simplefilter", "filterwarnings")
"""Calls that only tell something."""

Rewrites = Callable[[Any], Iterator[str]]


def plain(node: Any) -> str:
    """Return the code of a node without what stands before it."""
    return str(node.get_code(include_prefix=False))


def swapped_arguments(node: Any) -> Iterator[str]:
    """`f(a, b)` becomes `f(b, a)` where both are names, both calls, both numbers, ..."""
    if node.type != "arglist" or node.parent.type == "classdef" or _called(node) in SYMMETRIC:
        return
    given = [child for child in node.children if plain(child) != ","]
    for place in range(len(given) - 1):
        pair = given[place : place + 2]
        if pair[0].type == pair[1].type and not _is_named(pair[0]):
            order = [*given[:place], pair[1], pair[0], *given[place + 2 :]]
            yield ", ".join(plain(child) for child in order)


def dropped_keyword(node: Any) -> Iterator[str]:
    """`f(a, axis=1)` becomes `f(a)`."""
    if node.type == "arglist" and node.parent.type != "classdef":
        given = [child for child in node.children if plain(child) != ","]
        for place, child in enumerate(given):
            if _is_named(child) and not is_unheard(child):
                left = [plain(other) for at, other in enumerate(given) if at != place]
                yield ", ".join(left)
    if node.type == "trailer" and len(node.children) == 3 and _is_named(node.children[1]):
        yield from () if is_unheard(node.children[1]) else ("()",)


def dropped_operand(node: Any) -> Iterator[str]:
    """`a + b` becomes `a`, and `b`; the same for products, powers, `and`, `or`, `&` and `|`."""
    if node.type not in ("arith_expr", "term", "and_test", "or_test", "and_expr", "expr"):
        if node.type == "power" and len(node.children) == 3 and plain(node.children[1]) == "**":
            yield plain(node.children[0])
        return
    texts = [plain(child) for child in node.children]
    for place in range(1, len(texts), 2):
        yield " ".join(texts[:place] + texts[place + 2 :])
    if texts[1] in ("+", "*", "and", "or", "&", "|", "@"):
        yield " ".join(texts[2:])


def dropped_statement(node: Any) -> Iterator[str]:
    """`loss += term` and `seen.append(x)` become `pass`."""
    if node.type != "simple_stmt" or len(node.children) != 2:
        return
    done = node.children[0]
    counted = done.type == "expr_stmt" and done.children[1].type == "operator"
    if counted and plain(done.children[1]).endswith("=") and plain(done.children[1]) != "=":
        yield "pass\n"
    called = done.type == "atom_expr" and plain(done.children[-1]).startswith("(")
    if called and _name_of(done) not in SAID:
        yield "pass\n"


def dropped_guard(node: Any) -> Iterator[str]:
    """`if wrong: ...` without `else` never comes to it."""
    words = [plain(child) for child in node.children] if node.type == "if_stmt" else []
    if "if" in words and "else" not in words and "elif" not in words:
        yield "if False:" + "".join(child.get_code() for child in node.children[3:])


def swapped_name(node: Any) -> Iterator[str]:
    """`min` becomes `max`, `floor` becomes `ceil`, ..."""
    if node.type == "name" and not _is_defined(node):
        for pair in TWINS:
            if node.value in pair and _is_called(node):
                yield pair[1 - pair.index(node.value)]


def swapped_text(node: Any) -> Iterator[str]:
    """`"train"` becomes `"test"`: the wrong part of a split, the wrong tensor of a layer."""
    if node.type == "string":
        for old, new in (*PARTS, *KINDS, *(pair[::-1] for pair in KINDS)):
            if node.value[1:-1] == old:
                yield f"{node.value[0]}{new}{node.value[0]}"


def other_parameter(node: Any) -> Iterator[str]:
    """A parameter of the function becomes another of the same type: candidate, reference."""
    if node.type != "name" or _is_defined(node) or _is_attribute(node):
        return
    function = _around(node, "funcdef")
    if function is None or function.type != "funcdef" or _is_key(node):
        return
    types = {p.name.value: plain(p.annotation) for p in function.get_params() if p.annotation}
    if node.value in types:
        for name, kind in types.items():
            if name != node.value and kind == types[node.value]:
                yield name


def other_attribute(node: Any) -> Iterator[str]:
    """`split.train` becomes `split.test` where the file uses both."""
    if node.type != "trailer" or plain(node.children[0]) != ".":
        return
    siblings = node.parent.children
    if siblings.index(node) != 1 or siblings[0].type != "name":
        return
    called = len(siblings) > 2 and plain(siblings[2]).startswith("(")
    name = siblings[0].value
    root = node.get_root_node()
    uses = set() if name in _imported(root) else _attributes(root, called).get(name, set())
    for name in sorted(uses - {node.children[1].value}):
        yield f".{name}"


def swapped_targets(node: Any) -> Iterator[str]:
    """`low, high = ends(x)` becomes `high, low = ends(x)`; the same for what is returned."""
    if node.type not in ("testlist_star_expr", "testlist", "exprlist"):
        return
    parts = [plain(child) for child in node.children if plain(child) != ","]
    if len(parts) > 1 and parts[0] != parts[1] and "*" not in parts[0] + parts[1]:
        yield ", ".join([parts[1], parts[0], *parts[2:]])


def swapped_slice(node: Any) -> Iterator[str]:
    """`x[1:]` becomes `x[:1]`."""
    if node.type == "subscript":
        texts = [plain(child) for child in node.children]
        if len(texts) == 2 and ":" in texts and "-1" not in texts:
            yield "".join(reversed(texts))


def unwrapped(node: Any) -> Iterator[str]:
    """`sorted(x)` becomes `x`, and so does `x.copy()`."""
    if node.type != "atom_expr":
        return
    last = node.children[-1]
    before = [plain(child) for child in node.children[:-1]]
    if last.type != "trailer" or plain(last.children[0]) != "(":
        return
    name = before[-1].removeprefix(".")
    if name in UNWRAPPED and len(last.children) == 3 and last.children[1].type != "argument":
        given = last.children[1]
        first = given.children[0] if given.type == "arglist" else given
        if first.type != "argument":
            yield f"({plain(first)})"
    if name in UNWRAPPED and len(before) > 1 and before[0] not in ("np", "torch", "math"):
        yield "".join(before[:-1])


def uncaught(node: Any) -> Iterator[str]:
    """`except (A, B) as error` catches nothing, only A, only B."""
    if node.type != "except_clause":
        return
    caught = node.children[1]
    name = " ".join(plain(child) for child in node.children[2:])
    inside = caught.children[1] if caught.type == "atom" else caught
    kinds = inside.children[::2] if inside.type == "testlist_comp" else [inside]
    for left in [[kind for kind in kinds if kind is not one] for one in kinds]:
        yield f"except ({''.join(f'{plain(kind)}, ' for kind in left)}) {name}".strip()


def turned_membership(node: Any) -> Iterator[str]:
    """`x in y` becomes `x not in y`, and the other way."""
    if node.type == "comparison" and len(node.children) == 3:
        left, sign, right = (plain(child) for child in node.children)
        if " ".join(sign.split()) in ("in", "not in"):
            yield f"{left} {'not in' if sign == 'in' else 'in'} {right}"


def nudged_number(node: Any) -> Iterator[str]:
    """`0.95` becomes `0.855`, and `1.045`; tolerances below a millionth are left."""
    if node.type != "number" or not set(node.value) & set(".e") or set(node.value) & set("xXjJ"):
        return
    value = float(node.value.replace("_", ""))
    if value == 0:
        yield "0.1"
    elif abs(value) >= 1e-6:
        yield from (repr(value * 0.9), repr(value * 1.1))


OURS: tuple[Rewrites, ...] = (
    swapped_arguments,
    dropped_keyword,
    dropped_operand,
    dropped_statement,
    dropped_guard,
    swapped_name,
    swapped_text,
    other_parameter,
    other_attribute,
    swapped_targets,
    swapped_slice,
    unwrapped,
    uncaught,
    turned_membership,
    nudged_number,
)


def is_unheard(node: Any) -> bool:
    """Say whether a node is an argument that only guards or formats, as `strict=True`."""
    return node.type == "argument" and plain(node.children[0]) in UNHEARD


def _is_named(node: Any) -> bool:
    return node.type == "argument" and len(node.children) == 3 and plain(node.children[1]) == "="


def _is_key(node: Any) -> bool:
    return _is_named(node.parent) and node.parent.children[0] is node


def _is_defined(node: Any) -> bool:
    return bool(node.is_definition()) or _is_key(node)


def _is_attribute(node: Any) -> bool:
    before = node.get_previous_leaf()
    return before is not None and before.value == "."


def _is_called(node: Any) -> bool:
    """`f` of `f(x)`, and of `m.f(x)`."""
    after = node.get_next_leaf()
    return after is not None and after.value == "("


@lru_cache(maxsize=1)
def _imported(root: Any) -> set[str]:
    return {name.value for line in root.iter_imports() for name in line.get_defined_names()}


def _around(node: Any, kind: str) -> Any:
    while node is not None and node.type not in (kind, "lambdef", "sync_comp_for"):
        node = node.parent
    return node


def _called(node: Any) -> str:
    call = node.parent.parent
    return _name_of(call) if call is not None and call.type == "atom_expr" else ""


def _name_of(call: Any) -> str:
    before = [plain(child) for child in call.children[:-1]]
    return before[-1].removeprefix(".") if before else ""


def _attributes(root: Any, called: bool) -> dict[str, set[str]]:
    """Return the attributes that a file takes from each name, those called apart from the rest."""
    return _taken(root)[called]


@lru_cache(maxsize=1)
def _taken(root: Any) -> dict[bool, dict[str, set[str]]]:
    taken: dict[bool, dict[str, set[str]]] = {True: {}, False: {}}
    _collect(root, taken)
    return taken


def _collect(node: Any, taken: dict[bool, dict[str, set[str]]]) -> None:
    children = getattr(node, "children", [])
    texts = [plain(child) for child in children[:3]] if node.type == "atom_expr" else []
    if len(texts) > 1 and children[0].type == "name" and texts[1].startswith("."):
        is_called = texts[-1].startswith("(")
        taken[is_called].setdefault(texts[0], set()).add(texts[1][1:].strip())
    for child in children:
        _collect(child, taken)
