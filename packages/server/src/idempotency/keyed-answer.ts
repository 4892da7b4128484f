// A chat's answer, in whichever API it was asked for: made once, and told again to whoever repeats
// the request under its key, in the form that this one asks for.

import type { GenerationRequest } from "@loci/core";
import type { StoredReply } from "@loci/store";
import type { FastifyRequest } from "fastify";
import { completeAnswer, streamAnswer, streamChunks } from "../answer.ts";
import type { Answer, Exchange, StreamForm } from "../answer.ts";
import { runGenerations } from "../generation-run.ts";
import type { Endpoint } from "../metrics.ts";
import { requireModel, requireReady, type ServerContext } from "../server-context.ts";
import { claimKey, jsonReply, type KeyClaim } from "./key-claim.ts";

export interface PreparedAnswer {
  readonly answer: Answer;
  readonly requests: readonly GenerationRequest[];
  /** Makes the answer known, so that a request that goes on with it finds its tokens. */
  readonly remember: () => void;
}

interface AskedBody {
  readonly model?: string;
  readonly stream?: boolean | null;
}

/** What the APIs do differently. */
export interface AnswerKind<Body extends AskedBody, Whole> {
  readonly endpoint: Endpoint;
  /** Everything that can be refused is refused here. Throws LociError. */
  readonly prepare: (
    context: ServerContext,
    body: Body,
    request: FastifyRequest,
  ) => Promise<PreparedAnswer>;
  /** A whole answer as the chunks of a stream. */
  readonly chunksOf: (whole: Whole, body: Body) => readonly unknown[];
  /** OpenAI's when absent. */
  readonly streamForm?: StreamForm;
}

export async function keyedAnswer<Body extends AskedBody, Whole>(
  exchange: Exchange,
  body: Body,
  kind: AnswerKind<Body, Whole>,
): Promise<unknown> {
  const { claim, reply: kept } = await claimKey(exchange.context, exchange.request);
  if (kept !== null) return answerAgain(exchange, body, kept, kind);
  try {
    return await answerAnew(exchange, body, claim, kind);
  } finally {
    await claim?.release();
  }
}

async function answerAnew<Body extends AskedBody, Whole>(
  exchange: Exchange,
  body: Body,
  claim: KeyClaim | null,
  { endpoint, prepare }: AnswerKind<Body, Whole>,
): Promise<unknown> {
  const { context, request, reply } = exchange;
  requireReady(context);
  requireModel(context, body.model);
  const signal = context.live.signalFor(reply.raw);
  const { answer, requests, remember } = await prepare(context, body, request);
  const events = runGenerations({ ...context, endpoint, requestId: request.id }, requests, signal);
  const onWhole = async (whole: unknown): Promise<void> => {
    remember();
    await claim?.finish(jsonReply(whole));
  };
  if (body.stream !== true) return completeAnswer(events, answer, onWhole);
  await streamAnswer(exchange, events, answer, onWhole);
  return reply;
}

async function answerAgain<Body extends AskedBody, Whole>(
  exchange: Exchange,
  body: Body,
  kept: StoredReply,
  { chunksOf, streamForm }: AnswerKind<Body, Whole>,
): Promise<unknown> {
  exchange.reply.header("idempotent-replayed", "true");
  const whole: Whole = JSON.parse(kept.body);
  if (body.stream !== true) return whole;
  await streamChunks(exchange, chunksOf(whole, body), streamForm);
  return exchange.reply;
}
