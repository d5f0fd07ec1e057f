"""Where trials are written down, so that many workers can share them and none is lost."""
