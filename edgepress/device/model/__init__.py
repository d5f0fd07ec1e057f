"""The model alone: opened, tested against its promises, tuned for this device."""
