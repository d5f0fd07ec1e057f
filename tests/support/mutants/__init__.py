"""Mutation testing of what decides: `make mutants`."""
