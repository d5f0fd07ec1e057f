"""Networks by name, pretrained weights, and the trained models shipped in `zoo/`."""

import edgepress.core.starting  # noqa: F401  before anything imports torch or onnxruntime
