"""How many copies there are, and the groups with something wrong first."""

from benchmarks.inspection.pictures import MOST_GROUPS, MOST_MEMBERS, picture_name
from benchmarks.inspection.schema import Copies, CopyCounts, DataReport, Member
from benchmarks.inspection.sections._parts import first, groups
from benchmarks.report.page import Values

TITLE = "Duplicates"
ORDER = 50

_EXACT, _NEAR = "byte for byte the same", "nearly the same"


def values(report: DataReport) -> Values:
    """Return the counts, and the first groups."""
    found = report.duplicates
    return {
        "counts": (_counts(_EXACT, found.exact), _counts(_NEAR, found.near)),
        "column": found.split_column,
        "more": first(len(found.groups), MOST_GROUPS),
        "groups": [
            (group, _EXACT if group.exact else _NEAR, _wrong(group), _members(group))
            for group in found.groups[:MOST_GROUPS]
        ],
    }


def _counts(what: str, counts: CopyCounts) -> str:
    told = f"{what}: {counts.images:,} images in {groups(counts.groups)}"
    if counts.with_different_labels:
        told += f"; {groups(counts.with_different_labels)} with different labels"
    if counts.across_splits:
        told += f"; {groups(counts.across_splits)} across the split"
    return told


def _wrong(group: Copies) -> list[str]:
    wrong = [f"in {' and '.join(group.splits)}"] if group.splits else []
    if group.different_labels:
        wrong.append(f"labels differ: {', '.join(group.different_labels)}")
    return wrong


def _members(group: Copies) -> list[tuple[str, str, str]]:
    """Return the name of a picture, the file, and the labels of each image."""
    return [(picture_name(one.file), one.file, _told(one)) for one in group.images[:MOST_MEMBERS]]


def _told(one: Member) -> str:
    part = "" if one.split is None else f"{one.split}: "
    return part + (", ".join(one.labels) or "no label")
