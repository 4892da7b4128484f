// `loci chat`: talks with a server that runs, or with one it starts for itself on a free port.

import { LociError } from "@loci/core";
import type { Config } from "@loci/core";
import type { OptionValues } from "commander";

import { exitCodes } from "../exit-codes.ts";
import { loadApiKeys } from "../load-config.ts";
import type { Output } from "../output.ts";
import { ChatClient } from "./chat-client.ts";
import { Conversation } from "./conversation.ts";
import type { Step } from "./conversation.ts";
import { printable } from "../terminal/safe-text.ts";
import { chatInTerminal } from "./terminal-chat.ts";

const pipedBytesMax = 4 * 1024 * 1024;

/** What the command line says. */
export interface ChatWords {
  readonly options: OptionValues;
  /** Null = talk, or answer what is piped in. */
  readonly prompt: string | null;
}

interface Endpoint extends AsyncDisposable {
  readonly url: string;
}

/** Talks until the user leaves, or answers piped input once. Returns the exit code. */
export async function runChat(
  config: Config,
  { options, prompt }: ChatWords,
  output: Output,
): Promise<number> {
  const maxTokens = numberOption(options, "maxTokens", /^[1-9]\d{0,8}$/, "a positive integer");
  const temperature = numberOption(options, "temperature", /^\d+(\.\d+)?$/, "a number from 0 on");
  const system = textOption(options, "system");
  const [apiKey] = await loadApiKeys(config);
  await using endpoint = await findEndpoint(config, textOption(options, "url"), output);
  const client = new ChatClient({
    url: endpoint.url,
    apiKey: apiKey ?? null,
    maxTokens,
    temperature,
  });
  const conversation = new Conversation(system);
  const { stdin: input, stdout: screen } = process;
  if (prompt === null && input.isTTY)
    return await chatInTerminal({ client, conversation, output, input, screen });
  return await answerOnce(client, conversation.take(prompt ?? (await readStandardInput())), output);
}

async function findEndpoint(config: Config, url: string | null, output: Output): Promise<Endpoint> {
  if (url !== null) return { url, [Symbol.asyncDispose]: async () => {} };
  const { startServer } = await import("../serve/start-server.ts");
  const { openLocalBackend } = await import("../serve/local-backend.ts");
  // Its log would run into the conversation: only what went wrong is shown.
  const logLevel = config.logLevel === "info" ? "warn" : config.logLevel;
  // The terminal keeps its conversation itself; the usual store may be in a server's hands.
  const store = config.store ?? "none";
  const settings = { ...config, host: "127.0.0.1", port: 0, logLevel, store };
  const server = await startServer(settings, output, openLocalBackend);
  const stop = async (): Promise<void> => server.stop(0);
  return { url: server.url, [Symbol.asyncDispose]: stop };
}

/** The answer goes to standard output, nothing else does. */
async function answerOnce(client: ChatClient, step: Step, output: Output): Promise<number> {
  if (step.type === "say") output.out(step.text);
  if (step.type !== "ask") return exitCodes.ok;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  try {
    for await (const piece of client.answer(step.turns, stop.signal)) {
      output.out(process.stdout.isTTY ? printable(piece) : piece);
    }
    output.out("\n");
    return exitCodes.ok;
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
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

function numberOption(
  options: OptionValues,
  name: string,
  pattern: RegExp,
  expected: string,
): number | null {
  const text = textOption(options, name);
  if (text === null || pattern.test(text)) return text === null ? null : Number(text);
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new LociError("config_invalid", `--${flag} is "${text}", but must be ${expected}.`, {
    remedy: "See loci chat --help.",
  });
}

function textOption(options: OptionValues, name: string): string | null {
  const value: unknown = options[name];
  return typeof value === "string" ? value : null;
}
