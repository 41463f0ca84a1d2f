// An unmodified TypeScript client trades on the local exchange, over HTTP and over one WebSocket.
// Run by tests/contract/test_typescript_client.py, which serves the exchange and sets VENUE_URL.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ExchangeClient, HttpTransport, InfoClient, SubscriptionClient, WebSocketTransport } from "@nktkas/hyperliquid";
import { Wallet } from "ethers";

const url = process.env.VENUE_URL;
assert.ok(url, "VENUE_URL names the exchange");

const http = new HttpTransport({ apiUrl: url, isTestnet: true });
const info = new InfoClient({ transport: http });

const BTC = 0;
const ETH = 1;
const DECIMAL = /^-?\d+\.\d+$/;

/** A key that the exchange funds when it first signs. */
function trader(transport: HttpTransport | WebSocketTransport = http) {
  const wallet = Wallet.createRandom();
  const client = new ExchangeClient({ transport, wallet });
  return { wallet, client, user: wallet.address as `0x${string}` };
}

/** Price of `coin` moved by `share`, on a tick that is valid for any price above 10,000 or so. */
async function priceNear(coin: string, share: number): Promise<string> {
  const mid = Number((await info.allMids())[coin]);
  const px = mid * (1 + share);
  const digits = Math.max(0, 4 - Math.floor(Math.log10(px)));
  return String(Number(px.toFixed(Math.min(digits, 1))));
}

