"""Makes `import torchvision` work beside a CPU-only torch; import it before timm or torchvision.

torchvision's wheel registers its operators from a C++ library that wants CUDA. Beside a CPU build
of torch that library does not load, and the import then fails with "operator torchvision::nms does
not exist", because torchvision attaches a fake kernel to an operator that was never declared.
Declaring the two schemas first is enough: networks, transforms and data sets work. Where
torchvision is whole, this module does nothing.
"""

import importlib.util
from pathlib import Path

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []  # a Library's schemas live only as long as it does


def _native_operators_load() -> bool:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True
    for library in Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except OSError:
            return False
    return hasattr(torch.ops.torchvision, "nms")


def declare_missing_operators() -> None:
    """Declare `torchvision::nms` and `qnms` if the native library cannot."""
    if _declared or _native_operators_load():
        return
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)  # type: ignore[no-untyped-call]
    _declared.append(library)


declare_missing_operators()
