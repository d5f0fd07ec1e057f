"""How differences are shown that may be chance: colours only where they are significant."""

SIGNIFICANT = 0.05
_DARKEST_AT = 0.05
"""Drop of AP from which on the colour is the darkest."""
_DARKEST_PERCENT = 50
_PALEST_PERCENT = 12


def heat(drop: float) -> float:
    """Return how much of its colour a cell has, the more the larger a drop (or a gain) is."""
    share = min(abs(drop) / _DARKEST_AT, 1.0)
    return _PALEST_PERCENT + share * (_DARKEST_PERCENT - _PALEST_PERCENT)


def p_value(p: float) -> str:
    """Return a p value.

    >>> p_value(0.0004), p_value(0.004)
    ('< 0.001', '0.004')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_text(p: float) -> str:
    """Return a p value in words.

    >>> p_text(0.0004)
    'p < 0.001'
    """
    return f"p {p_value(p)}"
