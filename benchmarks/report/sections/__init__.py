"""The page of a comparison, one file a section; `benchmarks.report.page` says what is in it."""

from benchmarks.report.page import Page

PAGE = Page(__name__, "report")
