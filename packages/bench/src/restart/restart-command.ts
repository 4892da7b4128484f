// `bench restart`: a server with a disk tier is killed without warning and started again. Time to
// first token of each conversation's next turn, against the same turn on a server that has the same
// settings and an empty folder. Both stay side by side; one works while the other sleeps.

import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { defined, type Clock } from "@loci/core";
import { openOutput, type Output } from "../measure/output.ts";
import { pinSelf, planCores } from "../measure/pinning.ts";
import { atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { median } from "../measure/statistics.ts";
import { barChart } from "../report/bar-chart.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { cacheArgs } from "../tiered/cache-args.ts";
import { pairRatios, ratioText, type PairRatios } from "../tiered/pair-ratios.ts";
import { RandomTokens } from "../tiered/random-tokens.ts";
import { findTieredModel, kvBytesPerToken } from "../tiered/tiered-model.ts";
import { registerTiered, type TieredOptions } from "../tiered/tiered-options.ts";
import { firstTokenMs, TieredServer } from "../tiered/tiered-server.ts";

/** Histories from which a restart must pay. */
/** The cache matches token by token: random prompts may begin alike. */
const chanceTokens = 2;
const longTokens = 1024;
const longBar = 0.4;
const anyBar = 1.05;
const answerTokens = 8;
const newTokens = 64;
const warmUpTokens = 768;
const warmUps = 4;

export function registerRestart(program: Command, clock: Clock): void {
  const command = {
    name: "restart",
    description: "next turns after kill -9 with a disk tier, against computing the history again",
    pairs: 6,
  };
  registerTiered(program, command, (options) => restartBench(options, clock));
}

interface Conversation {
  readonly historyTokens: number;
  readonly pair: number;
  readonly history: number[];
}

interface Turn extends Conversation {
  readonly restoredMs: number;
  readonly computedMs: number;
  readonly restoredCached: number;
  readonly computedCached: number;
  /** The greedy answers agree. */
  readonly sameAnswer: boolean;
}

async function restartBench(options: TieredOptions, clock: Clock): Promise<void> {
  const output = openOutput("restart", options, clock);
  const cores = planCores(options.threads);
  const quick = options.quick === true;
  if (!quick) pinSelf(cores.clientCores);
  const modelPath = findTieredModel(options.model, output.progress);
  const lengths = quick ? [64, 512] : [64, 128, 256, 512, 1024, 2048, 4096, 8192];
  const longest = Math.max(...lengths);
  const tokens = new RandomTokens(tokenIdRange(modelPath), options.seed);
  const pairs = quick ? 1 : options.pairs;
  const conversations = lengths.flatMap((historyTokens) =>
    Array.from({ length: pairs }, (_, pair): Conversation => {
      return { historyTokens, pair, history: tokens.draw(historyTokens) };
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), "bench-restart-"));
  const bytesPerToken = kvBytesPerToken(modelPath);
  const start = (label: string, kept: string): Promise<TieredServer> => {
    const diskPath = join(folder, kept);
    const poolTokens = 2 * longest + 4096;
    const args = cacheArgs({ bytesPerToken, poolTokens, hostTokens: 0, diskPath });
    const fixed = { modelPath, cores, contextTokens: longest + 1024, folder: output.folder };
    return TieredServer.start({ ...fixed, label, cacheArgs: args }, clock);
  };
  try {
    await firstLife(() => start("before", "kept"), conversations, output);
    await using restarted = await start("after", "kept");
    await using empty = await start("empty", "empty");
    const servers = { restarted, empty };
    await warmUp(servers, tokens);
    const turns: Turn[] = [];
    output.begin(conversations.length);
    for (const [index, each] of conversations.entries()) {
      const turn = await nextTurn(servers, each, { prompt: tokens.draw(newTokens), index });
      turns.push(turn);
      output.done();
      const { history: _, ...row } = turn;
      appendFileSync(join(output.folder, "turns.jsonl"), `${JSON.stringify(row)}\n`);
    }
    finish(output, turns, { options, startMs: restarted.startMs });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All conversations' first turns; the server is killed once its disk has them. */
async function firstLife(
  start: () => Promise<TieredServer>,
  conversations: readonly Conversation[],
  output: Output,
): Promise<void> {
  const server = await start();
  try {
    for (const { history } of conversations) {
      const { tokenIds } = await server.ask(history, answerTokens);
      history.push(...tokenIds);
    }
    await server.settled();
  } finally {
    await server.kill();
  }
  output.progress(`${conversations.length} conversations begun, server killed`);
}

interface Servers {
  readonly restarted: TieredServer;
  readonly empty: TieredServer;
}

/** Both learn how fast they compute, with other tokens. */
async function warmUp({ restarted, empty }: Servers, tokens: RandomTokens): Promise<void> {
  for (let count = 0; count < warmUps; count++) {
    for (const server of [restarted, empty]) await server.ask(tokens.draw(warmUpTokens), 2);
  }
}

async function nextTurn(
  { restarted, empty }: Servers,
  conversation: Conversation,
  { prompt, index }: { readonly prompt: readonly number[]; readonly index: number },
): Promise<Turn> {
  const all = conversation.history.concat(prompt);
  const ask = async (server: TieredServer): ReturnType<TieredServer["ask"]> => {
    await server.settled();
    return server.ask(all, answerTokens);
  };
  // Which arm is first alternates: AB BA.
  const emptyFirst = index % 2 === 1;
  const early = emptyFirst ? await ask(empty) : null;
  const restored = await ask(restarted);
  const computed = early ?? (await ask(empty));
  return {
    ...conversation,
    restoredMs: firstTokenMs(restored),
    computedMs: firstTokenMs(computed),
    restoredCached: defined(restored.usage).cachedTokens,
    computedCached: defined(computed.usage).cachedTokens,
    sameAnswer: String(restored.tokenIds) === String(computed.tokenIds),
  };
}

interface LengthResult {
  readonly historyTokens: number;
  readonly restoredMs: readonly number[];
  readonly computedMs: readonly number[];
  readonly ratios: PairRatios;
  /** Of the history, the share that the restarted server did not compute. */
  readonly cachedShare: number;
  readonly sameAnswers: number;
}

function resultOf(turns: readonly Turn[], historyTokens: number, seed: number): LengthResult {
  const own = turns.filter((turn) => turn.historyTokens === historyTokens);
  const restoredMs = own.map((turn) => turn.restoredMs);
  const computedMs = own.map((turn) => turn.computedMs);
  const cached = own.reduce((sum, turn) => sum + turn.restoredCached, 0);
  return {
    historyTokens,
    restoredMs,
    computedMs,
    ratios: defined(pairRatios(restoredMs, computedMs, seed)),
    cachedShare: cached / (own.length * (historyTokens + answerTokens - 1)),
    sameAnswers: own.filter(({ sameAnswer }) => sameAnswer).length,
  };
}

function finish(
  output: Output,
  turns: readonly Turn[],
  { options, startMs }: { readonly options: TieredOptions; readonly startMs: number },
): void {
  const lengths = [...new Set(turns.map(({ historyTokens }) => historyTokens))];
  const results = lengths.map((length) => resultOf(turns, length, options.seed));
  const head = [
    "history",
    "after restart ms",
    "computed ms",
    "ratio (95 %)",
    "cached",
    "same answer",
  ];
  const rows = results.map((result) => [
    String(result.historyTokens),
    shortNumber(median(result.restoredMs)),
    shortNumber(median(result.computedMs)),
    ratioText(result.ratios),
    `${(100 * result.cachedShare).toFixed(1)} %`,
    `${result.sameAnswers} of ${result.ratios.perPair.length}`,
  ]);
  output.show(table([head, ...rows]));
  const groups = results.map(({ historyTokens, restoredMs, computedMs }) => ({
    name: `history of ${historyTokens}`,
    bars: [
      { series: "after restart", samples: restoredMs },
      { series: "computed", samples: computedMs },
    ],
  }));
  output.plot("restart", barChart({ title: "Time to first token", unit: "ms", groups }));
  const timed = results.map((result): Bar => {
    const limit = result.historyTokens >= longTokens ? longBar : anyBar;
    const name = `TTFT after restart : computed, ${result.historyTokens} tokens`;
    return atMost(name, result.ratios.geometricMean, limit, "x");
  });
  const leaked = turns.reduce((most, turn) => Math.max(most, turn.computedCached), 0);
  const counted = atMost("tokens that the empty server found", leaked, chanceTokens, "tokens");
  output.finish({
    benchmark: "restart",
    bars: options.quick === true ? [counted] : [...timed, counted],
    figures: {
      restartMs: startMs,
      lengths: results.map(lengthFigures),
    },
  });
}

function lengthFigures({ ratios, ...rest }: LengthResult): Figure {
  return Object.assign(rest, { ratios: { ...ratios } });
}
