"""A student that is stated instead of chosen: `--set student=NAME`, or an artifact."""

from pathlib import Path

from compress.planning.derived import NO_STUDENT, PRUNED
from compress.planning.facts import Choice, Start
from compress.planning.students.student import USUAL
from compress.recipes.variables import Values
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture
from models import pretrained
from models.stored import architecture_of


def values(known: Values, start: Start) -> tuple[Choice, ...]:
    """Return what else is to be known of the student.

    Raises:
        UserError: there is no such network, or what is to be pruned has none.
    """
    student = str(known["student"])
    if student == PRUNED and not start.prunable:
        raise UserError(
            "The graph of a file cannot be pruned",
            got="student=pruned",
            next_step="name a network, --set student=NAME, or let it be chosen",
        )
    weights, reason = "random", "not used"
    if student not in (PRUNED, NO_STUDENT) and not artifacts.is_artifact(Path(student)):
        weights, reason = pretrained.start_weights(Architecture(name=student))
    return (
        Choice(name="student_weights", value=weights, reason=reason),
        Choice(name="student_image_size", value=None, reason="the teacher's"),
        Choice(name="macs", value=USUAL, reason="about a third of the teacher's cost"),
    )


def architecture(student: str) -> Architecture:
    """Return the network of a student that is an artifact, or a name."""
    path = Path(student)
    if artifacts.is_artifact(path):
        return architecture_of(artifacts.load(path))
    return Architecture(name=student)
