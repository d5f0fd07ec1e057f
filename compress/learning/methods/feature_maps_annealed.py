"""As feature-maps, but the teacher gives way to the labels from the beginning to the end."""

OPTIONS = {"annealing": 1.0}
