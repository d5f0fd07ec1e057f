"""Small trees of the data formats whose images are files, shaped like the published ones."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.data.formats import elpv


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
