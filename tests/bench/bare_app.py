"""The least Textual app with the same parts: a tree, a pane of code, tabs and a footer. Run as a program."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Footer, Static, TabbedContent, TabPane, Tree


class BareApp(App[None]):
    CSS = "Tree { width: 43%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "Quit"),
        ("j", "move('cursor_down')", "Down"),
        ("k", "move('cursor_up')", "Up"),
    ]

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Tree[None]("model")
            with TabbedContent():
                with TabPane("Source"):
                    yield Static("\n".join(f"{number}  value = layer(value).tanh()" for number in range(40)))
                with TabPane("Outputs"):
                    yield Static("outputs")
        yield Footer()

    def on_mount(self) -> None:
        tree = self.query_one(Tree)
        tree.root.expand()
        for number in range(25):
            tree.root.add_leaf(f"{number:<4} Conv2d  36.9k  1×64×112²  ●")
        tree.focus()

    def action_move(self, how: str) -> None:
        tree = self.query_one(Tree)
        tree.action_cursor_down() if how == "cursor_down" else tree.action_cursor_up()


if __name__ == "__main__":
    BareApp().run()
