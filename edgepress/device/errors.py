"""How the device runtime says that it cannot go on, and the exit code that goes with it.

The same form and codes as the tools that make the bundle; a copy, because the device has none of
their packages.
"""

EXIT_DONE = 0
EXIT_BAD_INPUT = 2
EXIT_CHECK_FAILED = 3


class DeviceError(Exception):
    """Bad usage or bad input: what failed, what was given, what is allowed, what to do next."""

    exit_code = EXIT_BAD_INPUT

    def __init__(
        self,
        what: str,
        *,
        got: object = None,
        allowed: object = None,
        next_step: str | None = None,
    ) -> None:
        self.what = what.rstrip(".")
        """The first sentence alone, for another one to go on with."""
        parts = [self.what + "."]
        if got is not None:
            parts.append(f"Got: {got}.")
        if allowed is not None:
            parts.append(f"Allowed: {allowed}.")
        if next_step is not None:
            parts.append(f"Next: {next_step}")
        super().__init__(" ".join(parts))


class CheckFailed(DeviceError):
    """The model or the device does not do what the bundle promises."""

    exit_code = EXIT_CHECK_FAILED


class ModelFailed(CheckFailed):
    """The model could not be opened, raised an error or gave no probabilities."""


class NewerSchema(DeviceError):
    """The bundle is made for newer runtimes: nothing is wrong with it."""
