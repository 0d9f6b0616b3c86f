"""Findings as SARIF 2.1.0, the format that code scanning services and editors read.

Source of the shape: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0.
"""

from collections.abc import Sequence
from typing import Any

from knowledge.m65816.lint.catalogue import POINTS, Rule, rules
from knowledge.m65816.lint.finding import Finding, Severity, Step

__all__ = ["SCHEMA", "as_sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
"""Where the schema of the format lies."""
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "suggestion": "note"}


def as_sarif(findings: Sequence[Finding], *, version: str = "") -> dict[str, Any]:
    """Return a SARIF log with one run, as plain JSON values; `version` is that of the linter."""
    known = rules()
    numbers = {item.id: number for number, item in enumerate(known)}
    driver: dict[str, Any] = {"name": "afs-lint", "rules": [_rule(item) for item in known]}
    if version:
        driver["version"] = version
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, numbers[finding.rule]) for finding in findings],
            }
        ],
    }


def _rule(item: Rule) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": "".join(part.capitalize() for part in item.name.split("-")),
        "shortDescription": {"text": item.what},
        "fullDescription": {"text": item.why},
        "defaultConfiguration": {"level": _LEVELS[item.severity], "enabled": item.on},
        "properties": {"tags": [POINTS[item.point]]},
        "help": {"text": f"Reported:\n{item.bad}\n\nInstead:\n{item.good}"},
    }


def _location(file: str, line: int, address: int, text: str = "") -> dict[str, Any]:
    location: dict[str, Any] = {}
    physical: dict[str, Any] = {}
    if file:
        physical["artifactLocation"] = {"uri": _uri(file)}
        if line:
            physical["region"] = {"startLine": line}
    if address >= 0:
        physical["address"] = {"absoluteAddress": address, "fullyQualifiedName": f"${address:06X}"}
    if physical:
        location["physicalLocation"] = physical
    if text:
        location["message"] = {"text": text}
    return location


def _uri(file: str) -> str:
    """Return a relative reference: forward slashes, and what may not stand in one percent-encoded."""
    from urllib.parse import quote

    return quote(file.replace("\\", "/"), safe="/.-_~")


def _result(finding: Finding, number: int) -> dict[str, Any]:
    text = finding.message + (f" Fix: {finding.fix}" if finding.fix else "")
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
    }
    if location := _location(finding.file, finding.line, finding.address):
        result["locations"] = [location]
    if finding.path:
        result["codeFlows"] = [{"threadFlows": [{"locations": [_step(step) for step in finding.path]}]}]
    if finding.gain is not None:
        result["properties"] = {"cyclesSaved": finding.gain.cycles, "bytesSaved": finding.gain.bytes}
    return result


def _step(step: Step) -> dict[str, Any]:
    return {"location": _location(step.file, step.line, step.address, step.text)}
