// The whole program as its users start it: a process with the bundled model, driven over HTTP and
// by signals.

import { createServer } from "node:net";

import { sleep, systemClock } from "@loci/core";
import { describe, expect, test } from "vitest";

import { LociProcess, runLoci } from "../testing/loci-process.ts";

const smallCache = ["--port", "0", "--kv-memory", "64MiB"] as const;
const chatHeaders = { "content-type": "application/json" };

function serve(...words: readonly string[]): LociProcess {
  return new LociProcess(["serve", ...smallCache, ...words]);
}

async function ask(url: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  const messages = [{ role: "user", content: "Hello!" }];
  const body = JSON.stringify({ messages, temperature: 0, ...fields });
  return fetch(`${url}/v1/chat/completions`, { method: "POST", headers: chatHeaders, body });
}

/** A stream of exactly `tokens` tokens, started and its first chunk read. */
async function startStream(
  url: string,
  tokens: number,
): Promise<{ readonly rest: () => Promise<string> }> {
  const response = await ask(url, { stream: true, max_tokens: tokens, ignore_eos: true });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  const first = await reader?.read();
  return {
    rest: async () => {
      let text = decoder.decode(first?.value, { stream: true });
      for (;;) {
        const chunk = await reader?.read();
        if (!chunk || chunk.done) return text;
        text += decoder.decode(chunk.value, { stream: true });
      }
    },
  };
}

describe("loci serve", () => {
  test("answers with the bundled model and stops on SIGTERM", async () => {
    await using loci = serve();
    const url = await loci.url();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const answer: unknown = await (await ask(url, { max_tokens: 40 })).json();
    expect(answer).toMatchObject({
      choices: [{ message: { content: expect.stringMatching(/\w{2}/) } }],
    });
    expect(loci.out).toContain("loci-demo");
    loci.kill("SIGTERM");
    expect(await loci.ended).toEqual({ code: 0, signal: null });
    await expect(fetch(`${url}/health`)).rejects.toThrow("fetch failed");
  });

  test("SIGTERM lets a running answer finish", async () => {
    await using loci = serve();
    const stream = await startStream(await loci.url(), 200);
    loci.kill("SIGTERM");
    const text = await stream.rest();
    expect(text).toContain('"finish_reason":"length"');
    expect(text).toContain("data: [DONE]");
    expect((await loci.ended).code).toBe(0);
  });

  test("after --shutdown-timeout running answers are cancelled", async () => {
    await using loci = serve("--shutdown-timeout", "0");
    const stream = await startStream(await loci.url(), 1500);
    loci.kill("SIGTERM");
    const text = await stream.rest().catch((error: unknown) => String(error));
    expect(text).not.toContain('"finish_reason":"length"');
    expect((await loci.ended).code).toBe(0);
  });

  test("a second Ctrl+C does not wait", async () => {
    await using loci = serve("--shutdown-timeout", "1h");
    const url = await loci.url();
    // Long enough in sum that they cannot all have finished by themselves meanwhile.
    const streams = await Promise.all(Array.from({ length: 16 }, () => startStream(url, 1900)));
    loci.kill("SIGINT");
    await loci.sees(/stopping/);
    // Signals shortly after the first count as the same key press, so this one is repeated.
    let end = null;
    while (end === null) {
      loci.kill("SIGINT");
      end = await Promise.race([loci.ended, sleep(systemClock, 50).then(() => null)]);
    }
    expect(end.code).toBe(130);
    await Promise.allSettled(streams.map((stream) => stream.rest()));
  });

  test("asks for its key, warns when others can reach it without one", async () => {
    await using locked = serve("--api-key", "one");
    const url = await locked.url();
    expect((await ask(url)).status).toBe(401);
    await using open = serve("--host", "0.0.0.0");
    await open.sees(/warn.*no --api-key is set/);
  });
});

describe("wrong usage ends with code 2 and a remedy", () => {
  test.each<[readonly string[], RegExp]>([
    [["serve", "--port", "99999"], /--port is "99999", but must be an integer from 0 to 65535/],
    [["serve", "--kv-memory", "many"], /--kv-memory is "many"/],
    [["serve", "-m", "a", "-hf", "b/c"], /Give one of them/],
    [["serve", "--kv-memory", "900TiB"], /only .* are available/],
    [["serve", "--api-key-file", "/nowhere/keys"], /cannot be read/],
    [["serve", "--bogus"], /unknown option/],
  ])("%j", async (words, message) => {
    const { code, err, out } = await runLoci(words);
    expect(err).toMatch(message);
    expect(err).not.toContain("    at ");
    expect([code, out]).toEqual([2, ""]);
  });

  test("a port in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const { code, err } = await runLoci(["serve", "--port", `${port}`, "--kv-memory", "64MiB"]);
    other.close();
    expect(err).toContain("choose another --port");
    expect(code).toBe(2);
  });

  test("a missing model file is named", async () => {
    const { code, err } = await runLoci(["serve", "-m", "./no-such-model.gguf"]);
    expect(err).toContain("no-such-model.gguf");
    expect(code).toBe(1);
  });
});

describe("loci chat", () => {
  test("piped: one message in, the answer alone out", async () => {
    const words = ["chat", ...smallCache, "--temperature", "0", "--max-tokens", "40"];
    const { code, out, err } = await runLoci(words, { input: "Hello!\n" });
    expect(err).toBe("");
    expect(out).toMatch(/\w{2}.*\n$/s);
    expect(code).toBe(0);
  });

  test("talks with a running server, and says when there is none", async () => {
    await using loci = serve("--api-key", "one");
    const url = await loci.url();
    const words = ["chat", "--url", url, "--api-key", "one", "--max-tokens", "8"];
    expect(await runLoci(words, { input: "Hello!" })).toMatchObject({ code: 0, err: "" });
    loci.kill("SIGTERM");
    await loci.ended;
    const gone = await runLoci(words, { input: "Hello!" });
    expect(gone.err).toContain("Start one with loci serve");
    expect(gone.code).toBe(1);
  });
});

test("loci doctor --json finds a machine that can serve", async () => {
  const { code, out } = await runLoci(["doctor", "--json", "--port", "0"]);
  const report: unknown = JSON.parse(out);
  expect(report).toMatchObject({ ok: true });
  expect(out).toContain('"name":"model loads","status":"ok"');
  expect(code).toBe(0);
});
