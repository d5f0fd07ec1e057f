"""A small tree of every data format."""

from collections.abc import Callable
from pathlib import Path

import loose_trees
import packed_trees

TREES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "coco": ("coco", loose_trees.coco),
    "voc": ("voc", loose_trees.voc),
    "chestxray14": ("csv", loose_trees.chestxray14),
    "celeba": ("csv", loose_trees.celeba),
    "celeba-csv": ("csv", loose_trees.celeba_csv),
    "isic": ("csv", loose_trees.isic),
    "chexpert": ("csv", loose_trees.chexpert),
    "parquet": ("parquet", loose_trees.parquet),
    "folder": ("folder", loose_trees.folder),
    "split-folder": ("folder", loose_trees.split_folder),
    "openimages": ("openimages", loose_trees.openimages),
    "yolo": ("yolo", loose_trees.yolo),
    "yolo-classes": ("yolo", loose_trees.yolo_classes),
    "elpv": ("elpv", loose_trees.elpv_like),
    "huggingface": ("huggingface", packed_trees.huggingface),
    "huggingface-columns": ("huggingface", packed_trees.huggingface_columns),
    "webdataset": ("webdataset", packed_trees.webdataset),
    "webdataset-classes": ("webdataset", packed_trees.webdataset_classes),
}
"""Names, their formats, and what writes them into a folder."""


def make(name: str, folder: Path) -> tuple[str, Path]:
    """Make a tree by name; return its format's name and the path that a user gives."""
    place = folder / f"tree-{name}"
    place.mkdir()
    expected, write = TREES[name]
    return expected, write(place)
