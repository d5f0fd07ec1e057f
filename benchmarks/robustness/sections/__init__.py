"""The page of robustness, one file a section; `benchmarks.report.page` says what is in it."""

from benchmarks.report.page import Page

PAGE = Page(__name__, "robustness")
