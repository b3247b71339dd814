"""`popgan report`: write the two reports of a run."""

from __future__ import annotations

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of

HELP = "Write report.html and report.json, for others once an audit has passed, and a private page."


def report(context: typer.Context, folder: shared.RunFolder, name: shared.Name = None) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    with shared.opened(folder, name, reporter) as model:
        from popgan.stations.report import write_report

        public, private = write_report(model, reporter=reporter)
    lines = [
        f"private report: {private}  (patient images: do not share)",
        f"report:         {public}  (and report.json beside it: the same as data)",
    ]
    data = public.with_suffix(".json")
    shown.show(lines, {"report": public, "data": data, "private_report": private})
