// `loci run`: one answer, by words, by pipe, as events.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { numberMember, textMember } from "../api/json-value.ts";
import { LociProcess, runLoci } from "../testing/loci-process.ts";

const mainPath = fileURLToPath(new URL("../main.ts", import.meta.url));
const small = ["--kv-memory", "16MiB", "--threads", "1"];
const sampling = ["--temperature", "0", "--max-tokens", "12"];

/** One object in each line. */
function eventsOf(out: string): readonly unknown[] {
  const lines = out.trimEnd().split("\n");
  return lines.map((line): unknown => JSON.parse(line));
}

function promptTokens(events: readonly unknown[]): number | null {
  return numberMember(events.at(-1), "prompt_tokens");
}

test("the bundled model by its name: text, and the same as events", async () => {
  const words = ["run", "loci-demo", "Hello there!", ...small, ...sampling];
  const text = await runLoci(words);
  expect(text).toMatchObject({ code: 0, err: "" });
  const { code, out } = await runLoci([...words, "--json"]);
  expect(code).toBe(0);
  const events = eventsOf(out);
  expect(events[0]).toEqual({ type: "start", model: "loci-demo" });
  expect(events.at(-1)).toMatchObject({ type: "end", answer_tokens: expect.any(Number) });
  expect(`${events.map((event) => textMember(event, "text") ?? "").join("")}\n`).toBe(text.out);
});

test("nothing to answer is a wrong command line, found before a model is loaded", async () => {
  const { code, out, err } = await runLoci(["run", "-m", "nowhere.gguf"], { input: " \n" });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toBe("loci: There is nothing to answer. Give a prompt, or pipe one in.\n");
});

test("a server's model; what is piped in stands below the prompt", async () => {
  await using server = new LociProcess(["serve", "--port", "0", ...small]);
  const url = await server.url();
  const words = ["run", "--url", url, "loci-demo", "Repeat:", ...sampling, "--json"];
  // A pipe of a shell: what programs of Node write to is a socket, which may stay open for ever.
  const line = `printf 'green trees' | ${[process.execPath, mainPath, ...words].join(" ")}`;
  const one = eventsOf(execFileSync("sh", ["-c", line], { encoding: "utf8" }));
  const joined = [
    "run",
    "--url",
    url,
    "loci-demo",
    "Repeat:\n\ngreen trees",
    ...sampling,
    "--json",
  ];
  const other = eventsOf((await runLoci(joined)).out);
  expect(promptTokens(one)).toBeGreaterThan(4);
  expect(promptTokens(one)).toBe(promptTokens(other));
  const unknown = await runLoci(["run", "--url", url, "nobody", "Hi", "--json"]);
  expect([unknown.code, unknown.out]).toEqual([1, '{"type":"start","model":"nobody"}\n']);
  expect(JSON.parse(unknown.err)).toMatchObject({ error: { code: "model_not_found" } });
});
