import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

import { describe, expect, test } from "vitest";

import { ApiClient } from "../api/api-client.ts";
import { ChatClient } from "./chat-client.ts";
import type { AnswerEvent } from "./chat-client.ts";

type Handler = (body: string, response: ServerResponse, request: IncomingMessage) => void;

interface TestServer extends AsyncDisposable {
  readonly client: ChatClient;
}

/** A real HTTP server whose chat completions are answered by `handler`. */
async function serve(handler: Handler): Promise<TestServer> {
  const server = createServer((request, response) => {
    if (request.url === "/v1/models") {
      response.end(JSON.stringify({ data: [{ id: "tiny" }] }));
      return;
    }
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => handler(body, response, request));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const url = `http://127.0.0.1:${port}/v1/`;
  return {
    client: new ChatClient(new ApiClient({ url, apiKey: "key" })),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function chunk(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
}

const turns = [{ role: "user", content: "hi" }] as const;

const sampling = { maxTokens: 5, temperature: null };

async function events(client: ChatClient): Promise<readonly AnswerEvent[]> {
  const all: AnswerEvent[] = [];
  const { signal } = new AbortController();
  for await (const event of client.answer(turns, sampling, signal)) all.push(event);
  return all;
}

async function answer(client: ChatClient): Promise<string> {
  return (await events(client)).map((event) => (event.type === "text" ? event.text : "")).join("");
}

describe("an answer", () => {
  test("is put together from chunks cut anywhere, even inside a character", async () => {
    const bytes = Buffer.from(`: ping\n\n${chunk("grüß")}${chunk(" dich 👋")}data: [DONE]\n\n`);
    const asked: unknown[] = [];
    await using server = await serve((body, response, request) => {
      asked.push(JSON.parse(body), request.headers.authorization);
      for (let index = 0; index < bytes.length; index++)
        response.write(bytes.subarray(index, index + 1));
      response.end();
    });
    expect(await answer(server.client)).toBe("grüß dich 👋");
    expect(asked).toEqual([
      {
        model: "tiny",
        messages: turns,
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 5,
      },
      "Bearer key",
    ]);
  });

  test("that breaks off or holds an error is an error", async () => {
    await using early = await serve((_body, response) => response.end(chunk("half")));
    await expect(answer(early.client)).rejects.toThrow("before it was complete");
    const error = `data: ${JSON.stringify({ error: { message: "no memory" } })}\n\n`;
    await using failing = await serve((_body, response) => response.end(error));
    await expect(answer(failing.client)).rejects.toThrow("The server stopped: no memory");
    await using cut = await serve((_body, response) => {
      response.write(chunk("half"), () => response.destroy());
    });
    await expect(answer(cut.client)).rejects.toThrow("The connection to the server broke.");
  });

  test("that is stopped is cancelled at the server", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await serve((_body, response) => {
      response.on("close", () => closed.resolve());
      response.write(chunk("one"));
    });
    const stop = new AbortController();
    const pieces = server.client.answer(turns, sampling, stop.signal);
    expect((await pieces.next()).value).toEqual({ type: "text", text: "one" });
    stop.abort();
    await expect(pieces.next()).rejects.toThrow(/abort/);
    await closed.promise;
  });
});

test("an answer ends with what it took", async () => {
  const usage = {
    prompt_tokens: 9,
    completion_tokens: 2,
    prompt_tokens_details: { cached_tokens: 4 },
  };
  await using server = await serve((_body, response) => {
    const last = { choices: [{ delta: {}, finish_reason: "length" }] };
    response.write(chunk("a") + `data: ${JSON.stringify(last)}\n\n`);
    response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
  });
  expect(await events(server.client)).toEqual([
    { type: "text", text: "a" },
    {
      type: "end",
      finishReason: "length",
      usage: { promptTokens: 9, cachedTokens: 4, answerTokens: 2 },
    },
  ]);
});

test("refusals carry the server's message and a remedy", async () => {
  await using server = await serve((_body, response) => {
    response.writeHead(401).end(JSON.stringify({ error: { message: "needs a key" } }));
  });
  await expect(answer(server.client)).rejects.toMatchObject({
    code: "unauthorized",
    message: expect.stringContaining("needs a key Give its key by --api-key."),
  });
  await using gateway = await serve((_body, response) => {
    response.writeHead(502).end("<html>Bad gateway</html>");
  });
  await expect(answer(gateway.client)).rejects.toThrow("502: <html>Bad gateway</html>");
});

test("a server that is not there is named", async () => {
  const url = "http://127.0.0.1:9";
  const client = new ChatClient(new ApiClient({ url, apiKey: null }));
  await expect(client.model()).rejects.toThrow(`No server answers at ${url}.`);
  const nonsense = new ChatClient(new ApiClient({ url: "not an address", apiKey: null }));
  await expect(nonsense.model()).rejects.toThrow('"not an address" is no address.');
});
