// The verbs about a running server's cache: stats, ls, explain, rm.

import { LociError } from "@loci/core";
import { readBounded } from "@loci/host/read-bounded";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import { addServerOptions, serverOf } from "../api/server-address.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { CacheClient } from "./cache-client.ts";
import type { CachePrompt } from "./cache-client.ts";
import { formatChains, formatExplanation, formatStats } from "./format-cache.ts";

const promptBytesMax = 4 * 1024 * 1024;
const chainsDefault = 20;
const chainsPattern = /^[1-9]\d{0,2}$/;

/** Adds `cache` with its own verbs. */
export function registerCache(program: Command, output: Output, handle: ActionHandler): void {
  const cache = program.command("cache").description("Look into a running server's cache.");
  const add = (usage: string, description: string, run: Verb): Command => {
    const command = cache
      .command(usage)
      .description(description)
      .option("--salt <text>", "what is cached under this cache_salt")
      .action(handle(async (given) => runVerb(given, output, run)));
    return addServerOptions(command);
  };
  add("stats", "How full each memory is and what it was good for.", stats);
  add("ls", "The known sequences of tokens, most recently used first.", list).option(
    "--limit <integer>",
    `at most so many (default: ${chainsDefault})`,
  );
  add("explain [prompt]", "Why a prompt would find its history cached, or not.", explain)
    .option("--file <path>", "a text, or JSON with 'messages'; instead of the prompt")
    .addHelpText("after", promptHelp);
  add("rm [prompt]", "Forget a prompt and all that follows it.", remove)
    .option("--file <path>", "a text, or JSON with 'messages'; instead of the prompt")
    .option("--all", "forget everything of the key's tenant")
    .addHelpText("after", promptHelp);
}

const promptHelp = "\nThe prompt is a text, or the id of a response (resp_...).";

type Verb = (client: CacheClient, command: Command) => Promise<{ json: object; text: string }>;

async function runVerb(command: Command, output: Output, run: Verb): Promise<number> {
  const { json, text } = await run(new CacheClient(await serverOf(command)), command);
  output.out(command.opts()["json"] === true ? `${JSON.stringify(json)}\n` : text);
  return exitCodes.ok;
}

const stats: Verb = async (client, command) => {
  const { chains: _, ...state } = await client.state(1, textOption(command, "salt"));
  return { json: state, text: formatStats({ ...state, chains: [] }) };
};

const list: Verb = async (client, command) => {
  const limit = textOption(command, "limit") ?? `${chainsDefault}`;
  if (!chainsPattern.test(limit)) {
    throw new LociError("config_invalid", `--limit is "${limit}", but must be from 1 to 999.`);
  }
  const { chains } = await client.state(Number(limit), textOption(command, "salt"));
  return { json: chains, text: formatChains(chains) };
};

const explain: Verb = async (client, command) => {
  const explanation = await client.explain(await requirePrompt(command));
  return { json: explanation, text: formatExplanation(explanation) };
};

const remove: Verb = async (client, command) => {
  const all = command.opts()["all"] === true;
  const prompt = all ? null : await requirePrompt(command);
  const blocks = await client.forget(prompt, textOption(command, "salt"));
  return { json: { blocks }, text: `${blocks} blocks forgotten.\n` };
};

async function requirePrompt(command: Command): Promise<CachePrompt> {
  const [text] = command.args;
  const file = textOption(command, "file");
  const salt = textOption(command, "salt");
  const rest = salt === null ? {} : { cache_salt: salt };
  if ((text === undefined) === (file === null)) {
    throw new LociError("config_invalid", "Give a prompt or --file, one of the two.");
  }
  if (file !== null) return { ...fromFile(await readPrompt(file)), ...rest };
  if (text?.startsWith("resp_")) return { response_id: text, ...rest };
  return { prompt: text ?? "", ...rest };
}

function readPrompt(path: string): Promise<string> {
  return readBounded("The prompt's file", path, promptBytesMax);
}

/** A chat if the file holds one, else its text. */
function fromFile(text: string): CachePrompt {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { prompt: text };
  }
  if (typeof value !== "object" || value === null || !("messages" in value))
    return { prompt: text };
  return Array.isArray(value.messages) ? { messages: value.messages } : { prompt: text };
}

function textOption(command: Command, name: string): string | null {
  const value: unknown = command.opts()[name];
  return typeof value === "string" ? value : null;
}
