"""Exports that are not read: what they are, and the way from them to one that is."""

from pathlib import Path

from edgepress.data.formats import _folders

LINES = (".jsonl", ".ndjson")
MOST_FILES = 3
"""Files of a folder that are looked into."""
HEAD = 100_000  # bytes
TABLE = "write a table labels.csv with the columns image,labels beside the images"
COCO = "export as COCO, which is read"
MADE_BY = (
    (('"shapes"', '"imagePath"'), f"LabelMe: convert them to COCO or Pascal VOC, or {TABLE}"),
    (('"_via_',), f"VIA: {COCO}"),
    (('"region_attributes"',), f"VIA: {COCO}"),
    (('"coordinates"', '"annotations"'), f"CreateML: {COCO}"),
    (('"data"', '"annotations"'), f"Label Studio: {COCO}, or as CSV"),
    (("<annotations>",), f"CVAT: {COCO}, or as Pascal VOC"),
)
"""What a file holds, and what wrote it."""


def advice(path: Path) -> str | None:
    """Return what to do with a folder or file that another program has written, if it is known."""
    places = [path, *_folders.folders_in(path)] if path.is_dir() else [path]
    for place in places:
        found = next(filter(None, map(_of_file, _files(place))), None)
        if found:
            return found
    return None


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return [
        file
        for endings in (LINES, (".json",), (".xml",))
        for file in _folders.files_in(place, endings)[:MOST_FILES]
    ]


def _of_file(file: Path) -> str | None:
    """Return the advice for one file."""
    if file.suffix.lower() in LINES:
        return (
            'lines of JSON are not read; make a table of them: python -c "import pandas; '
            f"pandas.read_json('{file}', lines=True).to_csv('{file.with_suffix('.csv')}', "
            'index=False)"'
        )
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD).decode("utf-8", errors="replace")
    except OSError:
        return None
    made = next((told for words, told in MADE_BY if all(word in head for word in words)), None)
    return f"{file.name} is of {made}" if made else None
