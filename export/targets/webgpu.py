"""GPUs of any maker through ONNX Runtime's WebGPU provider, native or in the browser."""

from export.targets._target import Target

TARGET = Target(
    name="webgpu",
    description="any GPU (WebGPU provider): fp16 or fp32, weights in int8",
    precisions=("fp32", "fp16", "int8_weights"),
    provider="webgpu",
    ort_level="basic",
    refusal="ONNX Runtime's WebGPU provider has no QuantizeLinear and no integer convolution, so "
    "every layer of an int8 file travels between GPU and CPU",
)
