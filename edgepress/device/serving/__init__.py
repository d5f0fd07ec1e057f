"""`serve`: a small HTTP server for programs on the same device."""
