"""One file per section of the page: `TITLE`, `ORDER` and `render(report)`, an HTML fragment."""
