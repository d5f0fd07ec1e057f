"""Apple devices through ONNX Runtime's CoreML provider."""

from export.targets._target import Target

TARGET = Target(
    name="coreml",
    description="Apple CPU, GPU and Neural Engine (CoreML provider): fp16 or fp32, weights in int8",
    precisions=("fp32", "fp16", "int8_weights"),
    provider="coreml",
    ort_level="basic",
    refusal="ONNX Runtime's CoreML provider takes no QuantizeLinear and has no integer "
    "convolution, so an int8 file runs on the CPU",
)
