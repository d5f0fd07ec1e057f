"""What a figure of so many images, labels or rounds is worth."""
