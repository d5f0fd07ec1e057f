"""What the worst photographs take of a device's memory, measured on a server that has a limit."""
