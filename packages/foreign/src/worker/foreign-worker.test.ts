// Links to engines that speak as vLLM and SGLang do, over real sockets.

import { AttemptError, parseWorkerAddress } from "@loci/cluster";
import { blockNames, greedySampling, LociError, systemClock } from "@loci/core";
import type { KvEventBatch } from "@loci/core";
import { describe, expect, it } from "vitest";
import { fieldAt } from "../http/fields.ts";
import { byteCodec } from "../testing/byte-codec.ts";
import { EventPublisher } from "../testing/event-publisher.ts";
import { Gathered } from "../testing/gathered.ts";
import { OpenWorker, textRequest } from "../testing/open-worker.ts";
import { RecordingListener } from "../testing/recording-listener.ts";
import { StandInEngine } from "../testing/stand-in-engine.ts";
import type { StandInOptions } from "../testing/stand-in-engine.ts";
import { ForeignWorker } from "./foreign-worker.ts";

const prompt = "A prompt that is long enough for several blocks of sixteen bytes each.";
const engines: readonly (StandInOptions & { readonly name: string })[] = [
  { name: "vLLM", kind: "vllm" },
  { name: "SGLang with all tokens in each chunk", kind: "sglang", isCumulative: true },
  { name: "SGLang with new tokens in each chunk", kind: "sglang", isCumulative: false },
];

async function failureOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "none";
  } catch (error) {
    if (error instanceof AttemptError) return error.failure;
    return error instanceof LociError ? error.code : String(error);
  }
}

function isCleared({ batch }: { readonly batch: KvEventBatch }): boolean {
  return batch.events.some(({ type }) => type === "cleared");
}

