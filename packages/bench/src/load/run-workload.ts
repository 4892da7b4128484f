// Plays planned conversations against a server: open loop in their starts, closed loop within a
// conversation (a user reads an answer before the next message). Every request is recorded with
// what an ideal cache would have had to compute for it.

import { sleep } from "@loci/core";
import { Turnstile } from "./turnstile.ts";
import { complete, type CompletionRecord, type StreamTarget } from "./stream-client.ts";
import { SeenTokens } from "./seen-tokens.ts";
import type { ConversationPlan } from "./workload.ts";

export interface RequestRecord extends CompletionRecord {
  readonly conversation: number;
  readonly turn: number;
  /** When the plan and the bound on requests wanted it sent, on the clock of the other times. */
  readonly scheduledMs: number;
  readonly promptTokens: number;
  readonly answerTokensAsked: number;
  /** Prompt tokens that no earlier prompt or answer held as a prefix. */
  readonly unseenTokens: number;
}

export interface WorkloadRun {
  readonly model: string;
  readonly plans: readonly ConversationPlan[];
  /** The whole run is given up after this long. */
  readonly deadlineMs: number;
  /** Requests at the same time, at most; others wait in the order of their plan. Default no bound. */
  readonly requestsMax?: number;
  readonly onRequest: (record: RequestRecord) => void;
}

/** Plays all conversations; resolves when the last one is over. */
export async function runWorkload(
  target: StreamTarget,
  run: WorkloadRun,
): Promise<readonly RequestRecord[]> {
  const deadline = new AbortController();
  const cancel = target.clock.after(run.deadlineMs, () => deadline.abort());
  const startMs = target.clock.nowMs();
  const seen = new SeenTokens();
  const turnstile = new Turnstile(run.requestsMax ?? Number.POSITIVE_INFINITY);
  const all = run.plans.map((plan) =>
    converse(target, { run, plan, seen, turnstile, startMs }, deadline),
  );
  const records = (await Promise.all(all)).flat();
  cancel();
  return records;
}

interface Conversation {
  readonly run: WorkloadRun;
  readonly plan: ConversationPlan;
  readonly seen: SeenTokens;
  readonly turnstile: Turnstile;
  readonly startMs: number;
}

async function converse(
  target: StreamTarget,
  { run, plan, seen, turnstile, startMs }: Conversation,
  deadline: AbortController,
): Promise<readonly RequestRecord[]> {
  const records: RequestRecord[] = [];
  const history: number[] = [];
  let scheduledMs = startMs + plan.startMs;
  for (const [turn, message] of plan.messages.entries()) {
    await sleep(target.clock, Math.max(0, scheduledMs - target.clock.nowMs()));
    if (await turnstile.enter()) scheduledMs = target.clock.nowMs();
    history.push(...message);
    const unseenTokens = seen.observe(history);
    const completion = await complete(
      target,
      { model: run.model, promptTokens: history, answerTokens: plan.answerTokens },
      deadline.signal,
    );
    turnstile.leave();
    const record: RequestRecord = {
      ...completion,
      conversation: plan.index,
      turn,
      scheduledMs,
      promptTokens: history.length,
      answerTokensAsked: plan.answerTokens,
      unseenTokens,
    };
    const checked = { ...record, error: record.error ?? mismatch(record) };
    records.push(checked);
    run.onRequest(checked);
    // Without its answer a conversation cannot go on; its missing turns count as failures.
    if (checked.error !== null) break;
    history.push(...completion.tokenIds);
    seen.observe(history);
    scheduledMs = completion.endMs + (plan.thinkMsOfTurn?.[turn] ?? plan.thinkMs);
  }
  return records;
}

/** Counts that differ from what was asked void the comparison of work. */
function mismatch(record: RequestRecord): string | null {
  if (record.usage === null) return "the stream ended without usage";
  const { promptTokens, completionTokens } = record.usage;
  if (promptTokens !== record.promptTokens) {
    return `the server counted ${promptTokens} prompt tokens, ${record.promptTokens} were sent`;
  }
  if (completionTokens !== record.answerTokensAsked) {
    return `the server generated ${completionTokens} tokens, not ${record.answerTokensAsked}`;
  }
  if (record.tokenIds.length !== completionTokens) {
    return `the stream held ${record.tokenIds.length} ids of ${completionTokens} tokens`;
  }
  return null;
}
