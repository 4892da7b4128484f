// A completion server for tests: remembers prefixes like an ideal cache, answers with made-up ids,
// and can be told to misbehave. Speaks both dialects.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { child, items } from "./json-value.ts";
import { SeenTokens } from "./seen-tokens.ts";
import { listenLocally } from "./server-process.ts";

export type Misbehaviour = "none" | "short answer" | "error status" | "error event" | "hang up";

export interface TestServer extends AsyncDisposable {
  readonly baseUrl: string;
  /** Prompt lengths in the order of arrival. */
  readonly promptLengths: readonly number[];
}

export async function startTestServer(misbehaviour: Misbehaviour = "none"): Promise<TestServer> {
  const seen = new SeenTokens();
  const promptLengths: number[] = [];
  const answerRequest = async (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> => {
    const json: unknown = JSON.parse(await text(incoming));
    const prompt = items(child(json, "prompt")).map(Number);
    promptLengths.push(prompt.length);
    if (misbehaviour === "error status") {
      outgoing.writeHead(429).end(JSON.stringify({ error: { message: "queue full" } }));
      return;
    }
    const own = incoming.url === "/completion";
    const asked = Number(child(json, own ? "n_predict" : "max_tokens"));
    const count = misbehaviour === "short answer" ? asked - 1 : asked;
    const cached = prompt.length - seen.observe(prompt);
    const first = 9000 + promptLengths.length;
    const answer = Array.from({ length: count }, (_, index) => first + index);
    seen.observe([...prompt, ...answer]);
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const send = (event: object): void => {
      outgoing.write(`data: ${JSON.stringify(event)}\n\n`);
    };
    const sendToken = (id: number): void => {
      send(own ? { tokens: [id] } : { choices: [{ token_ids: [id] }] });
    };
    if (misbehaviour === "hang up") {
      sendToken(1);
      outgoing.destroy();
      return;
    }
    if (misbehaviour === "error event") send({ error: { message: "device lost" } });
    for (const id of answer) sendToken(id);
    send(own ? ownEnd(prompt.length, cached, count) : usageEnd(prompt.length, cached, count));
    if (!own) outgoing.write("data: [DONE]\n\n");
    outgoing.end();
  };
  const server = createServer((incoming, outgoing) => void answerRequest(incoming, outgoing));
  const port = await listenLocally(server);
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    promptLengths,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function ownEnd(prompt: number, cached: number, predicted: number): object {
  const timings = { cache_n: cached };
  return { stop: true, tokens_evaluated: prompt, tokens_predicted: predicted, timings };
}

function usageEnd(prompt: number, cached: number, completion: number): object {
  const details = { cached_tokens: cached };
  return {
    choices: [],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      prompt_tokens_details: details,
    },
  };
}
