// Every command that the pages show is run as it stands, or is listed in docs-commands/not-run.ts
// with the reason why not.

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, test } from "vitest";

import { LociProcess } from "../packages/cli/src/testing/loci-process.ts";
import { CommandRoom } from "./docs-commands/command-room.ts";
import { notRun, notRunEntry } from "./docs-commands/not-run.ts";
import { readCommands, type PageCommand } from "./docs-commands/read-commands.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

function pages(folder: string): readonly string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  const found = names.filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
  return found.toSorted();
}

const commands = ["README.md", ...pages("docs"), ...pages("examples")].flatMap((page) =>
  readCommands(page, readFileSync(join(root, page), "utf8")),
);

interface RunnableCommand {
  readonly title: string;
  readonly text: string;
}

const runnable = commands.flatMap((command): readonly RunnableCommand[] => {
  const entry = notRunEntry(command);
  const text = entry === null ? command.text : (entry.instead ?? null);
  return text === null ? [] : [{ title: titleOf(command), text }];
});

function titleOf({ page, line, text }: PageCommand): string {
  return `${page}:${line} ${text.replaceAll(/\s+/g, " ").slice(0, 100)}`;
}

/** They run until they are told to stop, and say where they listen. */
const startsServer = /^(?:(?:npx )?loci (?:serve|router|worker)\b|npm start\b)/;
const listens = /http:\/\/\S+\/v1\n/;

const room = new CommandRoom();
let server: LociProcess;
let url: string;
let adminUrl: string;

beforeAll(async () => {
  const adminPort = await freePort();
  adminUrl = `http://127.0.0.1:${adminPort}`;
  const words = ["serve", "--port", "0", "--kv-memory", "64MiB", "--admin-port", `${adminPort}`];
  server = new LociProcess(words, {
    environment: { LOCI_STORE: `sqlite:${join(room.folder, "store.sqlite")}` },
  });
  url = await server.url();
}, 120_000);
afterAll(async () => {
  server.kill("SIGTERM");
  await server.ended;
  room[Symbol.dispose]();
}, 120_000);

test("pages have commands, and the list of those not run has no more than they", () => {
  expect(runnable.length).toBeGreaterThan(8);
  for (const entry of notRun) {
    const matched = commands.filter((command) => notRunEntry(command) === entry);
    expect({ entry, commands: matched.length }).not.toEqual({ entry, commands: 0 });
  }
});

test.each(runnable.map(({ title, text }) => [title, text]))("%s", async (_title, text) => {
  const end = await room.run(here(text), startsServer.test(text) ? listens : null);
  // With the output, so that a failure shows it.
  expect(end).toEqual({ code: 0, output: end.output });
});

/** Pages name the default ports; here they may be somebody else's. */
function here(text: string): string {
  return text
    .replaceAll(/http:\/\/(?:127\.0\.0\.1|localhost):9931/g, url)
    .replaceAll("http://127.0.0.1:9932", adminUrl)
    .replaceAll("profile?seconds=10", "profile?seconds=1")
    .replace(/^node examples\//, `LOCI_URL=${url} node examples/`);
}

async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
