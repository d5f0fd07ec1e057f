"""ELPV: 2,624 electroluminescence photographs of solar cells (PyPI `elpv-dataset`).

Deitsch et al. 2019, "Automatic classification of defective photovoltaic module cells in
electroluminescence images", Solar Energy 185. CC BY-NC-SA 4.0. Each cell has a type and a defect
probability of 0, 1/3, 2/3 or 1; severity becomes cumulative labels.
"""

import importlib.util
from pathlib import Path

import numpy as np

from edgepress.core.errors import UserError
from edgepress.data.formats import _reading
from edgepress.data.table import Table
from edgepress.data.views import DIHEDRAL

LABELS = ("polycrystalline", "defect_possible", "defect_probable", "defect_certain")
TYPES = {"mono": False, "poly": True}
LICENCE = "CC BY-NC-SA 4.0: not for commercial use, and neither are models trained on it"
"""A model card repeats it."""


def recognises(path: Path) -> bool:
    """Tell whether `path` is a folder laid out as the data set is published."""
    if not (path.is_dir() and (path / "images").is_dir()):
        return False
    words = _reading.first_line(path / "labels.csv").split()
    return len(words) == 3 and words[2] in TYPES


def read(path: Path) -> Table:
    """Read the installed package, or the folder `path` if one is given.

    Raises:
        UserError: the package is not installed, or the table is not ELPV's.
    """
    root = _package_data() if path == Path() else path
    file = root / "labels.csv"
    lines = [(n, line.split()) for n, line in enumerate(_reading.read_text(file).split("\n"), 1)]
    rows = [_row(f"{file}, line {number}", row) for number, row in lines if row]
    names = [name for name, _, _ in rows]
    if len(set(names)) != len(names):
        raise UserError("An image has two lines in the table", got=file)
    severity = np.array([step for _, step, _ in rows], np.intp)
    poly = np.array([kind for _, _, kind in rows], bool)
    targets = np.stack([poly, severity >= 1, severity >= 2, severity >= 3], axis=1)
    table = Table(
        paths=tuple(root / name for name in names),
        label_names=LABELS,
        targets=targets.astype(np.float32),
        strata=np.eye(8, dtype=np.float32)[severity + 4 * poly],
        views=DIHEDRAL,
    )
    return _reading.tell(table)


def _row(where: str, row: list[str]) -> tuple[str, int, bool]:
    """Return the image, the severity from 0 to 3 and whether the cell is polycrystalline."""
    try:
        name, probability, kind = row
        severity, poly = round(float(probability) * 3), TYPES[kind]
    except (KeyError, OverflowError, ValueError):
        severity, poly, name = -1, False, "?"
    if severity not in range(4):
        raise UserError(
            f"The table is not ELPV's at {where}",
            got=" ".join(row)[:100],
            allowed="lines of: image file, defect probability from 0 to 1, mono or poly",
        )
    return _reading.file_name(name, where), severity, poly


def _package_data() -> Path:
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        raise UserError(
            "The ELPV data are not installed",
            next_step="pip install elpv-dataset (CC BY-NC-SA 4.0), or give --data PATH",
        )
    return Path(spec.origin).parent / "data"
