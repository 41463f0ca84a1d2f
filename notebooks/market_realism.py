# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # How real the synthetic market looks
#
# The local exchange's synthetic market beside five minutes and three quarters of Binance's BTC and ETH perps, by the
# same statistics: spread, depth, clustering of volatility and of trades, memory of trade signs, impact. The recorded
# book is seen through our ticks (five significant figures), which are ten times coarser than Binance's.
#
# Give a file name to get the picture: `python notebooks/market_realism.py picture.png`. Without the recordings the
# synthetic market is shown alone.

# %%
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import pandas as pd

from shared.units import SECOND, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.observing import Watch, observe_recording
from shared.venue.flow.recording_files import open_recordings
from shared.venue.flow.statistics import COUNT_SPANS_S, DEPTH_BPS, RETURN_LAGS, SIGN_LAGS, table_of
from shared.venue.flow.synthetic import SyntheticMarket

pd.set_option("display.width", 150, "display.max_columns", 20, "display.max_rows", 60)

RECORDINGS = Path(os.environ.get("HATS_RECORDINGS", Path.cwd().parent / "shared" / "data" / "market"))
FILES = {"BTC": "binance_usdm_btcusdt_20240808.ws.gz", "ETH": "binance_usdm_ethusdt_20240808.ws.gz"}
SECONDS = 900
SEED = 7
START = Ns(1_700_000_000 * SECOND)

# %% [markdown]
# ## Watch both
#
# A quarter of an hour of synthetic BTC and ETH, and the recordings if they are there.

# %%
exchange = Exchange(listings(COINS[:2]), start_ns=START)
watch = Watch(exchange, (0, 1))
market = SyntheticMarket(exchange, SEED, coins=COINS[:2])
watch.run(market, START, SECONDS)
tables = {f"{coin.name} synthetic": table_of(watch.observed[asset]) for asset, coin in enumerate(COINS[:2])}
assert len(market.users) >= 30

for asset, coin in enumerate(COINS[:2]):
    path = RECORDINGS / FILES[coin.name]
    if path.is_file():
        recorded = observe_recording(open_recordings(path)(), exchange.listings[asset].instrument)
        tables[f"{coin.name} recorded"] = table_of(recorded)
    else:
        print(f"no recording of {coin.name} at {path}; the synthetic market is shown alone")

# %% [markdown]
# ## The table

# %%
columns = {}
for name, table in sorted(tables.items()):
    columns[name] = {
        "seconds": table.seconds,
        "spread, median (bps)": table.spread_bps[1],
        "spread, 90 % (bps)": table.spread_bps[2],
        **{f"depth within {bps:g} bps (thousand USD)": usd / 1e3 for bps, usd in zip(DEPTH_BPS, table.depth_usd)},
        "volatility of a second (bps)": table.volatility_bps,
        "kurtosis of returns of a second": table.kurtosis,
        **{f"|return| autocorrelation, {lag} s": acf for lag, acf in zip(RETURN_LAGS, table.abs_return_acf)},
        **{f"sign autocorrelation, {lag} trades": acf for lag, acf in zip(SIGN_LAGS, table.sign_acf)},
        **{f"variance / mean of trades in {span} s": d for span, d in zip(COUNT_SPANS_S, table.count_dispersion)},
        "trades a second": table.trades_per_s,
        "trade, median (USD)": table.trade_usd,
        "book updates a second": table.updates_per_s,
        **{
            f"impact of bin {n + 1} (bps for thousand USD)": f"{point.move_bps:.2f} for {point.usd / 1e3:,.0f}"
            for n, point in enumerate(table.impact)
        },
    }
shown = pd.DataFrame(columns).map(lambda value: value if isinstance(value, str) else f"{value:,.3f}")
print(shown.to_string())

# %% [markdown]
# ## What holds and what does not
#
# Signs remember, trades cluster, returns have fat tails, volatility clusters, and the mid moves with net volume. Not
# like the real thing: Binance is about three times as deep close to the mid and many times as deep 25 bps away from it;
# trades and updates come several times as fast (`events_per_second` raises ours); BTC's trades cluster more strongly
# within a second; a dollar taken moves our thinner book further; and its spread is one tick nearly always, where ours
# opens when volatility rises. A few minutes recorded at midnight show little clustering of volatility themselves; ours has more.

