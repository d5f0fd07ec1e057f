"""ARM and x86 CPUs through ONNX Runtime's XNNPACK provider, as its mobile packages have it."""

from export.targets._target import Target

TARGET = Target(
    name="xnnpack",
    description="CPU (XNNPACK provider): int8 activations, int8 weights per channel",
    # Unsigned activations with signed weights are refused by its kernels (nn/conv_base.cc).
    precisions=("fp32", "fp16", "int8", "int8_weights"),
    provider="xnnpack",
    ort_level="basic",
    activation_type="int8",
    warning="this int8 file is for XNNPACK: accuracy measured elsewhere holds there, latency does "
    "not",
)
