"""Keras 3: what `model.save("network.keras")` has written."""

from pathlib import Path

NAME = "a Keras model"
ENDINGS = (".keras",)
RUNS_CODE = False
"""Keras' safe mode refuses layers that hold code."""


def recognises(path: Path) -> bool:
    """Tell whether the file is called so; whether it is one is seen when it is opened."""
    return path.suffix.lower() in ENDINGS
