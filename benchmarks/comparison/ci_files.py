"""Verdicts for a project's CI: JUnit XML for its test page, Markdown for the pull request."""

from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from benchmarks.comparison.entries import gate_entry
from benchmarks.report.markdown import gates_table_md
from edgepress.core import ending
from edgepress.core.errors import UserError
from edgepress.core.gates import Verdict

_RESULTS = {"fail": Failure, "inconclusive": Error}


def write_junit(candidate: str, verdicts: tuple[Verdict, ...], file: Path) -> None:
    """Write one test case per gate; one that cannot be decided is an error, not a failure.

    Raises:
        UserError: the file cannot be written.
    """
    suite = TestSuite("edgepress gates")
    for verdict in verdicts:
        case = TestCase(verdict.gate, classname=candidate)
        if verdict.outcome in _RESULTS:
            case.result = [_RESULTS[verdict.outcome](verdict.reason, verdict.outcome)]
        else:
            case.system_out = verdict.reason
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    _write(file, document.tostring().decode())  # type: ignore[no-untyped-call]


def write_markdown(candidate: str, verdicts: tuple[Verdict, ...], file: Path) -> None:
    """Write the verdict and a table of gates.

    Raises:
        UserError: the file cannot be written.
    """
    worst = ending.worst(verdict.outcome for verdict in verdicts)
    table = gates_table_md(gate_entry(verdict) for verdict in verdicts)
    _write(file, f"### {candidate}: {worst}\n\n{table}\n")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"The file cannot be written ({error.strerror})", got=file) from None
