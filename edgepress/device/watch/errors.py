"""What the watch says when it cannot go on."""


class WatchError(Exception):
    """Bad input: one message for the user."""
