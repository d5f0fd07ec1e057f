"""64-bit ARM CPUs: Cortex-A, Apple silicon, Graviton."""

from export.targets._target import Target

TARGET = Target(
    name="cpu-arm",
    description="64-bit ARM CPU: int8 activations, int8 weights per channel",
    precisions=("fp32", "fp16", "int8", "int8_weights"),
    ort_level="extended",
    activation_type="int8",
    cpu_kinds=("arm",),
    auto_rank=1,
    # ONNX Runtime fuses int8 activations on ARM only, unless it is told to.
    session_config={"session.qdqisint8allowed": "1"},
    warning="this int8 file has int8 activations, which ONNX Runtime does not run as integers on "
    "x86: accuracy measured here holds on ARM, latency does not",
)
