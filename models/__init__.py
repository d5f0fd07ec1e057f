"""Networks by name, pretrained weights, and the trained models shipped in `zoo/`."""
