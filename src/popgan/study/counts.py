"""How far a study is: what the coordinator's page and `popgan study status` show; no truth."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from statistics import median
from typing import Any

from popgan.study.database import COORDINATOR, existing, setting
from popgan.study.schema import ReaderPlan, Study


def counts(study: Study) -> dict[str, Any]:
    """Progress of every reader.

    Returns:
        `started` and `locked` (ISO 8601 or None; locked is a bool), `readers` (alias, locked,
        link_issued, consented, display_checked, done and total by block, last_answer,
        median_seconds by block), `answers` (versions stored), `clock_warnings`, `revealed`.

    Raises:
        UserError: the file of answers is damaged or held by another program.
    """
    with existing(study) as connection:
        if connection is None:
            readers = [_reader(plan, None) for plan in study.key.readers]
            empty = {"answers": 0, "clock_warnings": 0, "revealed": None}
            return {"started": None, "locked": False, "readers": readers, **empty}
        return {
            "started": setting(connection, "started"),
            "locked": setting(connection, "locked") is not None,
            "readers": [_reader(plan, connection) for plan in study.key.readers],
            "coordinator_link": _person(connection, COORDINATOR)[2],
            "answers": connection.execute("SELECT count(*) FROM answer").fetchone()[0],
            "clock_warnings": connection.execute(
                "SELECT (SELECT count(*) FROM answer WHERE clock_back)"
                " + (SELECT count(*) FROM event WHERE clock_back)"
            ).fetchone()[0],
            "revealed": setting(connection, "revealed"),
        }


def _person(connection: sqlite3.Connection, alias: str) -> tuple[Any, ...]:
    row = connection.execute(
        "SELECT locked, link IS NOT NULL, issued, consented, display_checked FROM person"
        " WHERE alias = ?",
        (alias,),
    ).fetchone()
    return tuple(row)


def _reader(plan: ReaderPlan, connection: sqlite3.Connection | None) -> dict[str, Any]:
    total = {block: len(trials) for block, trials in plan.trials.items() if trials}
    shown: dict[str, list[int]] = defaultdict(list)
    locked, issued, consented, checked, last = False, None, None, None, None
    if connection is not None:
        locked, _, issued, consented, checked = _person(connection, plan.alias)
        for block, milliseconds in connection.execute(
            "SELECT block, shown_ms FROM latest WHERE reader = ? AND complete", (plan.alias,)
        ):
            shown[block].append(milliseconds)
        last = connection.execute(
            "SELECT max(id), received FROM answer WHERE reader = ?", (plan.alias,)
        ).fetchone()[1]
    return {
        "alias": plan.alias,
        "locked": bool(locked),
        "link_issued": issued,
        "consented": consented is not None,
        "display_checked": checked is not None,
        "done": {block: len(shown[block]) for block in total},
        "total": total,
        "last_answer": last,
        "median_seconds": {
            block: round(median(shown[block]) / 1000, 1) if shown[block] else None
            for block in total
        },
    }
