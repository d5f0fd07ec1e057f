"""The comparison as a page, as Markdown and as JSON; one file per section of the page."""
