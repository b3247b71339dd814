"""Rendering: one jinja2 environment with autoescape on, undefined names an error."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from popgan._version import __version__


def render(template: str, **values: Any) -> str:
    """The template filled in; every value is escaped unless it is Markup made by popgan."""
    environment = Environment(
        loader=PackageLoader("popgan.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(popgan_version=__version__, **values)
