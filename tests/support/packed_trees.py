"""Small trees of the data formats that pack their images into files of many."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from loose_trees import picture
from PIL import Image


def encoded(seed: int, ending: str = "png") -> bytes:
    """Return a small photograph as the bytes of a file."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, {"jpg": "JPEG"}.get(ending, ending))
    return stream.getvalue()


IMAGE = {"_type": "Image"}
TEXT = {"dtype": "string", "_type": "Value"}


def saved_dataset(folder: Path, features: dict[str, object], shards: list[dict]) -> Path:
    """Write what `datasets.Dataset.save_to_disk` does (with pyarrow only)."""
    arrow = pytest.importorskip("pyarrow")
    ipc = pytest.importorskip("pyarrow.ipc")
    folder.mkdir(parents=True, exist_ok=True)
    image = arrow.struct({"bytes": arrow.binary(), "path": arrow.string()})
    names = [f"data-{n:05d}-of-{len(shards):05d}.arrow" for n in range(len(shards))]
    for name, columns in zip(names, shards, strict=True):
        cells = {
            key: arrow.array(values, image if features[key] == IMAGE else None)
            for key, values in columns.items()
        }
        table = arrow.table(cells)
        with ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    (folder / "dataset_info.json").write_text(
        json.dumps({"citation": "", "features": features}, indent=2)
    )
    state = {"_data_files": [{"filename": name} for name in names], "_split": None}
    (folder / "state.json").write_text(json.dumps(state, indent=2))
    return folder


def huggingface(folder: Path) -> Path:
    """A DatasetDict: images in the files, and a list of classes, one of which has a blank."""
    classes = {"names": ["dog", "New York", "bus"], "_type": "ClassLabel"}
    features = {
        "image": IMAGE,
        "labels": {"feature": classes, "_type": "List"},
        "patient_id": TEXT,
        "box": {"feature": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"}},
    }
    for part, shards in (("train", ((0, 4), (4, 8))), ("test", ((8, 12),))):
        columns = [
            {
                "image": [{"bytes": encoded(n), "path": f"{n}.png"} for n in range(*numbers)],
                "labels": [[0] * (n % 2 == 0) + [1] * (n % 3 == 0) for n in range(*numbers)],
                "patient_id": [f"p{n // 2}" for n in range(*numbers)],
                "box": [[[0.5, 1.0]] for n in range(*numbers)],
            }
            for numbers in shards
        ]
        saved_dataset(folder / part, features, columns)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    return folder


def huggingface_columns(folder: Path) -> Path:
    """One data set: paths of images, a column for each label, and a row without an image."""
    value = {"_type": "Value", "dtype": "int8"}
    images = [str(picture(folder / "pictures" / f"{n}.png", n)) for n in range(8)]
    columns = {
        "image": [{"bytes": None, "path": path} for path in images] + [None],
        "dog": [n % 2 for n in range(8)] + [1],
        "cat": [None if n == 3 else int(n % 3 == 0) for n in range(8)] + [1],
        "seen": [n % 4 == 0 for n in range(9)],
    }
    features = {"image": IMAGE, "dog": value, "cat": value, "seen": value | {"dtype": "bool"}}
    return saved_dataset(folder, features, [columns])


Members = list[tuple[str, bytes]]


def tar(file: Path, members: Members) -> Path:
    """Write a tar archive as WebDataset's writer does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file


def webdataset(folder: Path) -> Path:
    """Shards of two parts: lists of names, a patient, and a sample without an image."""
    for shard, numbers in (
        ("train-000", range(4)),
        ("train-001", range(4, 8)),
        ("val-000", (8, 9)),
    ):
        members: Members = []
        for n in numbers:
            labels = ["dog"] * (n % 2 == 0) + ["New York"] * (n % 3 == 0)
            content = json.dumps({"labels": labels, "patient": f"p{n // 2}", "seen": n % 4 == 0})
            members += [(f"{n:04d}.jpg", encoded(n, "jpg")), (f"{n:04d}.json", content.encode())]
            members += [(f"{n:04d}.seg.png", b"not the image")]
        if shard == "train-000":
            members.append(("9999.json", b'{"labels": ["dog"]}'))
        tar(folder / f"{shard}.tar", members)
    return folder


def webdataset_classes(folder: Path) -> Path:
    """Numbers of classes, whose names stand beside the archive."""
    members: Members = []
    for n in range(8):
        members += [(f"./a/{n}.png", encoded(n)), (f"./a/{n}.cls", f"{n % 2}\n".encode())]
    (folder / "classes.txt").write_text("dog\ncat\n")
    tar(folder / "data.tar", members)
    return folder
