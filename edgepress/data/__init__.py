"""Images and labels in: one file per format, one split, one preprocessing."""
