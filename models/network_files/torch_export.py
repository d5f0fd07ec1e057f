"""Programs of `torch.export`: what `torch.export.save` has written."""

from pathlib import Path

NAME = "a program of torch.export"
ENDINGS = (".pt2",)
RUNS_CODE = True
"""Its pickles are refused, but the guards of a program are Python that torch runs."""


def recognises(path: Path) -> bool:
    """Tell whether the file is called so; whether it is one is seen when it is opened."""
    return path.suffix.lower() in ENDINGS
