"""The columns of a batch: the values of one label, or of one feature, over its images."""

from torch import Tensor


def standardised(values: Tensor, least: float) -> Tensor:
    """Return `[n, labels]` with mean 0 and standard deviation 1 in each column.

    Where a column's standard deviation is below `least` it is divided by that instead: the gradient
    of one that hardly varies would have no bound, and Adam remembers it for a thousand steps.
    """
    spread = values.var(0, correction=0).clamp(min=least**2).sqrt()
    return (values - values.mean(0)) / spread


def mean_where_varied(each: Tensor, teacher: Tensor, least: float) -> Tensor:
    """Return the mean of `each` `[labels]` over the columns in which the teacher's values vary.

    A constant column `[n, labels]` ranks no image above another. Without any that varies the mean
    is 0, with a gradient of 0.
    """
    varied = teacher.var(0, correction=0).sqrt() > least
    return each[varied].sum() / max(1, int(varied.sum()))
