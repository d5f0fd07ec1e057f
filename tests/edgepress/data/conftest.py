"""Small trees of every data format, shaped like the published ones."""

import csv
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.data.formats import elpv

MakeTree = Callable[[Path], Path]


def picture(path: Path, seed: int) -> Path:
    """Write a small photograph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def rows(path: Path, lines: list[list[object]], delimiter: str = ",") -> Path:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    return path


def coco(folder: Path) -> Path:
    """COCO 2017: two files of instances, one image without an annotation, a crowd."""
    categories = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}, {"id": 5, "name": "bus"}]
    for part, numbers in (("train2017", range(1, 7)), ("val2017", range(7, 10))):
        images = []
        annotations = []
        for n in numbers:
            name = picture(folder / part / f"{n:012d}.jpg", n).name
            images.append({"id": n, "file_name": name, "height": 8, "width": 8})
            for category in [18] * (n % 2 == 0) + [1] * (n % 3 == 0):
                entry = {"id": len(annotations), "image_id": n, "category_id": category}
                annotations.append(entry | {"bbox": [0, 0, 4, 4], "iscrowd": int(n == 3)})
        content = {"info": {}, "images": images, "annotations": annotations}
        file = folder / "annotations" / f"instances_{part}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content | {"categories": categories}))
    return folder


def voc(folder: Path) -> Path:
    """VOC 2007: `dog` on even images, `cat` on every third, difficult on image 3."""
    root = folder / "VOCdevkit" / "VOC2007"
    (root / "Annotations").mkdir(parents=True)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for n in range(1, 9):
        picture(root / "JPEGImages" / f"{n:06d}.jpg", n)
        objects = [("dog", 0)] * (n % 2 == 0) + [("cat", int(n == 3))] * (n % 3 == 0)
        text = "".join(
            f"<object><name>{name}</name><pose>Left</pose><difficult>{difficult}</difficult>"
            "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>"
            for name, difficult in objects
        )
        (root / "Annotations" / f"{n:06d}.xml").write_text(
            f"<annotation><folder>VOC2007</folder><filename>{n:06d}.jpg</filename>{text}"
            "</annotation>\n"
        )
    for part, numbers in (("train", range(1, 5)), ("val", range(5, 7)), ("test", range(7, 9))):
        lines = "".join(f"{n:06d}\n" for n in numbers)
        (root / "ImageSets" / "Main" / f"{part}.txt").write_text(lines)
    return folder


def chestxray14(folder: Path) -> Path:
    """ChestX-ray14: `|` between the findings, images in numbered folders, an empty last column."""
    lines: list[list[object]] = [
        ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age",
         "Patient Gender", "View Position", "OriginalImage[Width", "Height]", ""]
    ]  # fmt: skip
    findings = ["Cardiomegaly|Emphysema", "No Finding", "Emphysema", "Pleural_Thickening"]
    for n in range(12):
        name = picture(folder / f"images_00{n % 2 + 1}" / "images" / f"{n:08d}_000.png", n).name
        lines.append([name, findings[n % 4], n % 3, n // 2, 50 + n, "MF"[n % 2], "PA", 8, 8, ""])
    rows(folder / "Data_Entry_2017.csv", lines)
    return folder


def celeba(folder: Path) -> Path:
    """CelebA's own file of attributes."""
    lines = ["10", "5_o_Clock_Shadow Bald Male"]
    for n in range(1, 11):
        name = picture(folder / "img_align_celeba" / f"{n:06d}.jpg", n).name
        lines.append(f"{name}  {1 if n % 2 else -1} {1 if n % 3 else -1} {1 if n % 5 else -1}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    return folder


def celeba_csv(folder: Path) -> Path:
    """CelebA as a table."""
    lines: list[list[object]] = [["image_id", "5_o_Clock_Shadow", "Bald", "Male"]]
    for n in range(1, 11):
        name = picture(folder / "img_align_celeba" / f"{n:06d}.jpg", n).name
        lines.append([name, *(1 if n % step else -1 for step in (2, 3, 5))])
    rows(folder / "list_attr_celeba.csv", lines)
    return folder


def isic(folder: Path) -> Path:
    """ISIC 2019: one-hot, and image names without their ending."""
    lines: list[list[object]] = [["image", "MEL", "NV", "BCC"]]
    for n in range(9):
        picture(folder / "images" / f"ISIC_{n:07d}.jpg", n)
        lines.append([f"ISIC_{n:07d}", *(float(n % 3 == k) for k in range(3))])
    rows(folder / "ISIC_2019_Training_GroundTruth.csv", lines)
    return folder


def chexpert(folder: Path) -> Path:
    """CheXpert: -1 is uncertain, empty is not mentioned, five columns are no labels."""
    lines: list[list[object]] = [
        ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding", "Edema", "Fracture"]
    ]
    for n in range(12):
        path = f"CheXpert-v1.0-small/train/patient{n:05d}/study1/view1_frontal.jpg"
        picture(folder / path, n)
        edema, fracture = ("1.0", "0.0", "-1.0", "")[n % 4], ("", "1.0", "0.0")[n % 3]
        lines.append(
            [path, "Female", 40 + n, "Frontal", "AP", "" if n % 4 else "1.0", edema, fracture]
        )
    return rows(folder / "CheXpert-v1.0-small" / "train.csv", lines)


def parquet(folder: Path) -> Path:
    """ISIC's columns and a patient in a Parquet file (with pyarrow only)."""
    arrow = pytest.importorskip("pyarrow")
    files = pytest.importorskip("pyarrow.parquet")
    names = [picture(folder / "images" / f"{n}.png", n).stem for n in range(9)]
    table = {
        "image_name": names,
        "patient_id": [f"IP_{n // 2}" for n in range(9)],
        "melanoma": [int(n % 3 == 0) for n in range(9)],
        "reviewed": [n % 2 == 0 for n in range(9)],
        "nevus": [None if n == 4 else float(n % 2) for n in range(9)],
    }
    files.write_table(arrow.table(table), folder / "train.parquet", write_page_checksum=True)
    return folder


def folder(place: Path) -> Path:
    """One folder per label; image 0 is in two."""
    for n in range(9):
        picture(place / ("cat", "dog", "bird")[n % 3] / f"{n}.png", n)
    picture(place / "dog" / "0.png", 0)
    picture(place / "bird" / "1.png", 77)  # the name of a dog's, but another picture
    return place


def split_folder(place: Path) -> Path:
    """`train` and `val` above the labels."""
    for n in range(8):
        picture(place / ("train", "val")[n % 4 == 3] / ("cat", "dog")[n % 2] / f"{n}.png", n)
    return place


def openimages(folder: Path) -> Path:
    """Verified labels and boxes of a few images, one of which is not on the disk."""
    header: list[object] = ["ImageID", "Source", "LabelName", "Confidence"]
    lines = [header]
    for n in range(8):
        if n != 7:
            picture(folder / "train" / f"{n:016x}.jpg", n)
        lines.append([f"{n:016x}", "verification", "/m/0bt9lr", n % 2])
        if n % 3:
            lines.append([f"{n:016x}", "crowdsource-verification", "/m/01yrx", int(n % 3 == 1)])
    rows(folder / "train-annotations-human-imagelabels.csv", lines)
    box = [*header, "XMin", "XMax", "YMin", "YMax", "IsOccluded"]
    boxes = [[f"{6:016x}", "xclick", "/m/01yrx", 1, 0.1, 0.5, 0.1, 0.5, 0]]
    rows(folder / "train-annotations-bbox.csv", [box, *boxes])
    rows(folder / "class-descriptions.csv", [["/m/0bt9lr", "Dog"], ["/m/01yrx", "Cat"]])
    return folder


def yolo(folder: Path) -> Path:
    """Ultralytics' layout: an empty label file, and an image without one."""
    for n in range(9):
        part = "val" if n > 5 else "train"
        picture(folder / "images" / part / f"{n}.jpg", n)
        file = folder / "labels" / part / f"{n}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = ["0 0.5 0.5 0.2 0.2\n"] * (n % 2) + ["1 0.1 0.1 0.3 0.1 0.3 0.3\n"] * (n % 3 == 1)
        if n != 8:
            file.write_text("".join(lines))
    (folder / "data.yaml").write_text(
        "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: dog\n  1: cat\n  2: bus\n"
    )
    return folder


def yolo_classes(folder: Path) -> Path:
    """The older layout: `classes.txt` beside flat folders."""
    for n in range(6):
        picture(folder / "images" / f"{n}.png", n)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{n}.txt").write_text(f"{n % 2} 0.5 0.5 1 1\n")
    (folder / "classes.txt").write_text("dog\ncat\n")
    return folder


def elpv_like(folder: Path) -> Path:
    """ELPV as published, but 8 cells."""
    lines = []
    for n in range(8):
        picture(folder / "images" / f"cell{n:04d}.png", n)
        lines.append(f"images/cell{n:04d}.png  {(n % 4) / 3}   {('mono', 'poly')[n // 4]}\n")
    (folder / "labels.csv").write_text("".join(lines))
    assert elpv.recognises(folder)
    return folder


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


TREES: dict[str, tuple[str, MakeTree]] = {
    "coco": ("coco", coco),
    "voc": ("voc", voc),
    "chestxray14": ("csv", chestxray14),
    "celeba": ("csv", celeba),
    "celeba-csv": ("csv", celeba_csv),
    "isic": ("csv", isic),
    "chexpert": ("csv", chexpert),
    "parquet": ("parquet", parquet),
    "folder": ("folder", folder),
    "split-folder": ("folder", split_folder),
    "openimages": ("openimages", openimages),
    "yolo": ("yolo", yolo),
    "yolo-classes": ("yolo", yolo_classes),
    "elpv": ("elpv", elpv_like),
    "huggingface": ("huggingface", huggingface),
    "huggingface-columns": ("huggingface", huggingface_columns),
    "webdataset": ("webdataset", webdataset),
    "webdataset-classes": ("webdataset", webdataset_classes),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that asks for `tree_name` each of the trees."""
    if "tree_name" in metafunc.fixturenames:
        metafunc.parametrize("tree_name", TREES)


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[[str], tuple[str, Path]]:
    """Make a tree by name; return its format's name and the path that a user gives."""

    def make(name: str) -> tuple[str, Path]:
        place = tmp_path / f"tree-{name}"
        place.mkdir()
        expected, function = TREES[name]
        return expected, function(place)

    return make


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
