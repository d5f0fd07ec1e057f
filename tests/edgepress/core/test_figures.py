"""Figures and their table: written together, and refused together before the work."""

from pathlib import Path

import pytest

from edgepress.core import figures
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun


class Result(Noun):
    """What was measured."""

    drop: float = 0.25


def test_the_table_stands_beside_the_figures(tmp_path: Path, capsys) -> None:
    file = tmp_path / "new" / "drop.json"
    figures.store(file, Result(), "| drop |")
    assert Result.model_validate_json(file.read_text()) == Result()
    assert (tmp_path / "new" / "drop.md").read_text() == "| drop |\n"
    assert str(file) in capsys.readouterr().out.replace("\n", "")


def test_a_place_for_figures_is_checked_before_the_work(tmp_path: Path) -> None:
    figures.check(None)
    figures.check(tmp_path / "new" / "drop.json")
    (tmp_path / "taken.md").mkdir()
    for file in (tmp_path, tmp_path / "drop.md", tmp_path / "taken.json", Path()):
        with pytest.raises(UserError):
            figures.check(file)
    assert {path.name for path in tmp_path.iterdir()} == {"taken.md"}
