"""One file per section of the page: `TITLE`, `ORDER` and `render(report)`, an HTML fragment.

With a function `shown(report)` the page leaves the section out where that is false.
"""
