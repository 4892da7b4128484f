// The command line: verbs and their options. Each verb's code is imported when it runs, so that
// `loci --help` stays quick.

import { canonicalArguments } from "@loci/core";
import { Command, CommanderError } from "commander";

import { registerBench } from "./bench-command.ts";
import { registerCache } from "./cache/register-cache.ts";
import { registerChat } from "./chat/register-chat.ts";
import { registerCompletions } from "./completions/register-completions.ts";
import { registerConfig } from "./config-command.ts";
import { registerDoctor } from "./doctor/register-doctor.ts";
import { exitCodeLine, exitCodes } from "./exit-codes.ts";
import type { ModelKnowledge } from "./inspect/inspect-model.ts";
import { registerInspect } from "./inspect/register-inspect.ts";
import { withoutColour } from "./output.ts";
import type { Output } from "./output.ts";
import { registerPs } from "./ps/register-ps.ts";
import { registerPull } from "./pull/register-pull.ts";
import type { ActionHandler } from "./pull/register-pull.ts";
import { reportError, usageJson } from "./report-error.ts";
import { registerServing } from "./serve/register-serving.ts";
import { registerSessions } from "./sessions/register-sessions.ts";
import { registerSimulate } from "./simulate/register-simulate.ts";
import { addUsageHelp } from "./usage-help.ts";
import { lociVersion } from "./version.ts";
import { registerVersion } from "./version-command.ts";

/** Verbs whose own flags may be the aliases of settings that other servers' users know. */
const ownFlagVerbs: ReadonlySet<string> = new Set(["bench", "simulate"]);

/** Names that users of other programs try first. */
const verbAliases: ReadonlyMap<string, readonly string[]> = new Map([
  ["inspect", ["show"]],
  ["models", ["list", "ls"]],
]);

type Action = (command: Command) => Promise<number>;

/** Runs one command line (without the program's name) and returns the exit code. */
export async function runProgram(words: readonly string[], given: Output): Promise<number> {
  const flags = programFlags(words);
  const output = flags.noColour ? withoutColour(given) : given;
  let exitCode: number = exitCodes.ok;
  const handle: ActionHandler =
    (action: Action) =>
    async (...values: readonly unknown[]) => {
      const command = values.at(-1);
      if (command instanceof Command) exitCode = await action(command);
    };
  // Instead of lines for people, one object says what is wrong.
  const program = buildProgram(flags.json ? { ...output, err: () => {} } : output, handle, output);
  try {
    await program.parseAsync(flags.words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(output, error, flags);
    if (error.exitCode === 0) return exitCodes.ok;
    if (flags.json) {
      const said = error.message.replace(/^error: /, "").replaceAll(/\s+/g, " ");
      const message = error.code === "commander.help" ? "No verb is given." : said;
      output.err(`${usageJson(message, "See --help.")}\n`);
    }
    return exitCodes.usage;
  }
}

interface ProgramFlags {
  /** As commander takes them. */
  readonly words: readonly string[];
  readonly noColour: boolean;
  readonly json: boolean;
  readonly debug: boolean;
}

/** Read before anything is parsed, because parsing or the settings may be what fails. */
function programFlags(given: readonly string[]): ProgramFlags {
  const end = given.includes("--") ? given.indexOf("--") : given.length;
  const own = given.slice(0, end);
  const kept = own.filter((word) => word !== "--no-color");
  const words = [...kept, ...given.slice(end)];
  const verb = words.find((word) => !word.startsWith("-")) ?? "";
  return {
    words: ownFlagVerbs.has(verb) ? words : canonicalArguments(words),
    noColour: kept.length < own.length,
    json: own.includes("--json"),
    debug: wantsDebug(own),
  };
}

/** All verbs; `usage` is told what is wrong with a command line, `output` everything else. */
export function buildProgram(usage: Output, handle: ActionHandler, output: Output): Command {
  const program = new Command("loci")
    .description("LLM serving that remembers: an OpenAI-compatible server for GGUF models.")
    .version(lociVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => usage.err(text),
      getOutHelpWidth: () => output.columns ?? 80,
      getErrHelpWidth: () => output.errorColumns ?? 80,
      getOutHasColors: () => output.coloured,
      getErrHasColors: () => output.errorsColoured ?? false,
    })
    .showHelpAfterError("(--help shows every option)")
    .enablePositionalOptions()
    .option("--no-color", "no colours; as with NO_COLOR in the environment")
    .addHelpText("after", `\n${exitCodeLine()}`);
  registerServing(program, output, handle);
  registerChat(program, output, handle);
  registerPull(program, output, handle);
  registerInspect(program, output, handle, modelKnowledge);
  registerPs(program, output, handle);
  registerSessions(program, output, handle);
  registerCache(program, output, handle);
  registerSimulate(program, output, handle);
  registerDoctor(program, output, handle);
  registerBench(program, handle);
  registerConfig(program, output, handle);
  registerCompletions(program, output, handle);
  registerVersion(program, output, handle);
  for (const command of program.commands) command.aliases(verbAliases.get(command.name()) ?? []);
  addUsageHelp(program);
  return program;
}

/** What `inspect` asks of the model package, loaded only then. */
async function modelKnowledge(): Promise<ModelKnowledge> {
  const { detectToolCallFormat, supportedArchitectures } = await import("@loci/model");
  return {
    supported: (architecture) => supportedArchitectures.has(architecture),
    toolCallFormat: detectToolCallFormat,
  };
}

function wantsDebug(words: readonly string[]): boolean {
  if (process.env["LOCI_LOG_LEVEL"] === "debug") return true;
  const index = words.indexOf("--log-level");
  return words[index + 1] === "debug" || words.includes("--log-level=debug");
}
