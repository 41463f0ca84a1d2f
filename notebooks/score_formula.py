# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The score formula
#
# A Hat reports raw samples and never a score. The orchestrator makes the score, by one formula for everybody:
#
#     value = statistic(samples in the window)
#     score = 10 x (value - floor) / (target - floor), kept within 0 and 10
#     total = weighted mean of the scores, capped by the worst critical one
#
# With fewer samples than a measure asks for there is no score, but "insufficient evidence". Here each step is done by
# hand on the samples of a real run, and compared with what the house says.

# %%
import math
import tempfile
from pathlib import Path

import pandas as pd

from orchestrator import compose
from orchestrator.rehearsal import rehearse
from orchestrator.scoring import Scores, statistic
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import Role, Seq
from shared.journal import JournalReader
from shared.messages import Envelope
from shared.scorecard import Statistic, score_of, total_of
from shared.units import MS, SECOND, Ns

pd.set_option("display.width", 150, "display.max_columns", 20, "display.float_format", "{:,.3f}".format)

# %% [markdown]
# ## A run in which something is not well
#
# A minute on the stage. After 20 s the Quant Strategist dies and is away for 6 s; from then on it needs 200 ms for each
# message instead of 50 us.

# %%
folder = tempfile.TemporaryDirectory(prefix="hats-notebook-")
journal = Path(folder.name) / "journal.sqlite"
ROLE = Role.QUANT_STRATEGIST

rehearsal = rehearse(Settings(), journal, seed=7)
rehearsal.run_for(20)
rehearsal.stage.kill_hat(ROLE, "killed to be scored", back_after_ns=6 * SECOND)
rehearsal.stage.handling_ns[ROLE] = 200 * MS
rehearsal.run_for(40)
rehearsal.close()

reader = JournalReader.open(journal)
measured = list(reader.messages(kind="Measured"))
end_ns = measured[-1].ts
print(f"{len(measured):,} reports of samples")

# %% [markdown]
# ## The house's own cards

# %%
scores = Scores(compose.CATALOGUE)
for entry in measured:
    scores.add(
        Envelope(Seq(entry.seq), Ns(entry.ts), entry.source, Seq(entry.cause), Ns(entry.origin_ns), decode(entry.body))
    )
cards = {card.role: card for card in scores.cards(end_ns)}
card = cards[ROLE]
print(pd.Series({role.value: each.total for role, each in cards.items()}, name="score").to_string())
print(
    pd.DataFrame(
        {
            "dimension": dimension.measure.name,
            "critical": dimension.measure.critical,
            "weight": dimension.measure.weight,
            "value": dimension.value,
            "floor": dimension.measure.floor,
            "target": dimension.measure.target,
            "n": dimension.n,
            "needs": dimension.measure.min_samples,
            "score": dimension.score,
        }
        for dimension in card.dimensions
    ).to_string(index=False, na_rep="insufficient")
)

# %% [markdown]
# ## Step 1: samples to a value
#
# The samples of `timeliness_ms`, milliseconds from said to handled. P99 is the nearest rank: a value that occurred.

# %%
timeliness = next(dimension for dimension in card.dimensions if dimension.measure.name == "timeliness_ms")
measure = timeliness.measure
samples = [
    sample
    for entry in measured
    if entry.ts >= end_ns - int(measure.window_s * SECOND)
    and (report := decode(entry.body)).role is ROLE
    and report.measure == measure.name
    for sample in report.samples
    if math.isfinite(sample)
]
print(pd.Series(samples, name="timeliness_ms").describe(percentiles=[0.5, 0.9, 0.99]).to_string())

by_hand = sorted(samples)[math.ceil(0.99 * len(samples)) - 1]
print(f"p99 by hand: {by_hand:,.3f} ms")
assert measure.statistic is Statistic.P99
assert by_hand == statistic(measure.statistic, samples) == timeliness.value

# %% [markdown]
# ## Step 2: a value to a score
#
# 10 at the target and beyond, 0 at the floor and beyond, straight between. Here less is better: target below floor.

# %%
for value in (0, 5, 10, 50, 100, 130, 200, 250, 1_000):
    score = score_of(measure, value)
    print(f"{value:>6} ms  {score + 0:>5.2f}  {'#' * round(4 * score)}")

share = (by_hand - measure.floor) / (measure.target - measure.floor)
by_hand_score = 10 * min(max(share, 0.0), 1.0)
print(f"ours: {by_hand:,.3f} ms scores {by_hand_score:.2f}")
assert by_hand_score == timeliness.score

# %% [markdown]
# ## Step 3: scores to a total
#
# The weighted mean of what could be scored. A weight of 0 is shown and not counted. The total is never above the worst
# critical dimension: a Hat that failed at what matters does not look good for being good at the rest.

# %%
scored = [dimension for dimension in card.dimensions if dimension.score is not None and dimension.measure.weight]
weight = sum(dimension.measure.weight for dimension in scored)
mean = sum(dimension.measure.weight * dimension.score for dimension in scored) / weight
worst = min((dimension.score for dimension in scored if dimension.measure.critical), default=math.inf)
print(f"weighted mean {mean:.3f}, worst critical {worst:.3f}, total {card.total:.3f}, capped by {card.capped_by}")
assert worst < mean, "the lesson needs a critical dimension that is worse than the mean"
assert card.total == worst
assert total_of(card.dimensions) == (card.total, card.capped_by)

# %% [markdown]
# ## Too few samples
#
# One sample fewer than a measure asks for, and there is no score: not 0, not 10. The first second of the same run:

# %%
early = Scores(compose.CATALOGUE)
for entry in measured:
    if entry.ts <= measured[0].ts + SECOND:
        early.add(
            Envelope(
                Seq(entry.seq), Ns(entry.ts), entry.source, Seq(entry.cause), Ns(entry.origin_ns), decode(entry.body)
            )
        )
early_card = next(each for each in early.cards(measured[0].ts + SECOND) if each.role is ROLE)
for dimension in early_card.dimensions:
    verdict = "insufficient evidence" if dimension.score is None else f"{dimension.score:.2f}"
    print(f"{dimension.measure.name:<28} {dimension.n:>5} of {dimension.measure.min_samples:<5} {verdict}")
assert all((each.score is None) == (each.n < each.measure.min_samples) for each in early_card.dimensions)

# %% [markdown]
# ## Who was affected
#
# Only the Hat that was killed and slowed should fall. The others' totals, worst first:

# %%
print(pd.Series({role.value: each.total for role, each in cards.items()}).sort_values().to_string())
assert min(cards.values(), key=lambda each: each.total if each.total is not None else math.inf).role is ROLE

# %%
reader.close()
folder.cleanup()
