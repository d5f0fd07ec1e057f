"""`python -m probabilities RUNTIME MODEL IMAGES.npy OUT.npy`: one runtime in a process of its own.

A driver that crashes takes no other test with it. Prints what was opened, or what is missing.
"""

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.evaluation.candidates import open_model
from benchmarks.runtimes import _session
from edgepress.core import registry
from edgepress.core.errors import UserError


def main(name: str, model: str, images: str, out: str) -> dict[str, object]:
    """Save the probabilities, image by image and across images, `[2, n, labels]`."""
    runtime = registry.find(_session.RUNTIMES, name, "provider")
    found = runtime.available()
    if not found.ok:
        return {"missing": f"{found.reason}; {found.remedy}"}
    try:
        sessions = [
            runtime.open_session(open_model(Path(model)), 2, each) for each in (False, True)
        ]
        np.save(out, np.stack([session.run(np.load(images)) for session in sessions]))
    except UserError as error:
        return {"error": str(error)}
    first = sessions[0]
    return {
        "asked": first.provider_asked,
        "opened": first.provider_opened,
        "share": first.node_share,
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
