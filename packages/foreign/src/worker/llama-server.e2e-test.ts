// Against real llama-servers, unmodified, with the model that comes with the project. Without one
// (see testing/llama-server.ts for where it is looked for) this says so and tests nothing real;
// what stand-ins can show is in foreign-worker.test.ts.

import { greedySampling, Random } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findLlamaServer, LlamaServer } from "../testing/llama-server.ts";
import { OpenWorker, textRequest } from "../testing/open-worker.ts";

const binary = findLlamaServer();

test.runIf(binary === null)("NO LLAMA-SERVER IS HERE: nothing real was tested", () => {
  process.stderr.write(
    "\nThere is no llama-server: tests against the real one did not run.\n" +
      "Run `npm run bench -- build-peer`, or name one in LOCI_LLAMA_SERVER.\n",
  );
  expect(binary).toBeNull();
});

let server: LlamaServer;
let link: OpenWorker;

beforeAll(async () => {
  if (binary === null) return;
  server = await LlamaServer.start(binary);
  link = await OpenWorker.open(server.url, { codec: server.codec() });
});

afterAll(async () => {
  if (binary === null) return;
  await link[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function asked(
  text: string,
  parts: Partial<GenerationRequest> = {},
): Promise<GenerationRequest> {
  const options = { addSpecial: false, parseSpecial: false };
  const promptTokens = await server.codec().tokenize(text, options);
  return { ...textRequest("", parts), promptTokens };
}

test.runIf(binary !== null)("is recognised, and says how large it is", () => {
  expect(link.worker.facts).toMatchObject({ contextTokensMax: 2048, sequencesMax: 2 });
  expect(link.worker.facts?.kvBlocksTotal).toBe((2 * 2048) / 32);
});

test.runIf(binary !== null)(
  "answers by token ids, and finds a prompt again in its cache",
  async () => {
    const request = await asked("What time is it on the clock of the tower?", { maxTokens: 12 });
    const first = await link.answer(request);
    expect(first.tokens).toHaveLength(12);
    expect(first.finished).toMatchObject({ reason: "length" });
    const bytes = first.tokens.map((id) => server.codec().tokenBytes(id));
    expect(first.text).toBe(new TextDecoder().decode(Buffer.concat(bytes)));
    const again = await link.answer(request);
    expect(again.tokens).toEqual(first.tokens);
    expect(again.started?.cachedTokens).toBe(request.promptTokens.length - 1);
  },
);

test.runIf(binary !== null)(
  "gives text that is exact where its stream leaves tokens of a character out",
  async () => {
    const text = "🙂 é漢字 ñ";
    const sampling = { ...greedySampling, grammar: `root ::= ${JSON.stringify(text)}` };
    const {
      tokens,
      text: found,
      finished,
    } = await link.answer(await asked("Say it: ", { sampling, maxTokens: 64, ignoreEos: false }));
    expect(found).toBe(text);
    expect(finished).toMatchObject({ reason: "stop", stoppedBy: null });
    // The ids kept back are made up for: as bytes, they are the same text.
    const bytes = tokens.map((id) => server.codec().tokenBytes(id));
    expect(new TextDecoder().decode(Buffer.concat(bytes))).toBe(text);
  },
);

test.runIf(binary !== null)("goes on after tokens delivered elsewhere", async () => {
  const request = await asked("Once upon a time there was", { maxTokens: 16 });
  const whole = await link.answer(request);
  for (const cut of [1, 5, 11, 15, 16]) {
    const deliveredTokens = Int32Array.from(whole.tokens.slice(0, cut));
    const rest = await link.answer({ ...request, deliveredTokens });
    expect([...deliveredTokens, ...rest.tokens]).toEqual(whole.tokens);
    expect(rest.finished?.usage.completionTokens).toBe(16);
  }
});

test.runIf(binary !== null)(
  "gives log-probabilities, stop strings and refusals of what it cannot do",
  async () => {
    const sampling = { ...greedySampling, logprobsTop: 2 };
    const request = await asked("The day after", { sampling, maxTokens: 4 });
    const { events, text } = await link.answer(request);
    const logprobs = events.flatMap((event) => (event.type === "token" ? [event.logprobs] : []));
    expect(logprobs.every((one) => one !== null && one.logprob <= 0 && one.top.length === 2)).toBe(
      true,
    );
    const stopped = await link.answer({ ...request, stop: [text.slice(2, 4)] });
    expect(stopped.finished).toMatchObject({ reason: "stop", stoppedBy: text.slice(2, 4) });
    await expect(link.answer({ ...request, minTokens: 2 })).rejects.toMatchObject({
      code: "not_supported",
    });
  },
);

test.runIf(binary !== null)(
  "of prompts with shared beginnings, what a slot of it will find is known beforehand",
  async () => {
    const fresh = await LlamaServer.start(binary ?? "");
    await using stack = new AsyncDisposableStack();
    stack.use(fresh);
    const alone = stack.use(await OpenWorker.open(fresh.url, { codec: fresh.codec() }));
    const random = new Random(1);
    const blockTokens = alone.worker.facts?.blockTokens ?? 0;
    const differences: number[] = [];
    const client = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn++) {
        const own = Array.from({ length: 16 }, () => random.integer(110, 199));
        const beginning: number[] = Array(4 * blockTokens).fill(random.integer(100, 103));
        const promptTokens = Int32Array.from([...beginning, ...own]);
        const request = { ...textRequest("", { maxTokens: 4 }), promptTokens };
        const { knownTokens } = await alone.worker.matchPrompt("", promptTokens);
        const { started } = await alone.answer(request);
        differences.push((started?.cachedTokens ?? -1) - knownTokens);
      }
    };
    // As many as it has slots.
    await Promise.all([client(), client()]);
    expect(Math.min(...differences)).toBeGreaterThan(-blockTokens);
    // The server may have ended an answer whose end has not come here: then it has more.
    const right = differences.filter((difference) => difference < blockTokens);
    expect(right.length / differences.length).toBeGreaterThanOrEqual(0.8);
  },
);
