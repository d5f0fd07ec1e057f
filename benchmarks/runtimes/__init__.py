"""Runtimes by name: one file per runtime or execution provider."""