# %%
for name, table in tables.items():
    if name.endswith("synthetic"):
        assert table.sign_acf[0] > table.sign_acf[2] > 0
        assert table.abs_return_acf[0] > 0.05
        assert table.kurtosis > 3
        assert table.count_dispersion[1] > 1.5
        assert table.impact[-1].move_bps > table.impact[0].move_bps
print("the stylised facts hold")

# %% [markdown]
# ## The picture
#
# One panel for each statistic, filled where recorded.

# %%
if len(sys.argv) < 2 or not sys.argv[1].endswith((".png", ".svg")):
    print("no picture asked for")
elif importlib.util.find_spec("matplotlib") is None:
    print("no picture: matplotlib is not installed (the extra `notebooks` has it)")
else:
    settings = tempfile.TemporaryDirectory(prefix="hats-notebook-")
    os.environ.setdefault("MPLCONFIGDIR", settings.name)
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    colours = {"BTC": "#c2710c", "ETH": "#3b5bdb"}
    figure, axes = plt.subplots(3, 3, figsize=(14, 11), constrained_layout=True)
    panels = axes.ravel()
    titles = (
        "Spread (bps: 10 %, median, 90 %)",
        "Depth near the mid (USD, one side)",
        "|return| autocorrelation, 1 s returns",
        "Kurtosis of 1 s returns (normal: 3)",
        "Trade-sign autocorrelation",
        "Variance / mean of trade counts (Poisson: 1)",
        "Impact in one second",
        "Trades and book updates a second",
        "Volatility of one second (bps)",
    )
    for panel, title in zip(panels, titles):
        panel.set_title(title, fontsize=11, loc="left")
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    names = sorted(tables)
    for place, name in enumerate(names):
        table, coin, is_recorded = tables[name], name[:3], name.endswith("recorded")
        line = {
            "color": colours[coin],
            "label": name,
            "linestyle": "-" if is_recorded else "--",
            "marker": "o",
            "markerfacecolor": colours[coin] if is_recorded else "white",
        }
        bar = {"color": colours[coin] if is_recorded else "white", "edgecolor": colours[coin], "linewidth": 1.5}
        low, middle, high = table.spread_bps
        panels[0].errorbar(
            [place], [middle], yerr=[[middle - low], [high - middle]], capsize=5, **{**line, "linestyle": "none"}
        )
        panels[1].plot(DEPTH_BPS, table.depth_usd, **line)
        panels[2].plot(RETURN_LAGS, table.abs_return_acf, **line)
        panels[3].bar([place], [table.kurtosis], **bar)
        panels[4].plot(SIGN_LAGS, table.sign_acf, **line)
        panels[5].plot(COUNT_SPANS_S, table.count_dispersion, **line)
        panels[6].plot([point.usd for point in table.impact], [point.move_bps for point in table.impact], **line)
        panels[7].bar([place, place + len(names) + 1], [table.trades_per_s, table.updates_per_s], **bar)
        panels[8].bar([place], [table.volatility_bps], **bar)
    for index in (0, 3, 8):
        panels[index].set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names], fontsize=9)
    panels[0].set_ylim(bottom=0)
    panels[1].set_yscale("log")
    panels[1].set_xlabel("distance from the mid (bps)")
    panels[2].set_xlabel("lag (s)")
    panels[2].axhline(0, color="black", linewidth=0.8)
    panels[4].set_xscale("log")
    panels[4].set_xticks(SIGN_LAGS, [str(lag) for lag in SIGN_LAGS])
    panels[4].set_xlabel("lag (trades)")
    panels[4].axhline(0, color="black", linewidth=0.8)
    panels[5].axhline(1, color="black", linewidth=0.8)
    panels[5].set_xticks(COUNT_SPANS_S)
    panels[5].set_xlabel("span (s)")
    panels[6].set_xscale("log")
    panels[6].set_xlabel("net volume taken (USD)")
    panels[6].set_ylabel("move of the mid toward it (bps)")
    panels[7].set_yscale("log")
    centre = (len(names) - 1) / 2
    panels[7].set_xticks([centre, centre + len(names) + 1], ["trades", "book updates"])
    panels[1].legend(frameon=False, fontsize=9)
    figure.suptitle("Synthetic market (dashed, hollow) beside a recording (solid, filled)", fontsize=14)
    figure.savefig(sys.argv[1], dpi=80)
    settings.cleanup()
    print(f"picture in {sys.argv[1]}")
