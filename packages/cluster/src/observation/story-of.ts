// The story of one request that several workers may have had: each tells its own part, the router says
// when each had it. Of a worker that is gone, what the router saw stands in.

import { viewLimits } from "@loci/core";
import type { RequestStory, StoryPhase } from "@loci/core";
import type { AttemptNote, AttemptNotes } from "./attempt-notes.ts";

export interface StoryParts {
  readonly notes: AttemptNotes;
  /** What workers tell, by the attempts' ids. */
  readonly told: ReadonlyMap<string, RequestStory>;
  readonly placement: object | null;
  readonly nowMs: number;
}

export function storyOf({ notes, told, placement, nowMs }: StoryParts): RequestStory {
  const stories = notes.attempts.flatMap(({ id }) => told.get(id) ?? []);
  // Who gave the first token had computed the prompt.
  const first = stories.find(({ firstTokenSeconds }) => firstTokenSeconds !== null);
  const source = first ?? stories.at(-1);
  const seconds = (ms: number | null): number | null =>
    ms === null ? null : Math.max(0, ms - notes.submittedMs) / 1000;
  return {
    id: notes.id,
    tenant: notes.tenant,
    session: notes.session,
    worker: notes.attempts.at(-1)?.workerId ?? null,
    phases: bounded(phasesOf(notes, told, nowMs)),
    promptTokens: notes.promptTokens,
    ...sourcesOf(source, notes),
    generatedTokens: notes.generatedTokens,
    predicted: source?.predicted ?? null,
    firstTokenSeconds: seconds(notes.firstTokenMs),
    endSeconds: seconds(notes.endMs),
    finishReason: notes.finishReason,
    placement,
  };
}

type Sources = Pick<
  RequestStory,
  "fromDevice" | "fromHost" | "fromDisk" | "fromPeer" | "recomputedTokens"
>;

/** An engine that only counts has all that is cached in its device. */
function sourcesOf(story: RequestStory | undefined, { cachedTokens }: AttemptNotes): Sources {
  const counted = { fromHost: 0, fromDisk: 0, fromPeer: 0, recomputedTokens: 0 };
  if (story === undefined) return { fromDevice: cachedTokens, ...counted };
  const { fromDevice, fromHost, fromDisk, fromPeer, recomputedTokens } = story;
  return { fromDevice, fromHost, fromDisk, fromPeer, recomputedTokens };
}

function phasesOf(
  { attempts, submittedMs, endMs }: AttemptNotes,
  told: ReadonlyMap<string, RequestStory>,
  nowMs: number,
): StoryPhase[] {
  const seconds = (ms: number): number => Math.max(0, ms - submittedMs) / 1000;
  const untilMs = endMs ?? nowMs;
  const phases: StoryPhase[] = [];
  let before: AttemptNote | null = null;
  let reached = 0;
  for (const attempt of attempts) {
    const [start, end] = [seconds(attempt.startMs), seconds(attempt.endMs ?? untilMs)];
    const pause = between(before, reached, start);
    if (pause !== null) phases.push(pause);
    const story = told.get(attempt.id);
    const own =
      story === undefined || story.phases.length === 0
        ? seen(attempt, untilMs, seconds)
        : shifted(story, start, end);
    phases.push(...(attempts.length > 1 ? named(own, attempt.workerId) : own));
    reached = end;
    before = attempt;
  }
  const isWaiting = before === null || (endMs === null && before.endMs !== null);
  const pause = isWaiting ? between(before, reached, seconds(untilMs)) : null;
  if (pause !== null) phases.push(pause);
  // What came after its last worker was only to tell the client.
  const last = phases.pop();
  return last === undefined ? [] : [...phases, { ...last, endSeconds: seconds(untilMs) }];
}

/** From one worker to the next, or to the first. */
function between(before: AttemptNote | null, from: number, to: number): StoryPhase | null {
  const times = { startSeconds: from, endSeconds: Math.max(from, to), tokens: 0 };
  if (before === null) {
    return to > from ? { phase: "waiting", ...times, note: "until a worker was chosen" } : null;
  }
  const why = before.failure?.replaceAll("_", " ") ?? "given up";
  return { phase: "rescued", ...times, note: `moved from ${before.workerId}: ${why}` };
}

/** The worker's own words, at the time at which it had the request. */
function shifted({ phases }: RequestStory, start: number, end: number): StoryPhase[] {
  const at = (seconds: number): number => Math.min(end, start + seconds);
  return phases.map((phase, index) => ({
    ...phase,
    startSeconds: at(phase.startSeconds),
    // What the way to here took belongs to the last one.
    endSeconds: index === phases.length - 1 ? end : at(phase.endSeconds),
  }));
}

/** What the router saw of it. */
function seen(
  { startMs, startedMs, firstTokenMs, endMs, tokens }: AttemptNote,
  untilMs: number,
  seconds: (ms: number) => number,
): StoryPhase[] {
  const end = endMs ?? untilMs;
  const steps = [
    { phase: "waiting", from: startMs, to: startedMs ?? end, tokens: 0 },
    { phase: "prefill", from: startedMs, to: firstTokenMs ?? end, tokens: 0 },
    { phase: "decode", from: firstTokenMs, to: end, tokens },
  ] as const;
  return steps.flatMap(({ phase, from, to, tokens: count }): StoryPhase[] => {
    if (from === null || (to <= from && count === 0)) return [];
    const times = { startSeconds: seconds(from), endSeconds: seconds(to) };
    return [{ phase, ...times, tokens: count, note: null }];
  });
}

function named(phases: readonly StoryPhase[], workerId: string): StoryPhase[] {
  return phases.map((phase, index) =>
    index > 0
      ? phase
      : {
          ...phase,
          note: phase.note === null ? `on ${workerId}` : `on ${workerId}: ${phase.note}`,
        },
  );
}

/** The last ones are merged. */
function bounded(phases: readonly StoryPhase[]): readonly StoryPhase[] {
  const { phasesMax } = viewLimits;
  const rest = phases.slice(phasesMax - 1);
  const [first] = rest;
  const last = rest.at(-1);
  if (first === undefined || last === undefined || rest.length === 1) return phases;
  const tokens = rest.reduce((sum, phase) => sum + phase.tokens, 0);
  const { startSeconds } = first;
  const note = `and ${rest.length - 1} changes before`;
  return [...phases.slice(0, phasesMax - 1), { ...last, startSeconds, tokens, note }];
}
