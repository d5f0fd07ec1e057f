#!/bin/sh
# Builds model.engine from model.onnx, on the device that will run it: an engine fits one kind of
# GPU and one version of TensorRT.
#
# Precisions are those in model.onnx. Scales come from its QuantizeLinear nodes, so there is nothing
# to calibrate; never add --int8 without such nodes (TensorRT 10: trtexec then takes random ranges,
# right for timing and wrong for every answer).
#
#   ./build.sh               builds, times, and keeps the timing cache for the next build
#   TRTEXEC=/path/to/trtexec ./build.sh
set -eu
cd "$(dirname "$0")"
trtexec=${TRTEXEC:-trtexec}
command -v "$trtexec" > /dev/null || {
    echo "trtexec is not on the path; it comes with TensorRT (Jetson: /usr/src/tensorrt/bin)" >&2
    exit 2
}
# TensorRT 10 must be told to keep the file's types; 11 does nothing else.
typed=
if "$trtexec" --help 2> /dev/null | grep -q -e --stronglyTyped; then typed=--stronglyTyped; fi
exec "$trtexec" --onnx=model.onnx --saveEngine=model.engine --timingCacheFile=timing.cache $typed
