"""Small trees of every data format, and large files of two."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trees
from packed_trees import IMAGE, Members, saved_dataset, tar


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that asks for `tree_name` each of the trees."""
    if "tree_name" in metafunc.fixturenames:
        metafunc.parametrize("tree_name", trees.TREES)


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[[str], tuple[str, Path]]:
    """Make a tree by name; return its format's name and the path that a user gives."""
    return partial(trees.make, folder=tmp_path)


@pytest.fixture
def packed() -> Callable[..., Path]:
    """Pack large random bytes as if they were images; return the data set's path."""

    def pack(kind: str, place: Path, images: int, size: int) -> Path:
        rng = np.random.default_rng(0)
        contents = [rng.bytes(size) for _ in range(images)]
        if kind == "huggingface":
            label = {"dtype": "int8", "_type": "Value"}
            columns = {
                "image": [{"bytes": content, "path": None} for content in contents],
                "a": [n % 2 for n in range(images)],
            }
            return saved_dataset(place, {"image": IMAGE, "a": label}, [columns])
        members: Members = []
        for n, content in enumerate(contents):
            members += [(f"{n}.jpg", content), (f"{n}.cls", b"%d" % (n % 2))]
        return tar(place / "data.tar", members)

    return pack
