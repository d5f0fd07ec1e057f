"""Intel CPUs, GPUs and NPUs through OpenVINO, which runs the files of NNCF as they are meant."""

from export.targets._target import Target

TARGET = Target(
    name="openvino",
    description="OpenVINO: int8 by NNCF, with bias correction",
    precisions=("fp32", "fp16", "int8", "int8_weights"),
    provider="openvino",
    ort_refusal="OpenVINO does not read it",
    quantizer="nncf",
    warning="this int8 file is for OpenVINO: ONNX Runtime's CPU provider runs most of it in float, "
    "slower than fp32",
)
