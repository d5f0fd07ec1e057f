"""What a deployment target is."""

from typing import Literal

from pydantic import Field

from edgepress.core.cpu import CpuKind
from edgepress.core.manifest import Precision
from edgepress.core.noun import Noun

CPU_PROVIDERS = ("cpu", "openvino")

IntType = Literal["uint8", "int8", "uint16"]


class Target(Noun):
    """A kind of device, and the number format that is exact and fast on it."""

    name: str
    description: str
    precisions: tuple[Precision, ...]
    provider: str = "cpu"
    """The runtime (a file of benchmarks/runtimes) that runs such files."""
    quantizer: Literal["onnxruntime", "nncf"] = "onnxruntime"
    """The library that makes the int8 file."""
    activation_type: IntType = "uint8"
    weight_type: IntType = "int8"
    per_channel: bool = True
    """One scale per output channel of a weight instead of one per tensor."""
    reduce_range: bool = False
    """Weights in 7 bits, so that sums of two products never overflow 16 bits."""
    quantizer_options: dict[str, bool | float] = Field(default_factory=dict)
    """`extra_options` of onnxruntime's `quantize_static` beyond the above."""
    cpu_kinds: tuple[CpuKind, ...] = ()
    """The target is this CPU when it is of one of these kinds; empty fits any CPU."""
    auto_rank: int | None = None
    """`auto` takes the highest rank that runs here; `None` is never taken."""
    emulate: bool = False
    """Files are also run under an emulated x86 CPU without VNNI, where that is installed."""
    channel_multiple: int = 1
    """Depthwise convolutions of other channel counts miss the fast integer kernel."""
    session_config: dict[str, str] = Field(default_factory=dict)
    """Session options that make a runtime on any CPU fuse the graph as it does on the target."""
    ort_level: Literal["basic", "extended"] | None = None
    """Optimisations stored in an ORT-format file: `extended` fuses nodes for ONNX Runtime's CPU
    provider, `basic` keeps to what every provider reads; `None` where there is no such file."""
    ort_refusal: str = ""
    """Why there is no ORT format for the target."""
    refusal: str = ""
    """Why the target does not take the other precisions."""
    warning: str = ""
    """What to know when the file is measured or used on a machine that is not the target."""

    def runs_here(self, kind: CpuKind) -> bool:
        """Tell whether a CPU of this kind is the target; what needs a GPU or NPU never is."""
        if self.provider not in CPU_PROVIDERS:
            return False
        return not self.cpu_kinds or kind in self.cpu_kinds
