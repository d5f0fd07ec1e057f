"""Words that the sections share."""

from edgepress.core.wording import counted


def devices(count: int) -> str:
    """Return a number of devices in words.

    >>> devices(1), devices(1200)
    ('1 device', '1,200 devices')
    """
    return counted(count, "device")
