"""Maps of two sizes."""

from torch import Tensor


def common_size(student: Tensor, teacher: Tensor) -> tuple[int, int]:
    """Return the smaller height and width of maps `[n, channels, h, w]`."""
    (height, width), (other_height, other_width) = student.shape[2:], teacher.shape[2:]
    return min(height, other_height), min(width, other_width)
