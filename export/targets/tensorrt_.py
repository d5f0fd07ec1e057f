"""NVIDIA GPUs through TensorRT.

Its explicit quantization wants zero points of 0, so both sides are symmetric; biases stay float,
and weights are written in float with a pair of Q/DQ nodes, from which TensorRT takes the scales.
"""

from export.targets._target import Target

TARGET = Target(
    name="tensorrt",
    description="NVIDIA GPU (TensorRT): symmetric int8 activations, int8 weights per channel",
    precisions=("fp32", "fp16", "int8"),
    provider="tensorrt",
    ort_refusal="minimal builds and mobile packages of ONNX Runtime do not have the provider",
    activation_type="int8",
    quantizer_options={
        "ActivationSymmetric": True,
        "QuantizeBias": False,
        "AddQDQPairToWeight": True,
    },
    refusal="its engines want int8 activations too, and such a file is as small",
    warning="this int8 file is for TensorRT: accuracy measured elsewhere holds there, latency does "
    "not",
)
