"""Files run under processors that this machine has not."""
