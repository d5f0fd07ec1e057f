"""What is changed in a line: cosmic-ray's operators that fit, and what people get wrong besides.

Nothing here touches wording: what stands in a `raise`, an f-string or an annotation is left out by
`places`.
"""

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators import provider
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name

from mutants.rewrites import OURS, Rewrites

GENERIC = (
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_FloorDiv",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_Lt_Gt",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_LtE_GtE",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_Lt",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_LtE",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Invert",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
)
"""Of cosmic-ray's. A sum that becomes a shift fails everywhere, and tells nothing."""


class Rewriting(Operator):
    """One of our functions as an operator of cosmic-ray."""

    def __init__(self, rewrites: Rewrites):
        self.rewrites = rewrites

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Yield where the node stands, once for each text."""
        for _ in self.rewrites(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the node with its text number `index`."""
        text = list(self.rewrites(node))[index]
        return Name(text, node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return none: they stand in the tests."""
        return ()


def all_operators() -> dict[str, Operator]:
    """Return every operator by its name."""
    known = provider.OperatorProvider()
    ours = {rewrites.__name__: Rewriting(rewrites) for rewrites in OURS}
    return {name: known[name]() for name in GENERIC} | ours


def family(name: str) -> str:
    """Return the operator without what it is replaced by."""
    return name.split("_")[0] if name in GENERIC else name
