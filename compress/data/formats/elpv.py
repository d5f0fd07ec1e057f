"""ELPV: 2,624 electroluminescence photographs of solar cells (PyPI `elpv-dataset`).

Deitsch et al. 2019, "Automatic classification of defective photovoltaic module cells in
electroluminescence images", Solar Energy 185. CC BY-NC-SA 4.0. Each cell has a type and a defect
probability of 0, 1/3, 2/3 or 1; severity becomes cumulative labels.
"""

import importlib.util
from pathlib import Path

import numpy as np

from compress.core.errors import UserError
from compress.data.table import Table
from compress.data.views import DIHEDRAL

LABELS = ("polycrystalline", "defect_possible", "defect_probable", "defect_certain")


def recognises(path: Path) -> bool:
    """Tell whether `path` is a folder laid out as the data set is published."""
    return (
        path.is_dir()
        and (path / "labels.csv").is_file()
        and (path / "images").is_dir()
        and (len((path / "labels.csv").read_text(errors="replace").partition("\n")[0].split()) == 3)
    )


def read(path: Path) -> Table:
    """Read the installed package, or the folder `path` if one is given.

    Raises:
        UserError: the package is not installed, or the table is not ELPV's.
    """
    root = path if recognises(path) else _package_data()
    rows = [line.split() for line in (root / "labels.csv").read_text().splitlines() if line.strip()]
    try:
        severity = np.array([round(float(row[1]) * 3) for row in rows])
        poly = np.array([{"poly": True, "mono": False}[row[2]] for row in rows])
    except (IndexError, KeyError, ValueError) as error:
        raise UserError(
            f"The table is not ELPV's ({error!r})",
            got=root / "labels.csv",
            allowed="lines of: image file, defect probability, mono or poly",
        ) from None
    targets = np.stack([poly, severity >= 1, severity >= 2, severity >= 3], axis=1)
    return Table(
        paths=tuple(root / row[0] for row in rows),
        label_names=LABELS,
        targets=targets.astype(np.float32),
        strata=np.eye(8, dtype=np.float32)[severity + 4 * poly],
        views=DIHEDRAL,
    )


def _package_data() -> Path:
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        raise UserError(
            "The ELPV data are not installed",
            next_step="pip install elpv-dataset (CC BY-NC-SA 4.0), or give --data PATH",
        )
    return Path(spec.origin).parent / "data"
