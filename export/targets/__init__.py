"""One file per deployment target: which number format it wants, and where it runs."""

from edgepress.core import registry
from edgepress.core.cpu import CpuKind, this_cpu
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from export.targets._target import CPU_PROVIDERS, Target

AUTO = "auto"


def names() -> tuple[str, ...]:
    """Return the name of every target."""
    return registry.names(__name__)


def resolve(name: str, precision: Precision = "fp32", kind: CpuKind | None = None) -> Target:
    """Return a target by name; `auto` is the best one for a CPU of this kind (default: this one).

    No CPU target gains from fp16, so for that `auto` is a GPU target.

    Raises:
        UserError: no such target.
    """
    if name != AUTO:
        target: Target = registry.find(__name__, name, "target").TARGET
        return target
    here = kind or this_cpu().kind
    fitting = [target for target in map(resolve, names()) if precision in target.precisions]
    ranked = {
        target.auto_rank: target
        for target in fitting
        if target.auto_rank is not None
        and (target.runs_here(here) or target.provider not in CPU_PROVIDERS)
    }
    return ranked[max(ranked)]


def module_of(target: Target) -> str:
    """Return the full name of the module that a target is from."""
    return registry.module_of(__name__, target.name, "target")


def require_precision(target: Target, precision: Precision) -> None:
    """Refuse a number format that the target does not gain from.

    Raises:
        UserError: with the reason that the target gives.
    """
    if precision not in target.precisions:
        raise UserError(
            f"Target {target.name} does not take {precision}: {target.refusal}",
            got=precision,
            allowed=", ".join(target.precisions),
            next_step=f"--quantize {'fp16' if 'fp16' in target.precisions else 'none'}, "
            "or another --target",
        )
