"""Rounds of visits to all files in balanced orders, until the machine's noise is small enough.

What was measured is stored after each round; the same command goes on from there.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.operators import machine
from benchmarks.operators.variants import Variants
from benchmarks.operators.visits import Visit, Visitor
from benchmarks.timing import orders
from edgepress.core import writable
from edgepress.core.errors import GateUndecided, UserError

SCHEMA_VERSION = 1
LEAST, MOST = 6, 40
"""Rounds."""
LONGEST_S = 60.0
"""Time after which no round is begun."""
RESOLVED, TOO_NOISY = 0.01, 0.03
"""Noise at which rounds end early, and with which the times tell nothing."""
_QUARTILES = 1.349
"""Between the quartiles of a normal, in standard deviations."""
_MEDIAN = 1.2533
"""A median's standard error over a mean's."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """What is to be timed, and where its times are stored."""

    variants: Variants
    out: Path
    longest_s: float = LONGEST_S


def measure(job: Job, say: Say) -> Path:
    """Time all files until it is decided, or the time is over; times of before are gone on from.

    Returns:
        The file of the times.

    Raises:
        UserError: a file does not run, or `out` has other times or cannot be written.
        GateUndecided: the machine is too noisy; what was measured stays, and can be added to.
    """
    writable.check_replaced_file(job.out, "The file of the times")
    visits, nodes = _earlier(job)
    files, visitor = job.variants.files, Visitor(job.variants)
    start, done = time.monotonic(), len(visits) // len(files)
    for number, order in islice(enumerate(_orders(len(files))), done, MOST):
        if _enough(visits, number) or (number >= LEAST and _over(start, job)):
            break
        for place in order:
            visits.append(visitor.visit(files[place]))
        nodes |= {file: _told(visitor, file) for file in files}
        _store(job, visits, nodes)
        say(f"round {number + 1} of {LEAST} to {MOST}: noise {_shown(noise(visits))}")
    if (found := noise(visits)) > TOO_NOISY:
        raise GateUndecided(
            f"The machine is too noisy to tell what operators take: ratios of one file to the "
            f"reference still vary by {found:.1%} of themselves, allowed {TOO_NOISY:.0%}. "
            "Next: end other programs and run the command again, it adds to these times"
        )
    return job.out


def noise(visits: Sequence[Visit]) -> float:
    """Return the standard error of a file's time, as a share of it; the median over files.

    A file's time is the median over visits of its ratio to the reference beside it. Of fewer than
    two visits to each nothing is known: infinite.
    """
    by_file: dict[str, list[float]] = {}
    for visit in visits:
        ratio = visit.plain_s / (sum(visit.reference_s) / 2)
        by_file.setdefault(visit.file, []).append(math.log(ratio))
    if not by_file or min(map(len, by_file.values())) < 2:
        return math.inf
    return float(np.median([_error(np.array(logs)) for logs in by_file.values()]))


def _error(logs: Any) -> float:
    low, high = np.quantile(logs, (0.25, 0.75))
    return _MEDIAN * float(high - low) / _QUARTILES / math.sqrt(len(logs))


def _orders(n: int) -> Iterator[orders.Order]:
    """Yield the same orders each time, so that a killed command goes on with the next one."""
    for block in count():
        yield from orders.block(n, random.Random(block))


def _enough(visits: Sequence[Visit], rounds: int) -> bool:
    return rounds >= LEAST and noise(visits) <= RESOLVED


def _over(start: float, job: Job) -> bool:
    return time.monotonic() - start > job.longest_s


def _shown(found: float) -> str:
    return "unknown" if math.isinf(found) else f"{found:.1%}"


def _told(visitor: Visitor, file: str) -> list[dict[str, Any]]:
    """Return the nodes of a file as they are stored."""
    return [
        {"name": node.name, "op_type": node.op_type, "reads": told.reads, "makes": told.makes}
        for node, told in visitor.nodes[file].items()
    ]


def _store(job: Job, visits: Sequence[Visit], nodes: dict[str, Any]) -> None:
    """Write all that was measured.

    Raises:
        UserError: it cannot be written.
    """
    stored = {
        "schema_version": SCHEMA_VERSION,
        "index": job.variants.digest,
        "machine": machine.describe(job.variants.threads),
        "nodes": nodes,
        "visits": [asdict(visit) for visit in visits],
    }
    writable.write_whole(job.out, json.dumps(stored) + "\n", "The file of the times")


def _earlier(job: Job) -> tuple[list[Visit], dict[str, Any]]:
    """Return what an earlier command has measured, in whole rounds.

    Raises:
        UserError: it cannot be read, or is of other files or of another machine.
    """
    if not job.out.is_file():
        return [], {}
    here = machine.describe(job.variants.threads)
    try:
        told = json.loads(job.out.read_bytes())
        visits = [Visit(**one) for one in told["visits"]]
        other = machine.differences(told["machine"], here)
        if told["index"] != job.variants.digest:
            other = "another folder of variants"
        nodes = dict(told["nodes"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _other(job.out, f"no times of variants ({error!r})") from None
    if other:
        raise _other(job.out, other)
    return visits, nodes


def _other(out: Path, what: str) -> UserError:
    return UserError(
        f"The file holds something else: {what}", got=out, next_step="give another --out"
    )
