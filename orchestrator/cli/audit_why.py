"""`hats audit why`: the whole chain of an order, from the market event to its last fill."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.options import Config, Json, RunDir
from orchestrator.cli.terminal import emit, say

if TYPE_CHECKING:
    from orchestrator.telling.stories import Step, Stories, Story

_SILENT = frozenset({"cloid", "recv_ns", "exch_ns", "book_exch_ns", "book_recv_ns", "sent_ns", "sz_decimals", "asset"})
"""Fields that say nothing new to a reader of a line that has its time and its order already."""


def why(
    order: Annotated[str | None, typer.Argument(help="The order's cloid, or its beginning or end.")] = None,
    all_orders: Annotated[bool, typer.Option("--all", help="Check every order of the run for missing links.")] = False,
    run: RunDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Tell why an order was made and what became of it, message by message, from the journal.

    Exit code 6: a link of the chain is missing, and the message says which; 4: there is no such order.
    """
    from orchestrator.cli.books import journal_of
    from orchestrator.telling.stories import Stories

    if (order is None) is not all_orders:
        raise typer.BadParameter("name an order, or say --all")
    with journal_of(run, config) as reader:
        stories = Stories(reader)
        told = list(stories) if order is None else [_one(stories, order)]
    if as_json:
        emit({"orders": told} if order is None else told[0])
    elif order is not None:
        _print(told[0])
    else:
        for story in told:
            if story.missing:
                say(f"{story.cloid} {story.strategy} {story.coin}: missing {', '.join(story.missing)}")
        whole = sum(not story.missing for story in told)
        say(f"{whole} of {len(told)} orders have their whole chain")
    if any(story.missing for story in told):
        from orchestrator.cli.exits import Exit

        raise typer.Exit(Exit.PROBLEMS)


def _one(stories: Stories, order: str) -> Story:
    from shared.errors import NotRunning

    found = stories.cloids(order)
    if len(found) > 1:
        raise typer.BadParameter(f"{order} fits {len(found)} orders, e.g. {found[0]} and {found[1]}")
    story = stories.of(found[0]) if found else None
    if story is None:
        raise NotRunning(f"no order {order} was wanted in this run")
    return story


def _print(story: Story) -> None:
    say(f"{story.cloid}  {story.strategy}  {story.coin}")
    start_ns = story.before[0].ns if story.before else story.steps[0].ns
    for step in (*story.before, *story.steps):
        say(_line(step, start_ns))
    say(f"filled {story.filled}, fees {story.fees_usd:,.6f} USDC, closed pnl {story.closed_pnl_usd:+,.6f} USDC")
    say(f"MISSING: {', '.join(story.missing)}" if story.missing else "the chain is whole")


def _line(step: Step, start_ns: int) -> str:
    facts = ", ".join(f"{name} {_word(value)}" for name, value in step.facts.items() if name not in _SILENT)
    return f"{(step.ns - start_ns) / 1e6:10.3f} ms  {step.seq:>8}  {step.source:<24} {step.kind:<17} {facts}"


def _word(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, float):
        return f"{value:,.10g}"
    if hasattr(value, "cloid"):  # an intent inside its approval stands in a line of its own
        return "as above"
    return str(value)
