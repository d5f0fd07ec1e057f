"""Models of one recipe, each with a fold that it has never seen."""
