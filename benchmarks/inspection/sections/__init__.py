"""The page of an inspection, one file a section; `benchmarks.report.page` says what is in it."""

from benchmarks.report.page import Page

PAGE = Page(__name__, "data", runs=False)
