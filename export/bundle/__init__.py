"""What is handed over to a device: one archive that can be checked, run and watched there."""
