"""One file per data set format; `edgepress.data.dataset.open_data` finds them by name or path.

Each has `recognises(path) -> bool` and `read(source) -> Table`.
"""
