# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Read a run
#
# Everything that a run did is in its journal: one SQLite file, every message in its order. Here a minute of trading is
# made on the stage (one thread, virtual time, about two seconds of yours), and then only its journal is read.
#
# Runs as a script (`python notebooks/read_a_run.py`) or cell by cell in any editor that knows `# %%`.

# %%
import tempfile
from pathlib import Path

import pandas as pd

from orchestrator import compose
from orchestrator.rehearsal import rehearse
from orchestrator.scoring import Scores
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import Seq
from shared.instrument import Instrument
from shared.journal import JournalReader
from shared.messages import Envelope
from shared.units import MS, US, USD, Ns

pd.set_option("display.width", 150, "display.max_columns", 20, "display.float_format", "{:,.3f}".format)

# %% [markdown]
# ## A run
#
# To read one of your own, let `journal` name the `journal.sqlite` in its folder and leave this cell out.

# %%
folder = tempfile.TemporaryDirectory(prefix="hats-notebook-")
journal = Path(folder.name) / "journal.sqlite"

rehearsal = rehearse(Settings(), journal, seed=7)
rehearsal.run_for(60)
rehearsal.drain()
rehearsal.close()

# %% [markdown]
# ## What was said
#
# `fault` looks for damage and gaps. `cause` is the message that led to this one, `origin_ns` the receive time of the
# book at the root of that chain, if there is one.

# %%
reader = JournalReader.open(journal)
entries = list(reader.messages())
print("fault:", reader.fault())
print(pd.Series(reader.counts(), name="messages").sort_values(ascending=False).to_string())

# %%
messages = pd.DataFrame(
    {
        "seq": entry.seq,
        "ts": pd.Timestamp(entry.ts, unit="ns"),
        "source": entry.source.value,
        "kind": entry.kind,
        "cause": entry.cause,
        "origin_ns": entry.origin_ns,
        "message": decode(entry.body),
    }
    for entry in entries
).set_index("seq")
print(messages.drop(columns="message").tail(8))

# %% [markdown]
# ## Fills
#
# Prices and sizes are exact integers; a coin's `Instrument` knows how many decimals they have. Floats are for reading.

# %%
universe = messages.loc[messages["kind"] == "UniverseUpdate", "message"].iloc[-1]
instruments: dict[str, Instrument] = {instrument.coin: instrument for instrument in universe.instruments}

fills = pd.DataFrame(
    {
        "ts": ts,
        "strategy": booked.strategy,
        "coin": booked.fill.coin,
        "side": booked.fill.side.name,
        "px": instruments[booked.fill.coin].px_float(booked.fill.px),
        "sz": instruments[booked.fill.coin].sz_float(booked.fill.sz),
        "fee_usd": booked.fill.fee_usd / USD,
        "is_taker": booked.fill.is_taker,
    }
    for ts, booked in messages.loc[messages["kind"] == "FillBooked", ["ts", "message"]].itertuples(index=False)
)
assert not fills.empty, "a minute without a fill: the tables below would show nothing"
print(fills.to_string(index=False))
print()
traded = fills.assign(notional_usd=fills["px"] * fills["sz"])
print(traded.groupby(["strategy", "coin"])[["notional_usd", "fee_usd"]].sum())

# %% [markdown]
# ## Equity
#
# The ledger reports after every fill and at least twice a second. Its sum holds exactly, in micro-USDC.

# %%
reports = messages.loc[messages["kind"] == "LedgerReport", ["ts", "message"]]
ledger = list(reports.itertuples(index=False, name=None))
for _, report in ledger:
    earned = report.realised_usd + report.unrealised_usd - report.fees_usd + report.funding_usd
    assert report.equity_usd == report.start_equity_usd + earned

equity = pd.Series({ts: report.equity_usd / USD for ts, report in ledger}, name="equity_usd")
step = equity.resample("3s").last().ffill()
low, high = step.min(), step.max()
for ts, value in step.items():
    print(f"{ts:%H:%M:%S}  {value:>12,.2f}  {'#' * round(1 + 59 * (value - low) / ((high - low) or 1))}")

# %%
last = ledger[-1][1]
print(
    pd.DataFrame(
        {
            "strategy": line.strategy,
            "coin": line.coin,
            "realised": line.realised_usd / USD,
            "unrealised": line.unrealised_usd / USD,
            "fees": line.fees_usd / USD,
            "funding": line.funding_usd / USD,
            "fills": line.fills,
        }
        for line in last.attribution
    ).to_string(index=False)
)
assert sum(line.realised_usd for line in last.attribution) == last.realised_usd

# %% [markdown]
# ## Scores
#
# A score is a fold over the `Measured` messages, so the journal alone gives every card. `score_formula.py` has the
# formula.

# %%
scores = Scores(compose.CATALOGUE)
for entry in reader.messages(kind="Measured"):
    scores.add(
        Envelope(Seq(entry.seq), Ns(entry.ts), entry.source, Seq(entry.cause), Ns(entry.origin_ns), decode(entry.body))
    )
cards = scores.cards(entries[-1].ts)
print(
    pd.DataFrame(
        {
            "hat": card.role.value,
            "score": card.total,
            "capped_by": card.capped_by or "",
            "dimensions": len(card.dimensions),
            "scored": sum(dimension.score is not None for dimension in card.dimensions),
        }
        for card in cards
    ).to_string(index=False, na_rep="insufficient evidence")
)

# %% [markdown]
# ## Tick to wire
#
# From the receipt of the book to the signed bytes on the socket. On the stage time is virtual: every message costs a
# Hat 50 us, whatever it does. So this shows the shape of the chain and how waiting adds up, and measures no machine.
# The journal of a run on Ray does, read with the same lines.

# %%
sent = messages[(messages["kind"] == "ActionSent") & (messages["origin_ns"] > 0)]
tick_to_wire_us = pd.Series(
    [(message.sent_ns - origin_ns) / US for message, origin_ns in zip(sent["message"], sent["origin_ns"], strict=True)],
    name="tick_to_wire_us",
)
print(tick_to_wire_us.describe(percentiles=[0.5, 0.9, 0.99]).to_string())

# %% [markdown]
# ## Hops
#
# The orchestrator's samples of each Hat's mailbox: how long letters waited, and how long they were handled.

# %%
hops = pd.DataFrame(
    {"hat": hop.role.value, "kind": hop.kind, "waited_us": hop.waited_ns / US, "handled_us": hop.handled_ns / US}
    for timings in messages.loc[messages["kind"] == "HopTimings", "message"]
    for hop in timings.hops
)
table = hops.groupby("hat").agg(
    n=("kind", "size"),
    waited_p50_us=("waited_us", "median"),
    waited_p99_us=("waited_us", lambda waited: waited.quantile(0.99, interpolation="higher")),
    handled_p50_us=("handled_us", "median"),
)
print(table)

# %% [markdown]
# ## From one book to the wire
#
# Follow `cause` back from the last action that was sent: each line led to the next. Times are since the book came in.

# %%
chain = [sent.index[-1]]
while cause := messages.at[chain[-1], "cause"]:
    chain.append(cause)
story = messages.loc[chain[::-1]]
origin = pd.Timestamp(sent["origin_ns"].iloc[-1], unit="ns")
for row in story.itertuples():
    print(f"{(row.ts - origin).value / MS:>8,.2f} ms  #{row.Index:<6} {row.source:<24} {row.kind}")
assert list(story["kind"])[0] == "BookUpdate"

# %%
reader.close()
folder.cleanup()
