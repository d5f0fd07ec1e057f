"""What libraries read from the environment once, as they are loaded: set before any of them is.

Every room imports this first, so that it holds for every command and for the processes that it
starts. What the user has set stays. In a program that loads torch before edgepress, torch's threads
wait as that program has let them; `edgepress.core.environment` tells.

* ONNX Runtime's packages hold a client that reports to their maker, from 1.31 on, with a device
  number and a database in the user's cache. Set ORT_DISABLE_TELEMETRY=0 to have it back.
* The threads of OpenMP (torch's, scikit-learn's) spin while they wait for work. Beside another busy
  process they take the cores from those that work, and training is several times slower
  (`python -m benchmarks.claims.selftest --parts neighbour`). GCC's library reads OMP_WAIT_POLICY,
  and GOMP_SPINCOUNT before it; Intel's and LLVM's read KMP_BLOCKTIME too.
* The threads of OpenBLAS (numpy's, SciPy's) spin for 2**28 cycles after a product of matrices: a
  tenth of a second. 2**20, a third of a millisecond, still meets the next product of a loop.
"""

import os
import sys

OPENMP = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY")
"""Variables by which a user may have said how OpenMP's threads wait, the strongest first."""


def prepare() -> None:
    """Set what the user has not."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    if not any(name in os.environ for name in OPENMP):
        os.environ["OMP_WAIT_POLICY"] = "passive"


def openmp_wait() -> str:
    """Return the variable that says how OpenMP's threads wait in this process, and its value.

    `default` is as the library likes: it was loaded before it could be told.
    """
    return _openmp_wait


_too_late = "torch" in sys.modules and not any(name in os.environ for name in OPENMP)
prepare()
_openmp_wait = (
    "default"
    if _too_late
    else next(f"{name}={os.environ[name]}" for name in OPENMP if name in os.environ)
)
