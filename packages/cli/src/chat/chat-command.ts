// `loci chat` and `loci run`: talk with a server that runs, or with one they start for themselves on
// a free port.

import { fstatSync } from "node:fs";

import { LociError, systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import type { OptionValues } from "commander";

import { ApiClient } from "../api/api-client.ts";
import { loadApiKeys } from "../load-config.ts";
import { paint } from "../output.ts";
import type { Output } from "../output.ts";
import { answerOnce } from "./answer-once.ts";
import { ChatClient } from "./chat-client.ts";
import { Conversation, settables } from "./conversation.ts";
import type { SettableName } from "./chat-commands.ts";
import { HistoryFile, historyPath } from "./history-file.ts";
import { chatInTerminal } from "./terminal-chat.ts";

const pipedBytesMax = 4 * 1024 * 1024;

/** What the command line says. */
export interface ChatWords {
  readonly options: OptionValues;
  /** As given by position; with `--url` it is one of that server's. */
  readonly model: string | null;
  /** Null = talk, or answer what is piped in. */
  readonly prompt: string | null;
}

interface Endpoint extends AsyncDisposable {
  readonly url: string;
}

/** Talks until the user leaves, or answers once. Returns the exit code. */
export async function runChat(
  config: Config,
  { options, model, prompt }: ChatWords,
  output: Output,
): Promise<number> {
  const conversation = new Conversation({
    system: textOption(options, "system"),
    maxTokens: numberOption(options, "max-tokens"),
    temperature: numberOption(options, "temperature"),
  });
  const { stdin: input, stdout: screen } = process;
  const json = options["json"] === true;
  const talks = prompt === null && input.isTTY;
  if (talks && json) {
    throw new LociError("config_invalid", "--json is for single answers.", {
      remedy: "Give a prompt, or pipe one in.",
    });
  }
  const message = talks ? null : await singleMessage(prompt);
  if (message !== null && message.trim() === "") {
    throw new LociError("config_invalid", "There is nothing to answer.", {
      remedy: "Give a prompt, or pipe one in.",
    });
  }
  const [apiKey] = await loadApiKeys(config);
  const url = textOption(options, "url");
  // A large model takes its time.
  if (talks && url === null) output.out(paint(output, "dim", "Loading the model.\n"));
  await using endpoint = await findEndpoint(config, url, output);
  const api = new ApiClient({ url: endpoint.url, apiKey: apiKey ?? null });
  const client = new ChatClient(api, url === null ? null : model);
  if (message !== null) {
    const step = conversation.take(message);
    return await answerOnce({ client, step, output, json, clock: systemClock });
  }
  const remembers = options["history"] !== false;
  const history = remembers ? new HistoryFile(historyPath(process.env)) : null;
  const clock = systemClock;
  return await chatInTerminal({ client, conversation, output, input, screen, history, clock });
}

async function findEndpoint(config: Config, url: string | null, output: Output): Promise<Endpoint> {
  if (url !== null) return { url, [Symbol.asyncDispose]: async () => {} };
  const { startServer } = await import("../serve/start-server.ts");
  const { openLocalBackend } = await import("../serve/local-backend.ts");
  // Its log would run into the conversation: only what went wrong is shown.
  const logLevel = config.logLevel === "info" ? "warn" : config.logLevel;
  // The terminal keeps its conversation itself; the usual store may be in a server's hands.
  const store = config.store ?? "none";
  const settings = { ...config, host: "127.0.0.1", port: 0, logLevel, store, page: false };
  const server = await startServer(settings, output, openLocalBackend);
  const stop = async (): Promise<void> => server.stop(0);
  return { url: server.url, [Symbol.asyncDispose]: stop };
}

/** The prompt, what is piped in, or the one below the other. */
async function singleMessage(prompt: string | null): Promise<string> {
  // A prompt does not wait for a terminal, nor for whoever else happens to hold standard input.
  const piped = prompt === null || isPiped() ? await readStandardInput() : "";
  return [prompt ?? "", piped].filter((text) => text !== "").join("\n\n");
}

/** Pipes and files end. A socket, as programs of Node hand them down, may stay open for ever. */
function isPiped(): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile();
  } catch {
    // Closed.
    return false;
  }
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > pipedBytesMax) {
      throw new LociError("payload_too_large", `The input is longer than ${pipedBytesMax} bytes.`);
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function numberOption(options: OptionValues, flag: SettableName): number | null {
  const { field, pattern, expected } = settables[flag];
  const text = textOption(options, field);
  if (text === null || pattern.test(text)) return text === null ? null : Number(text);
  throw new LociError("config_invalid", `--${flag} is "${text}", but must be ${expected}.`, {
    remedy: "See loci chat --help.",
  });
}

function textOption(options: OptionValues, name: string): string | null {
  const value: unknown = options[name];
  return typeof value === "string" ? value : null;
}
