"""What is done to a network: train, prune, distil; one stage a file."""

import edgepress.core.starting  # noqa: F401  before anything imports torch or onnxruntime
