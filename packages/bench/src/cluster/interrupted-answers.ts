// Answers whose worker is signalled at a random token: is the stream the same as without, and how
// long does its client wait? Plain, sampled and schema-bound answers in turn.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { defined, Random, type Clock } from "@loci/core";
import { shortNumber } from "../measure/report.ts";
import { RandomTokens } from "../tiered/random-tokens.ts";
import type { ClusterServer } from "./cluster-server.ts";
import type { Session } from "./session.ts";
import {
  longestPauseMs,
  watchStream,
  type CompletionBody,
  type WatchedStream,
} from "./watched-stream.ts";

export interface Interruption {
  readonly part: string;
  readonly rounds: number;
  readonly signal: "SIGKILL" | "SIGSTOP";
  /** After the answer: until all workers serve again. */
  readonly mend: (pid: number, round: number) => Promise<void>;
}

export interface InterruptedAnswer {
  readonly kind: string;
  readonly prompt: string;
  readonly tokens: number;
  /** Tokens that the client had when its worker was signalled; null: the answer ended before. */
  readonly atToken: number | null;
  readonly exact: boolean;
  /** Another worker went on with it. */
  readonly moved: boolean;
  readonly error: string | null;
  /** From the last token before the signal to the next one. */
  readonly pauseMs: number;
  /** What a worker takes to compute as many tokens, request and answer included. */
  readonly recomputeMs: number;
  /** What the interruption cost beyond computing again. */
  readonly addedMs: number;
}

const schema = {
  type: "object",
  properties: {
    names: { type: "array", items: { type: "string", minLength: 8 }, minItems: 12, maxItems: 12 },
  },
  required: ["names"],
  additionalProperties: false,
};
const responseFormat = { type: "json_schema", json_schema: { name: "names", schema } };
const openings = ["One day", "The list of all", "Once upon a time there was"];

interface Kind {
  readonly name: string;
  readonly settings: CompletionBody;
  /** So long before the end that the rest is not on its way already. */
  readonly signalAtMax: number;
}

const kinds: readonly Kind[] = [
  {
    name: "plain",
    settings: { max_tokens: 400, ignore_eos: true, temperature: 0 },
    signalAtMax: 360,
  },
  {
    name: "sampled",
    settings: { max_tokens: 400, ignore_eos: true, temperature: 0.9, seed: 11 },
    signalAtMax: 360,
  },
  {
    name: "schema",
    settings: { max_tokens: 300, temperature: 0.7, seed: 5, response_format: responseFormat },
    // The model may end it whenever it is complete.
    signalAtMax: 60,
  },
];

interface Rounds {
  readonly server: ClusterServer;
  readonly interruption: Interruption;
  readonly random: Random;
  readonly probe: RecomputeProbe;
}

/** One after the other; each is kept in `<part>.jsonl`. */
export async function interruptAnswers(
  session: Session,
  server: ClusterServer,
  interruption: Interruption,
): Promise<readonly InterruptedAnswer[]> {
  const { output, options } = session;
  const { part } = interruption;
  const random = new Random(options.seed);
  const probe = new RecomputeProbe(session, server);
  const rounds: Rounds = { server, interruption, random, probe };
  const answers: InterruptedAnswer[] = [];
  for (let round = 0; round < interruption.rounds; round++) {
    const answer = await interruptOne(rounds, round);
    answers.push(answer);
    const line = JSON.stringify({ round, ...answer });
    appendFileSync(join(output.folder, `${part}.jsonl`), `${line}\n`);
    const isWrong = !answer.exact || !answer.moved;
    if (isWrong || (round + 1) % 10 === 0) output.progress(`${part} ${round}: ${lineOf(answer)}`);
  }
  return answers;
}

async function interruptOne(rounds: Rounds, round: number): Promise<InterruptedAnswer> {
  const { server, interruption, random, probe } = rounds;
  const kind = defined(kinds[round % kinds.length]);
  const opening = defined(openings[random.integer(0, openings.length - 1)]);
  // Nobody has computed any of it before: the worker that goes on has to.
  const prompt = `${round}. ${opening}`;
  const body = { model: server.model, prompt, ...kind.settings };
  const movesBefore = await server.moves();
  const place = new SignalPlace(server, random.integer(1, kind.signalAtMax), interruption.signal);
  const stream = await watchStream(server.target, body, (tokens) => place.arrived(tokens));
  if (place.pid !== null) await interruption.mend(place.pid, round);
  const moved = (await server.moves()) > movesBefore;
  const reference = await watchStream(server.target, body);
  const recomputeMs = await probe.ms(stream.promptTokens + (place.atToken ?? 0));
  const pauseMs = longestPauseMs(stream, place.atMs);
  return {
    kind: kind.name,
    prompt,
    tokens: stream.tokenIds.length,
    atToken: place.atToken,
    ...comparison(reference, stream),
    moved,
    pauseMs,
    recomputeMs,
    addedMs: Math.max(0, pauseMs - recomputeMs),
  };
}

/** Signals the worker at work when the client has `signalAt` tokens. Once. */
class SignalPlace {
  readonly #busy: ReturnType<ClusterServer["watchWorkers"]>;
  readonly #signalAt: number;
  readonly #signal: Interruption["signal"];
  readonly #clock: Clock;
  pid: number | null = null;
  atToken: number | null = null;
  atMs = 0;

  constructor(server: ClusterServer, signalAt: number, signal: Interruption["signal"]) {
    this.#busy = server.watchWorkers();
    this.#clock = server.target.clock;
    this.#signalAt = signalAt;
    this.#signal = signal;
  }

  arrived(tokens: number): void {
    if (this.pid !== null || tokens < this.#signalAt) return;
    this.pid = this.#busy.find();
    this.atToken = tokens;
    this.atMs = this.#clock.nowMs();
    process.kill(this.pid, this.#signal);
  }
}

function comparison(
  reference: WatchedStream,
  stream: WatchedStream,
): Pick<InterruptedAnswer, "exact" | "error"> {
  const error = stream.error ?? reference.error;
  const sameIds = String(stream.tokenIds) === String(reference.tokenIds);
  const sameText = stream.text === reference.text && stream.finishReason === reference.finishReason;
  return { exact: error === null && sameIds && sameText, error };
}

/** How long the first token of a prompt that nobody has seen takes. */
class RecomputeProbe {
  readonly #server: ClusterServer;
  readonly #tokens: RandomTokens;

  constructor({ tokenIds, options }: Session, server: ClusterServer) {
    this.#server = server;
    this.#tokens = new RandomTokens(tokenIds, options.seed + 77);
  }

  async ms(contextTokens: number): Promise<number> {
    const body = {
      model: this.#server.model,
      prompt: this.#tokens.draw(Math.max(1, contextTokens)),
      max_tokens: 1,
      ignore_eos: true,
    };
    const { tokenTimesMs, sendMs } = await watchStream(this.#server.target, body);
    return (tokenTimesMs[0] ?? sendMs) - sendMs;
  }
}

function lineOf(answer: InterruptedAnswer): string {
  const { kind, exact, moved, error, atToken, pauseMs, recomputeMs } = answer;
  const stayed = moved ? "exact" : "NOT MOVED: another worker than its own was signalled";
  const verdict = exact ? stayed : `NOT THE SAME (${error ?? "other tokens"})`;
  const times = `pause ${shortNumber(pauseMs)} ms, computing again ${shortNumber(recomputeMs)} ms`;
  return `${kind}, signalled at token ${atToken}: ${verdict}, ${times}`;
}
