// Plays a workload of rounds against a server: conversations whose turn it is stand in a ready queue,
// a random one of them is next, and so many requests at most are under way.

import { assert, defined, Random, sleep, type Clock } from "@loci/core";
import { SeenTokens } from "../load/seen-tokens.ts";
import { firstTokenMs, type TieredServer } from "../tiered/tiered-server.ts";
import type { RoundPlan, RoundWorkload } from "./round-workloads.ts";

export interface RoundRecord {
  readonly conversation: number;
  /** From 0. */
  readonly round: number;
  readonly lastRound: boolean;
  readonly firstTokenMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly unseenTokens: number;
}

interface Conversation {
  readonly index: number;
  readonly plan: RoundPlan;
  readonly history: number[];
  round: number;
}

interface Playing {
  readonly server: TieredServer;
  readonly workload: RoundWorkload;
  readonly clock: Clock;
  readonly random: Random;
  readonly seen: SeenTokens;
  readonly ready: Conversation[];
  readonly later: Conversation[];
  readonly records: RoundRecord[];
}

/** All rounds of all conversations; resolves when the last answer is complete. */
export async function playRounds(
  server: TieredServer,
  workload: RoundWorkload,
  { clock, seed }: { readonly clock: Clock; readonly seed: number },
): Promise<readonly RoundRecord[]> {
  const all = workload.plans.map((plan, index): Conversation => {
    return { index, plan, history: [...plan.prefix], round: 0 };
  });
  const playing: Playing = {
    server,
    workload,
    clock,
    random: new Random(seed),
    seen: new SeenTokens(),
    ready: all.slice(0, workload.activeMax),
    later: all.slice(workload.activeMax),
    records: [],
  };
  const underWay = new Set<Promise<void>>();
  while (playing.ready.length > 0 || underWay.size > 0) {
    if (playing.ready.length === 0 || underWay.size >= workload.parallel) {
      await Promise.race(underWay);
      continue;
    }
    const place = playing.random.integer(0, playing.ready.length - 1);
    const next = defined(playing.ready.splice(place, 1)[0]);
    const turn: Promise<void> = takeTurn(playing, next).finally(() => underWay.delete(turn));
    underWay.add(turn);
    await pause(playing);
  }
  const planned = workload.plans.reduce((sum, { rounds }) => sum + rounds.length, 0);
  assert(playing.records.length === planned, "every round was played");
  return playing.records;
}

async function pause({ workload, random, clock }: Playing): Promise<void> {
  if (workload.rate === 0) return;
  await sleep(clock, (-1000 * Math.log(1 - random.next())) / workload.rate);
}

async function takeTurn(playing: Playing, conversation: Conversation): Promise<void> {
  const { server, seen, ready, later, records } = playing;
  const { history, plan, index, round } = conversation;
  const { question, answer } = defined(plan.rounds[round]);
  history.push(...question);
  const unseenTokens = seen.observe(history);
  const record = await server.ask(history, answer);
  const lastRound = round + 1 === plan.rounds.length;
  records.push({
    conversation: index,
    round,
    lastRound,
    firstTokenMs: firstTokenMs(record),
    promptTokens: history.length,
    cachedTokens: defined(record.usage).cachedTokens,
    unseenTokens,
  });
  history.push(...record.tokenIds);
  seen.observe(history);
  conversation.round++;
  const next = lastRound ? later.shift() : conversation;
  if (next !== undefined) ready.push(next);
}
