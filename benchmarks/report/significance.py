"""How differences are shown that may be chance: colours only where they are significant."""

from markupsafe import Markup

SIGNIFICANT = 0.05
_DARKEST_AT = 0.05
"""Drop of AP from which on the colour is the darkest."""
_DARKEST_PERCENT = 50
_PALEST_PERCENT = 12


def heat(drop: float) -> Markup:
    """Return the colour of a cell, the darker the larger a drop (or, below 0, a gain) of AP is."""
    share = min(abs(drop) / _DARKEST_AT, 1.0)
    percent = _PALEST_PERCENT + share * (_DARKEST_PERCENT - _PALEST_PERCENT)
    return Markup(' class="{}" style="--heat:{:.0f}%"').format(
        "worse" if drop > 0 else "better", percent
    )


def p_text(p_value: float) -> str:
    """Return a p value in words.

    >>> p_text(0.0004)
    'p < 0.001'
    """
    return "p < 0.001" if p_value < 0.001 else f"p {p_value:.3f}"
