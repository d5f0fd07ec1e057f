"""One file per section of the report: `TITLE`, `ORDER` and `render(report)`, an HTML fragment."""
