"""What a piece of a line is there for, and the style that goes with it. The lines name roles; only here are colours."""

from __future__ import annotations

from .heat import ROLES as HEATS

ROLES = (
    "name", "root", "guide", "arrow", "quiet", "class", "number", "shape", "calls", "observed", "unobserved", "foreign",
    "cost", "cost-warm", "badge", "warning", "error", "match", "altered", *HEATS,
)  # fmt: skip
"""Of the pieces that `Lines` makes."""

WIDGET_ROLES = ("cursor", "cursor-bar", "letter", "message")
"""Of what the widget adds to them."""


def component(role: str) -> str:
    """The component class of the tree that has the style of a role."""
    return f"module-tree--{role}"


CSS = """
ModuleTree {
    overflow-x: hidden;
    overflow-y: auto;
    scrollbar-gutter: stable;
    scrollbar-size-vertical: 1;
    border: round $foreground-muted;
    border-title-color: $text-muted;
    border-subtitle-color: $text-muted;

    & > .module-tree--name { color: $foreground; }
    & > .module-tree--root { color: $foreground; text-style: bold; }
    & > .module-tree--guide { color: $text-disabled; }
    & > .module-tree--arrow { color: $text-muted; }
    & > .module-tree--quiet { color: $text-disabled; }
    & > .module-tree--class { color: $text-muted; }
    & > .module-tree--number { color: $text-muted; }
    & > .module-tree--cost { color: $text-muted; }
    & > .module-tree--cost-warm { color: $text-primary; }
    & > .module-tree--shape { color: $foreground; }
    & > .module-tree--calls { color: $text-muted; }
    & > .module-tree--observed { color: $text-primary; }
    & > .module-tree--unobserved { color: $text-muted; }
    & > .module-tree--foreign { color: $text-muted; }
    & > .module-tree--badge { color: $text-muted; }
    & > .module-tree--warning { color: $text-warning; }
    & > .module-tree--error { color: $text-error; }
    & > .module-tree--altered { color: $text-warning; }
    & > .module-tree--heat-none { color: $text-disabled; }
    & > .module-tree--heat-low { color: $text-muted; }
    & > .module-tree--heat-middle { color: $text-primary; }
    & > .module-tree--heat-high { color: $text-warning; }
    & > .module-tree--heat-most { color: $text-warning; text-style: bold underline; }
    & > .module-tree--match { color: $text-primary; text-style: bold underline; }
    & > .module-tree--letter { color: $text-primary; text-style: bold; }
    & > .module-tree--message { color: $text-muted; }
    & > .module-tree--cursor { background: $block-cursor-blurred-background; }
    & > .module-tree--cursor-bar { color: $text-primary; }

    &:ansi {
        & > .module-tree--guide { text-style: dim; }
        & > .module-tree--quiet { text-style: dim; }
        & > .module-tree--class { text-style: dim; }
        & > .module-tree--number { text-style: dim; }
        & > .module-tree--cost { text-style: dim; }
        & > .module-tree--heat-none { text-style: dim; }
        & > .module-tree--heat-low { text-style: dim; }
        & > .module-tree--cursor { text-style: bold not dim; }
    }
    &.-ascii { border: ascii $foreground-muted; }
    &:focus {
        border: round $border;
        &.-ascii { border: ascii $border; }
        border-title-color: $text-primary;
        border-title-style: bold;
        & > .module-tree--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
        & > .module-tree--cursor-bar { color: $block-cursor-foreground; }
    }
}
"""