describe.each(engines)("$name", (options) => {
  it("answers with tokens, text and usage", async () => {
    await using engine = await StandInEngine.open(options);
    await using link = await OpenWorker.open(engine.url);
    const first = await link.answer(textRequest(prompt));
    expect(first.tokens).toHaveLength(24);
    expect(first.text).toBe(new TextDecoder().decode(Uint8Array.from(first.tokens)));
    expect(first.finished).toMatchObject({ reason: "length", stoppedBy: null });
    expect(first.finished?.usage).toEqual({
      promptTokens: prompt.length,
      cachedTokens: 0,
      completionTokens: 24,
    });
    const again = await link.answer(textRequest(prompt));
    expect(again.tokens).toEqual(first.tokens);
    expect(again.finished?.usage.cachedTokens).toBeGreaterThanOrEqual(64);
  });

  it("passes on which trace a request belongs to, where it belongs to one", async () => {
    await using engine = await StandInEngine.open(options);
    await using link = await OpenWorker.open(engine.url);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await link.answer(textRequest(prompt, { traceparent }));
    await link.answer(textRequest(prompt));
    expect(engine.traceparents.slice(-2)).toEqual([traceparent, undefined]);
  });

  it("goes on where another engine died, token for token, at every token", async () => {
    await using engine = await StandInEngine.open(options);
    await using other = await StandInEngine.open(options);
    await using link = await OpenWorker.open(engine.url);
    await using heir = await OpenWorker.open(other.url);
    const asked = textRequest(prompt, { stop: ["zz🙂"] });
    const whole = await link.answer(asked);
    for (let cut = 0; cut <= whole.tokens.length; cut++) {
      engine.mishap = { breaksAfter: cut };
      const delivered: number[] = [];
      let text = "";
      const signal = new AbortController().signal;
      const failure = await failureOf(
        (async () => {
          for await (const event of link.worker.generate(asked, null, signal)) {
            if (event.type === "started") continue;
            if (event.type === "token") delivered.push(event.tokenId);
            text += event.text;
          }
        })(),
      );
      expect(failure).toBe(cut < whole.tokens.length ? "worker_lost" : "none");
      if (failure === "none") continue;
      const rest = await heir.answer({ ...asked, deliveredTokens: Int32Array.from(delivered) });
      expect([...delivered, ...rest.tokens]).toEqual(whole.tokens);
      expect(text + rest.text).toBe(whole.text);
      expect(rest.finished?.usage.completionTokens).toBe(whole.tokens.length);
    }
  });

  it("ends at stop strings, stop tokens and the end of generation", async () => {
    await using engine = await StandInEngine.open(options);
    await using link = await OpenWorker.open(engine.url);
    const { text, tokens } = await link.answer(textRequest(prompt));
    const stop = text.slice(5, 9);
    const cut = await link.answer(textRequest(prompt, { stop: ["\u0000", stop] }));
    expect(cut.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(cut.finished).toMatchObject({ reason: "stop", stoppedBy: stop });
    const stopTokenId = tokens[7] ?? 0;
    const byToken = await link.answer(textRequest(prompt, { stopTokenIds: [stopTokenId] }));
    expect(byToken.tokens).toEqual(tokens.slice(0, tokens.indexOf(stopTokenId) + 1));
    expect(byToken.finished).toMatchObject({ reason: "stop", stoppedBy: stopTokenId });
    const free = await link.answer(textRequest(prompt, { ignoreEos: false, maxTokens: 9000 }));
    expect(free.finished).toMatchObject({ reason: "stop", stoppedBy: null });
    expect(free.tokens.at(-1)).toBe(256);
  });

  it("tells which blocks it holds by the names that a router computes", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv" });
    await using engine = await StandInEngine.open({ ...options, publisher });
    const events = { ...publisher.endpoints, topic: "kv" };
    await using link = await OpenWorker.open(engine.url, { events });
    await publisher.subscribed();
    const asked = textRequest(prompt, { tenant: "one" });
    const { tokens } = await link.answer(asked);
    const all = Int32Array.from([...asked.promptTokens, ...tokens]);
    const names = blockNames("one", all, link.worker.facts?.blockTokens ?? 0);
    expect(names.length).toBeGreaterThan(4);
    // What was assumed is dropped with the engine's first word; from there on it is the engine's.
    const isTold = (name: number): boolean => {
      const batches = link.listener.all("events");
      const first = batches.findIndex((told) => isCleared(told));
      return (
        first >= 0 &&
        batches
          .slice(first)
          .flatMap(({ batch }) => batch.events)
          .some((event) => event.type === "stored" && event.blocks.includes(name))
      );
    };
    await link.listener.next("events", () => names.every((name) => isTold(name)));
    const sequences = link.listener.all("events").map(({ batch }) => batch.sequence);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    link.worker.requestSnapshot();
    const held = link.listener.all("snapshot").at(-1)?.snapshot.held ?? [];
    expect(held.map(({ tier, blocks }) => [tier, blocks.length])).toEqual([
      ["device", names.length],
    ]);
    const match = await link.worker.matchPrompt("one", asked.promptTokens);
    expect(match.knownTokens).toBe(64);
    expect((await link.worker.matchPrompt("two", asked.promptTokens)).knownTokens).toBe(0);
    const before = link.listener.all("events").length;
    await engine.clear();
    await link.listener.next("events", (told) => told.batch.sequence > before && isCleared(told));
    expect((await link.worker.matchPrompt("one", asked.promptTokens)).knownTokens).toBe(0);
  });

  it("keeps tenants apart in the engine's cache, unless told otherwise", async () => {
    await using engine = await StandInEngine.open(options);
    await using link = await OpenWorker.open(engine.url);
    for (const tenant of ["one", "two", "one"]) await link.answer(textRequest(prompt, { tenant }));
    const salts = engine.bodies.map(
      (body) => fieldAt(body, "cache_salt") ?? fieldAt(body, "extra_key"),
    );
    expect(salts[0]).toBe(salts[2]);
    expect(salts[0]).not.toBe(salts[1]);
    expect(salts.some((salt) => String(salt).includes("one"))).toBe(false);
    await using shared = await OpenWorker.open(engine.url, { isolatesTenants: false });
    await shared.answer(textRequest(prompt, { tenant: "one" }));
    expect(engine.bodies.at(-1)).not.toHaveProperty("cache_salt");
    expect(engine.bodies.at(-1)).not.toHaveProperty("extra_key");
  });
});

