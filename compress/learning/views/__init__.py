"""Views of the training images whose answers by the teacher are stored and shown again."""
