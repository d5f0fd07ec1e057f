"""Words that the sections share."""


def devices(count: int) -> str:
    """Return a number of devices in words.

    >>> devices(1), devices(1200)
    ('1 device', '1,200 devices')
    """
    return f"{count:,} device" + ("" if count == 1 else "s")