describe("ForeignWorker", () => {
  it("finds out what the engine is and how large", async () => {
    await using engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url);
    expect(link.worker.facts).toMatchObject({
      id: engine.url,
      model: "stand-in",
      contextTokensMax: 4096,
      blockTokens: 16,
      kvBlocksTotal: 1000,
      sendsEvents: true,
      continuesAnswers: true,
    });
    await link.listener.next("report");
    expect(link.worker.load).toMatchObject({ kvBlocksTotal: 1000, kvBlocksFree: 900 });
  });

  it("does not use an engine with another vocabulary, and says why", async () => {
    await using engine = await StandInEngine.open({ vocabularyShift: 1 });
    const problems = new Gathered<string>();
    const listener = new RecordingListener();
    const worker = new ForeignWorker({
      address: parseWorkerAddress(engine.url),
      clock: systemClock,
      engine: "auto",
      codec: byteCodec,
      seed: 1,
      pollMs: 5,
      onProblem: (_url, { code }) => problems.push(code),
    });
    worker.watch(listener);
    await problems.until((all) => all.length > 0);
    await worker.close();
    expect(problems.items).toEqual(["config_invalid"]);
    expect(listener.all("hello")).toEqual([]);
    expect(worker.facts).toBeNull();
  });

  it("leaves the engine as soon as the client has left", async () => {
    await using engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url);
    const left = engine.nextAbandoned();
    const endless = textRequest(prompt, { maxTokens: 3000 });
    const signal = new AbortController().signal;
    for await (const event of link.worker.generate(endless, null, signal)) {
      if (event.type === "token") break;
    }
    await left;
    const aborted = engine.nextAbandoned();
    const controller = new AbortController();
    let reason = "";
    for await (const event of link.worker.generate(endless, null, controller.signal)) {
      if (event.type === "token") controller.abort();
      if (event.type === "finished") ({ reason } = event);
    }
    await aborted;
    expect(reason).toBe("cancelled");
    expect(engine.abandoned).toBe(2);
    expect(link.worker.load).toMatchObject({ prefillTokensPending: 0, decodeTokensExpected: 0 });
  });

  it("leaves the engine when a stop string was found, of which it knows nothing", async () => {
    await using engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url);
    const { text } = await link.answer(textRequest(prompt));
    const left = engine.nextAbandoned();
    await link.answer(textRequest(prompt, { stop: [text.slice(2, 5)], maxTokens: 3000 }));
    await left;
    expect(engine.abandoned).toBe(1);
  });

  it("tells apart who is at fault", async () => {
    await using engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url, { gapSecondsMax: 1 });
    const failure = (mishap: typeof engine.mishap): Promise<string> => {
      engine.mishap = mishap;
      return failureOf(link.answer(textRequest(prompt)));
    };
    expect(await failure({ status: 503 })).toBe("refused");
    expect(await failure({ status: 429 })).toBe("refused");
    expect(await failure({ status: 500 })).toBe("worker_lost");
    expect(await failure({ status: 400 })).toBe("invalid_request");
    expect(await failure({ status: 401 })).toBe("refused");
    expect(await failure({ breaksAfter: 2 })).toBe("worker_lost");
    expect(await failure({ stallsAfter: 2 })).toBe("worker_stalled");
    const tooLong = textRequest("x".repeat(4096));
    expect(await failureOf(link.answer(tooLong))).toBe("context_length_exceeded");
    expect(await failureOf(link.answer(textRequest("")))).toBe("invalid_request");
    await link.worker.drain();
    expect(await failure({})).toBe("refused");
  });

  it("does not move answers within a grammar", async () => {
    await using engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url);
    const sampling = { ...greedySampling, grammar: 'root ::= "a"*' };
    const asked = textRequest(prompt, { sampling });
    await link.answer(asked);
    expect(engine.bodies.at(-1)).toMatchObject({
      structured_outputs: { grammar: 'root ::= "a"*' },
    });
    const moved = { ...asked, deliveredTokens: Int32Array.of(97) };
    expect(await failureOf(link.answer(moved))).toBe("not_supported");
  });

  it("notices that nobody is there any more, and that somebody came back", async () => {
    const engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url);
    const { port } = engine;
    await engine[Symbol.asyncDispose]();
    await link.listener.next("gone");
    expect(await failureOf(link.answer(textRequest(prompt)))).toBe("unreachable");
    await using again = await StandInEngine.open({ port, startedUnixSeconds: 2000 });
    await link.listener.told.until(
      (told) => told.filter(({ type }) => type === "hello").length === 2,
    );
    expect((await link.answer(textRequest(prompt))).tokens).toHaveLength(24);
    const epochs = link.listener.all("hello").map(({ facts }) => facts.epoch);
    expect(new Set(epochs).size).toBe(2);
    expect(again.bodies).toHaveLength(1);
  });

  it("learns what the engine's steps cost", async () => {
    await using engine = await StandInEngine.open();
    await using link = await OpenWorker.open(engine.url);
    expect(link.worker.load?.latency).toBeNull();
    for (let index = 0; index < 8; index++) {
      await link.answer(textRequest(`${index} ${prompt}`, { maxTokens: 40 }));
    }
    const latency = link.worker.load?.latency;
    expect(latency).toBeTruthy();
    expect(Object.values(latency ?? {}).every((value) => value >= 0 && value < 1)).toBe(true);
  });
});