/** The first value that `ask` gives and `isGood` likes, within ten seconds. */
async function eventually<T>(ask: () => Promise<T>, isGood: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    const value = await ask();
    if (isGood(value)) return value;
    assert.ok(Date.now() < end, `never came: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function limit(a: number, b: boolean, p: string, s: string, tif: "Gtc" | "Ioc" | "Alo", extra: object = {}) {
  return { a, b, p, s, r: false, t: { limit: { tif } }, ...extra };
}

/** The only status of an order reply, which must be an object. */
function only(reply: { response: { data: { statuses: unknown[] } } }): any {
  const statuses = reply.response.data.statuses;
  assert.equal(statuses.length, 1, JSON.stringify(reply));
  return statuses[0];
}

describe("markets", () => {
  test("metadata, contexts and mids agree on the coins", async () => {
    const [meta, ctxs] = await info.metaAndAssetCtxs();
    assert.deepEqual(meta.universe.slice(0, 2).map((row) => row.name), ["BTC", "ETH"]);
    assert.equal(ctxs.length, meta.universe.length);
    assert.match(ctxs[BTC].markPx, DECIMAL);
    const mids = await info.allMids();
    for (const row of meta.universe) assert.match(mids[row.name], DECIMAL);
    const table = new Map(meta.marginTables);
    for (const row of meta.universe) assert.ok(row.marginTableId < 50 || table.has(row.marginTableId));
  });

  test("a book is ordered, two-sided and not crossed, and can be had coarser", async () => {
    const book = await eventually(
      () => info.l2Book({ coin: "BTC" }),
      (value) => value !== null && value.levels[0].length > 3 && value.levels[1].length > 3,
    );
    const [bids, asks] = book!.levels.map((side) => side.map((level) => Number(level.px)));
    assert.ok(bids[0] < asks[0]);
    assert.deepEqual(bids, [...bids].sort((a, b) => b - a));
    assert.deepEqual(asks, [...asks].sort((a, b) => a - b));
    const coarse = await info.l2Book({ coin: "BTC", nSigFigs: 3 });
    assert.ok(coarse!.levels[0].length <= bids.length);
    assert.equal(await info.l2Book({ coin: "NOSUCH" }), null);
  });

  test("candles, trades, funding and status", async () => {
    const candles = await eventually(
      () => info.candleSnapshot({ coin: "BTC", interval: "1m", startTime: Date.now() - 600_000 }),
      (value) => value.length > 0,
    );
    assert.equal(candles[0].T - candles[0].t, 59_999);
    const trades = await eventually(() => info.recentTrades({ coin: "BTC" }), (value) => value.length > 0);
    assert.ok(["A", "B"].includes(trades[0].side));
    assert.ok(Array.isArray(await info.fundingHistory({ coin: "BTC", startTime: 0 })));
    assert.equal((await info.predictedFundings())[0][0], "BTC");
    assert.equal((await info.exchangeStatus()).specialStatuses, null);
    assert.equal((await info.perpDexs())[0], null);
    await info.spotMeta();
  });
});

describe("orders", () => {
  test("a resting order is found everywhere and cancelled once", async () => {
    const { client, user } = trader();
    const cloid = `0x${"ab".repeat(16)}` as `0x${string}`;
    const p = await priceNear("BTC", -0.2);
    const { resting } = only(await client.order({ orders: [limit(BTC, true, p, "0.01", "Gtc", { c: cloid })], grouping: "na" }));
    assert.equal(resting.cloid, cloid);
    const open = await info.openOrders({ user });
    assert.equal(open.length, 1);
    assert.equal(open[0].oid, resting.oid);
    const full = await info.frontendOpenOrders({ user });
    assert.equal(full[0].tif, "Gtc");
    const status = await info.orderStatus({ user, oid: cloid });
    assert.equal(status.status === "order" && status.order.status, "open");
    await client.cancelByCloid({ cancels: [{ asset: BTC, cloid }] });
    await assert.rejects(client.cancel({ cancels: [{ a: BTC, o: resting.oid }] }), /never placed, already canceled, or filled/);
    assert.deepEqual(await info.openOrders({ user }), []);
  });

  test("an IOC fills, makes a position, and reduce-only closes it", async () => {
    const { client, user } = trader();
    const { filled } = only(await client.order({ orders: [limit(ETH, true, await priceNear("ETH", 0.03), "0.1", "Ioc")], grouping: "na" }));
    assert.equal(filled.totalSz, "0.1");
    const state = await info.clearinghouseState({ user });
    assert.equal(state.assetPositions[0].position.szi, "0.1");
    const close = { ...limit(ETH, false, await priceNear("ETH", -0.03), "0.5", "Ioc"), r: true };
    assert.ok(only(await client.order({ orders: [close], grouping: "na" })).filled);
    assert.deepEqual((await info.clearinghouseState({ user })).assetPositions, []);
    const fills = await info.userFills({ user });
    assert.deepEqual(new Set(fills.map((fill) => fill.dir)), new Set(["Open Long", "Close Long"]));
    assert.ok(fills.every((fill) => Number(fill.fee) > 0));
  });

  test("modify and batchModify replace an order", async () => {
    const { client, user } = trader();
    const first = only(await client.order({ orders: [limit(BTC, true, await priceNear("BTC", -0.2), "0.01", "Gtc")], grouping: "na" }));
    const moved = limit(BTC, true, await priceNear("BTC", -0.25), "0.02", "Alo");
    await client.modify({ oid: first.resting.oid, order: moved });
    const [open] = await info.openOrders({ user });
    assert.equal(open.sz, "0.02");
    const again = only(await client.batchModify({ modifies: [{ oid: open.oid, order: { ...moved, s: "0.03" } }] }));
    assert.equal((await info.openOrders({ user }))[0].oid, again.resting.oid);
  });

  test("what the venue refuses reaches the client as its own words", async () => {
    const { client } = trader();
    const tiny = client.order({ orders: [limit(BTC, true, await priceNear("BTC", -0.2), "0.00001", "Gtc")], grouping: "na" });
    await assert.rejects(tiny, /Order must have minimum value of \$10/);
    const wild = client.order({ orders: [limit(BTC, true, "12345.67", "0.01", "Gtc")], grouping: "na" });
    await assert.rejects(wild, /tick size/);
    const far = client.order({ orders: [limit(BTC, true, await priceNear("BTC", 0.01), "0.01", "Alo")], grouping: "na" });
    await assert.rejects(far, /Post only order would have immediately matched/);
  });

  test("leverage changes what a position may cost", async () => {
    const { client, user } = trader();
    await client.updateLeverage({ asset: ETH, isCross: true, leverage: 3 });
    const data = await info.activeAssetData({ user, coin: "ETH" });
    assert.deepEqual([data.leverage.type, data.leverage.value], ["cross", 3]);
    await assert.rejects(client.updateLeverage({ asset: ETH, isCross: true, leverage: 1000 }), /Invalid leverage value/);
  });
});

/** A stop or take-profit that closes a long of `s`. */
function trigger(a: number, p: string, s: string, tpsl: "tp" | "sl") {
  return { a, b: false, p, s, r: true, t: { trigger: { isMarket: true, triggerPx: p, tpsl } } };
}

describe("waiting orders", () => {
  test("a bracket waits for its parent and goes with it", async () => {
    const { client, user } = trader();
    const [p, high, low] = await Promise.all([-0.05, 0.2, -0.2].map((share) => priceNear("BTC", share)));
    const orders = [limit(BTC, true, p, "0.01", "Gtc"), trigger(BTC, high, "0.01", "tp"), trigger(BTC, low, "0.01", "sl")];
    const reply = await client.order({ orders, grouping: "normalTpsl" });
    const [parent, ...children] = reply.response.data.statuses;
    assert.deepEqual(children, ["waitingForFill", "waitingForFill"]);
    const open = await info.frontendOpenOrders({ user });
    assert.deepEqual(new Set(open.map((order) => order.orderType)), new Set(["Limit", "Take Profit Market", "Stop Market"]));
    assert.equal(open.find((order) => order.orderType === "Limit")!.children.length, 2);
    await client.cancel({ cancels: [{ a: BTC, o: (parent as any).resting.oid }] });
    assert.deepEqual(await info.frontendOpenOrders({ user }), []);
  });

  test("a stop tied to the position closes with it", async () => {
    const { client, user } = trader();
    only(await client.order({ orders: [limit(ETH, true, await priceNear("ETH", 0.03), "0.2", "Ioc")], grouping: "na" }));
    await client.order({ orders: [trigger(ETH, await priceNear("ETH", -0.2), "0", "sl")], grouping: "positionTpsl" });
    assert.equal((await info.frontendOpenOrders({ user }))[0].isPositionTpsl, true);
    const close = { ...limit(ETH, false, await priceNear("ETH", -0.03), "0.2", "Ioc"), r: true };
    only(await client.order({ orders: [close], grouping: "na" }));
    assert.deepEqual(await info.frontendOpenOrders({ user }), []);
  });
});

describe("margin", () => {
  test("isolated margin is added, and lowers the liquidation price", async () => {
    const { client, user } = trader();
    await client.updateLeverage({ asset: ETH, isCross: false, leverage: 4 });
    only(await client.order({ orders: [limit(ETH, true, await priceNear("ETH", 0.03), "0.5", "Ioc")], grouping: "na" }));
    const position = async () => (await info.clearinghouseState({ user })).assetPositions[0].position;
    const before = await position();
    assert.equal(before.leverage.type, "isolated");
    await client.updateIsolatedMargin({ asset: ETH, isBuy: true, ntli: 50 * 1e6 });
    assert.ok(Number((await position()).liquidationPx) < Number(before.liquidationPx));
    await client.topUpIsolatedOnlyMargin({ asset: ETH, leverage: "2" });
  });
});

describe("money", () => {
  test("class transfers, sends and withdrawals are in the ledger", async () => {
    const [{ client, user }, other] = [trader(), trader()];
    await client.usdClassTransfer({ amount: "100", toPerp: false });
    const { balances } = await info.spotClearinghouseState({ user });
    assert.equal(balances.find((row) => row.coin === "USDC")!.total, "100.0");
    await client.usdSend({ destination: other.user, amount: "50" });
    await client.withdraw3({ destination: user, amount: "20" });
    const kinds = (await info.userNonFundingLedgerUpdates({ user, startTime: 0 })).map((row) => row.delta.type);
    for (const kind of ["accountClassTransfer", "withdraw"]) assert.ok(kinds.includes(kind as any), kinds.join());
    await assert.rejects(client.usdSend({ destination: other.user, amount: "10000000" }), /Insufficient balance/);
  });

  test("a builder is approved before it may charge", async () => {
    const [{ client, user }, builder] = [trader(), trader()];
    await builder.client.noop({ nonce: Date.now() });
    const order = limit(ETH, true, await priceNear("ETH", 0.03), "0.1", "Ioc");
    const charged = () => client.order({ orders: [order], grouping: "na", builder: { b: builder.user, f: 10 } });
    await assert.rejects(charged(), /Builder fee has not been approved/);
    await client.approveBuilderFee({ builder: builder.user, maxFeeRate: "0.01%" });
    only(await charged());
    assert.equal(await info.maxBuilderFee({ user, builder: builder.user }), 10);
    assert.ok(Number((await info.userFills({ user }))[0].builderFee) > 0);
  });
});

describe("timed orders", () => {
  test("a TWAP runs until it is cancelled", async () => {
    const { client, user } = trader();
    const reply = await client.twapOrder({ twap: { a: ETH, b: true, s: "1", r: false, m: 5, t: false } });
    const { twapId } = (reply.response.data.status as any).running;
    await client.twapCancel({ a: ETH, t: twapId });
    const [latest] = await info.twapHistory({ user });
    assert.equal(latest.state.coin, "ETH");
    await assert.rejects(client.twapOrder({ twap: { a: ETH, b: true, s: "0.001", r: false, m: 5, t: false } }), /TWAP/);
  });

  test("a dead man's switch needs volume first, and weight can be bought", async () => {
    const { client } = trader();
    await assert.rejects(client.scheduleCancel({ time: Date.now() + 60_000 }), /until enough volume traded/);
    await client.reserveRequestWeight({ weight: 10 });
  });
});

describe("agents", () => {
  test("an approved agent trades for its master, and an unknown key does not", async () => {
    const { client, user } = trader();
    const agent = Wallet.createRandom();
    await client.approveAgent({ agentAddress: agent.address, agentName: "desk" });
    const byAgent = new ExchangeClient({ transport: http, wallet: agent });
    only(await byAgent.order({ orders: [limit(BTC, true, await priceNear("BTC", -0.2), "0.01", "Gtc")], grouping: "na" }));
    assert.equal((await info.openOrders({ user })).length, 1);
    assert.equal((await info.extraAgents({ user }))[0].name, "desk");
    assert.deepEqual(await info.userRole({ user: agent.address }), { role: "agent", data: { user: user.toLowerCase() } });
  });
});

describe("one socket", () => {
  const socket = new WebSocketTransport({ url: url!.replace("http", "ws") + "/ws", isTestnet: true });
  const subscriptions = new SubscriptionClient({ transport: socket });
  before(() => socket.ready());
  after(() => socket.close());

  test("market channels speak", async () => {
    const heard = new Map<string, unknown>();
    const note = (name: string) => (data: unknown) => void heard.set(name, data);
    await subscriptions.allMids(note("allMids"));
    await subscriptions.l2Book({ coin: "BTC" }, note("l2Book"));
    await subscriptions.bbo({ coin: "BTC" }, note("bbo"));
    await subscriptions.trades({ coin: "BTC" }, note("trades"));
    await subscriptions.candle({ coin: "BTC", interval: "1m" }, note("candle"));
    await subscriptions.activeAssetCtx({ coin: "BTC" }, note("activeAssetCtx"));
    await eventually(async () => heard.size, (size) => size === 6);
  });

  test("a user's channels tell of an order and its fill, and posts are answered", async () => {
    const { client, user } = trader(socket);
    const updates: string[] = [];
    const fills: unknown[] = [];
    await subscriptions.orderUpdates({ user }, (data) => updates.push(...data.map((entry) => entry.status)));
    await subscriptions.userFills({ user }, (data) => data.isSnapshot || fills.push(...data.fills));
    only(await client.order({ orders: [limit(ETH, true, await priceNear("ETH", 0.03), "0.1", "Ioc")], grouping: "na" }));
    await eventually(async () => fills.length, (count) => count > 0);
    assert.ok(updates.includes("filled"), updates.join());
    const state = await new InfoClient({ transport: socket }).clearinghouseState({ user });
    assert.equal(state.assetPositions[0].position.coin, "ETH");
  });
});
