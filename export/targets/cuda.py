"""NVIDIA GPUs through ONNX Runtime's CUDA provider."""

from export.targets._target import Target

TARGET = Target(
    name="cuda",
    description="NVIDIA GPU (CUDA provider): fp16 or fp32, weights in int8",
    precisions=("fp32", "fp16", "int8_weights"),
    provider="cuda",
    ort_refusal="minimal builds and mobile packages of ONNX Runtime do not have the provider",
    auto_rank=-1,
    refusal="ONNX Runtime's CUDA provider has no integer convolution, so an int8 file runs as "
    "float between conversions and is slower than fp32",
)
