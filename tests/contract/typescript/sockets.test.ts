// Everything that an unmodified TypeScript client can ask or subscribe to: what this exchange answers, and what not.
// Run by tests/contract/test_typescript_client.py, which serves the exchange and sets VENUE_URL.
// A client that learns a new method, or an exchange that plays one more, is seen here: the lists are complete.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ExchangeClient, HttpTransport, InfoClient, SubscriptionClient, WebSocketTransport } from "@nktkas/hyperliquid";
import { Wallet } from "ethers";

const url = process.env.VENUE_URL;
assert.ok(url, "VENUE_URL names the exchange");

const http = new HttpTransport({ apiUrl: url, isTestnet: true });
const socket = new WebSocketTransport({ url: url.replace("http", "ws") + "/ws", isTestnet: true });
const wallet = Wallet.createRandom();
const trader = new ExchangeClient({ transport: http, wallet });
const user = wallet.address as `0x${string}`;
const NOBODY = `0x${"0".repeat(39)}7` as `0x${string}`;
const PURR = "0xc1fb593aeffbeb02f85e0308e9956a90";
const BTC = { coin: "BTC" };
const MINE = { user };

type Kind = "list" | "object" | "text" | "flag" | "null" | "number";

/** Every question that is answered: what it is asked with, and what kind of thing the answer is. */
const ANSWERED: Record<string, [Kind, object?]> = {
  activeAssetData: ["object", { ...MINE, ...BTC }],
  allMids: ["object"],
  allPerpMetas: ["list"],
  approvedBuilders: ["list", MINE],
  candleSnapshot: ["list", { ...BTC, interval: "1m", startTime: 0 }],
  clearinghouseState: ["object", MINE],
  delegations: ["list", MINE],
  delegatorHistory: ["list", MINE],
  delegatorRewards: ["list", MINE],
  delegatorSummary: ["object", MINE],
  exchangeStatus: ["object"],
  extraAgents: ["list", MINE],
  frontendOpenOrders: ["list", MINE],
  fundingHistory: ["list", { ...BTC, startTime: 0 }],
  historicalOrders: ["list", MINE],
  isVip: ["flag", MINE],
  l2Book: ["object", BTC],
  leadingVaults: ["list", MINE],
  legalCheck: ["object", MINE],
  liquidatable: ["list"],
  marginTable: ["object", { id: 40 }],
  maxBuilderFee: ["number", { ...MINE, builder: NOBODY }],
  maxMarketOrderNtls: ["list"],
  meta: ["object"],
  metaAndAssetCtxs: ["list"],
  openOrders: ["list", MINE],
  orderStatus: ["object", { ...MINE, oid: 1 }],
  outcomeMeta: ["object"],
  perpDexLimits: ["null", { dex: "" }],
  perpDexs: ["list"],
  perpDexStatus: ["object", { dex: "" }],
  perpsAtOpenInterestCap: ["list"],
  portfolio: ["list", MINE],
  preTransferCheck: ["object", { user: NOBODY, source: user }],
  predictedFundings: ["list"],
  recentTrades: ["list", BTC],
  referral: ["object", MINE],
  spotClearinghouseState: ["object", MINE],
  spotMeta: ["object"],
  spotMetaAndAssetCtxs: ["list"],
  subAccounts: ["null", MINE],
  subAccounts2: ["null", MINE],
  tokenDetails: ["object", { tokenId: PURR }],
  twapHistory: ["list", MINE],
  userAbstraction: ["text", MINE],
  userDexAbstraction: ["null", MINE],
  userFees: ["object", MINE],
  userFills: ["list", MINE],
  userFillsByTime: ["list", { ...MINE, startTime: 0 }],
  userFunding: ["list", { ...MINE, startTime: 0 }],
  userNonFundingLedgerUpdates: ["list", { ...MINE, startTime: 0 }],
  userRateLimit: ["object", MINE],
  userRole: ["object", MINE],
  userToMultiSigSigners: ["null", MINE],
  userTwapSliceFills: ["list", MINE],
  userTwapSliceFillsByTime: ["list", { ...MINE, startTime: 0 }],
  userVaultEquities: ["list", MINE],
  vaultDetails: ["null", { vaultAddress: NOBODY }],
  vaultSummaries: ["list"],
  webData2: ["object", MINE],
};

/** Every question about what is not played here: lending, deployment auctions, outcomes, validators, annotations. */
const UNANSWERED: Record<string, object | undefined> = {
  allBorrowLendReserveStates: undefined,
  borrowLendReserveState: { token: 0 },
  borrowLendUserState: MINE,
  gossipPriorityAuctionStatus: undefined,
  gossipRootIps: undefined,
  outcomeTemplates: undefined,
  perpAnnotation: BTC,
  perpCategories: undefined,
  perpConciseAnnotations: undefined,
  perpDeployAuctionStatus: undefined,
  settledOutcome: { outcome: 1 },
  spotDeployState: MINE,
  spotPairDeployAuctionStatus: undefined,
  usdcRouting: undefined,
  userBorrowLendInterest: { ...MINE, startTime: 0 },
  validatorL1Votes: undefined,
  validatorSummaries: undefined,
};

