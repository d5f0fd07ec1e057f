"""Values of a recipe that follow from others: what the teacher is, and what comes last."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compress.planning.facts import Start
from compress.recipes.variables import Values
from models.defaults import SHIPPED

PRUNED, NO_STUDENT = "pruned", "none"
FOLLOWING = frozenset(
    {"origin", "teacher", "teacher_kind", "teacher_fp32", "student_kind", "student_start", "last"}
)
"""Values that nobody states."""


def of_start(start: Start, model: str | None) -> dict[str, Any]:
    """Return the values that follow from `--model`.

    A network or a graph is its own artifact; otherwise the step `teacher` makes one.
    """
    given = start.origin in ("network", "graph")
    teacher = _place(str(model), start) if given else "@teacher"
    graph = start.origin in ("file", "graph")
    return {
        "origin": start.origin,
        "model": model,
        "teacher": teacher,
        "teacher_kind": "onnx" if graph else "torch",
        "teacher_fp32": teacher if graph else "@teacher-fp32",
    }


def _place(model: str, start: Start) -> str:
    """Return a model as a recipe names it: the `/` tells a folder from the name of a step."""
    return model if model.startswith(SHIPPED) else str(Path(str(start.model)).absolute())


def of_student(values: Values) -> dict[str, Any]:
    """Return the values that follow from the choice of a student, where there is one already."""
    student = values.get("student")
    if student is None:
        return {}
    kind = student if student in (PRUNED, NO_STUDENT) else "named"
    named = {"student_weights": "random", "student_image_size": None}  # of an artifact: its own
    return {
        **(named if kind != "named" else {}),
        "student_kind": kind,
        "student_start": "@pruned" if kind == PRUNED else student,
        "last": "teacher-int8" if kind == NO_STUDENT else "student-int8",
    }


def title(data: str, values: Mapping[str, Any]) -> str:
    """Return the report's title.

    >>> title("photos/cells", {"arch": "resnet18", "student": "pruned"})
    'cells: resnet18 to an int8 student'
    """
    named = values.get("arch") or Path(str(values.get("model") or "")).stem or "model"
    result = "int8" if values.get("student") == NO_STUDENT else "an int8 student"
    return f"{Path(data.rpartition(':')[2]).stem or data}: {named} to {result}"
