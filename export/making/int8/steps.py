"""The steps of a search, told while it runs."""

from edgepress.core.manifest import SearchStep


def sentence(step: SearchStep) -> str:
    """Return what a step was and gave, in one line."""
    parts = [step.change]
    if step.speedup is not None:
        parts.append(f"{step.speedup:.2f} times as fast as float")
    if step.gain is not None and step.gain_ci95 is not None:
        low, high = step.gain_ci95
        parts.append(f"{step.gain:.3f} times as fast as the best so far ({low:.3f} to {high:.3f})")
    if step.map_drop is not None:
        parts.append(f"mAP surely at most {100 * step.map_drop:+.2f} points lower on validation")
    return f"{', '.join(parts)}: {'kept' if step.kept else 'not kept'}"