/** Subscriptions that say something at once, and what they are asked with. */
const SPEAKING: Record<string, object | undefined> = {
  activeAssetCtx: BTC,
  activeAssetData: { ...MINE, ...BTC },
  activeSpotAssetCtx: { coin: "@107" },
  allDexsAssetCtxs: undefined,
  allDexsClearinghouseState: MINE,
  allMids: undefined,
  assetCtxs: undefined,
  bbo: BTC,
  candle: { ...BTC, interval: "1m" },
  clearinghouseState: MINE,
  fastAssetCtxs: undefined,
  l2Book: BTC,
  openOrders: MINE,
  spotAssetCtxs: undefined,
  spotState: MINE,
  trades: BTC,
  twapStates: MINE,
  userFills: MINE,
  userFundings: MINE,
  userHistoricalOrders: MINE,
  userNonFundingLedgerUpdates: MINE,
  userTwapHistory: MINE,
  userTwapSliceFills: MINE,
  webData3: MINE,
};

/** Subscriptions that are silent until something happens to the user. */
const SILENT: Record<string, object> = { notification: MINE, orderUpdates: MINE, userEvents: MINE };

/** Subscriptions to what is not played here. */
const UNSERVED: Record<string, object | undefined> = { outcomeMetaUpdates: undefined };

function methods(client: { prototype: object }): string[] {
  return Object.getOwnPropertyNames(client.prototype).filter((name) => name !== "constructor").sort();
}

function kindOf(value: unknown): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return ({ object: "object", string: "text", boolean: "flag", number: "number" } as Record<string, Kind>)[typeof value];
}

/** Call a method by its name, with its parameters if it has any. */
function call(client: object, name: string, params: object | undefined, ...rest: unknown[]): Promise<any> {
  const given = params === undefined ? rest : [params, ...rest];
  return (client as any)[name](...given);
}

async function until(isGood: () => boolean, said: () => string): Promise<void> {
  const end = Date.now() + 15_000;
  while (!isGood()) {
    assert.ok(Date.now() < end, said());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

before(async () => {
  await trader.updateLeverage({ asset: 0, isCross: true, leverage: 10 });
  await socket.ready();
});
after(() => socket.close());

for (const [way, transport] of [["HTTP", http], ["socket", socket]] as const) {
  describe(`questions over ${way}`, () => {
    const info = new InfoClient({ transport });

    test("the client has these and no others", () => {
      assert.deepEqual(methods(InfoClient), [...Object.keys(ANSWERED), ...Object.keys(UNANSWERED)].sort());
    });

    for (const [name, [kind, params]] of Object.entries(ANSWERED)) {
      test(`${name} is answered`, async () => assert.equal(kindOf(await call(info, name, params)), kind));
    }

    for (const [name, params] of Object.entries(UNANSWERED)) {
      test(`${name} is refused as the protocol refuses`, async () => {
        await assert.rejects(call(info, name, params), /Failed to deserialize the JSON body into the target type/);
      });
    }
  });
}

describe("subscriptions", () => {
  const subscriptions = new SubscriptionClient({ transport: socket });
  const heard = new Map<string, unknown>();
  const listen = (name: string, params: object | undefined) =>
    call(subscriptions, name, params, (data: unknown) => void (heard.has(name) || heard.set(name, data)));

  test("the client has these and no others", () => {
    const names = [SPEAKING, SILENT, UNSERVED].flatMap((list) => Object.keys(list));
    assert.deepEqual(methods(SubscriptionClient), names.sort());
  });

  test("a first message comes where the venue sends one, and none where it does not", async () => {
    for (const [name, params] of Object.entries({ ...SILENT, ...SPEAKING })) await listen(name, params);
    const missing = () => Object.keys(SPEAKING).filter((name) => !heard.has(name));
    await until(() => missing().length === 0, () => `silent: ${missing()}`);
    assert.deepEqual(Object.keys(SILENT).filter((name) => heard.has(name)), []);
  });

  test("an order and its fill make the silent ones speak; nobody is notified of anything here", async () => {
    const mid = Number((await new InfoClient({ transport: http }).allMids()).BTC);
    const order = { a: 0, b: true, p: (mid * 1.03).toFixed(0), s: "0.01", r: false, t: { limit: { tif: "Ioc" as const } } };
    await trader.order({ orders: [order], grouping: "na" });
    await until(() => heard.has("orderUpdates") && heard.has("userEvents"), () => `heard ${[...heard.keys()]}`);
    assert.ok(!heard.has("notification"));
  });

  for (const [name, params] of Object.entries(UNSERVED)) {
    test(`${name} is refused as the protocol refuses`, async () => {
      await assert.rejects(call(subscriptions, name, params, () => {}), /Invalid subscription/);
    });
  }

  test("what is ended is silent, and can be asked for again", async () => {
    let count = 0;
    const first = await subscriptions.l2Book({ coin: "ETH" }, () => void count++);
    await until(() => count > 0, () => "no book");
    await first.unsubscribe();
    const after = count;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(count, after);
    await subscriptions.l2Book({ coin: "ETH" }, () => void count++);
    await until(() => count > after, () => "no book again");
  });
});
