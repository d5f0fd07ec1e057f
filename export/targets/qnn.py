"""Qualcomm NPUs (Hexagon) through QNN: unsigned integers, one scale per tensor, static shapes."""

from export.targets._target import Target

TARGET = Target(
    name="qnn",
    description="Qualcomm NPU (QNN): uint8 activations, uint8 weights per tensor",
    precisions=("fp32", "fp16", "int8"),
    provider="qnn",
    ort_level="basic",
    activation_type="uint8",
    weight_type="uint8",
    per_channel=False,
    # QNN refuses scales of tensors that hardly vary (onnxruntime's get_qnn_qdq_config sets this).
    quantizer_options={"MinimumRealRange": 1e-4, "WeightSymmetric": False},
    refusal="the NPU wants int8 activations too, and such a file is as small",
    warning="this int8 file is for Qualcomm's NPU: accuracy measured elsewhere holds there, "
    "latency does not",
)
