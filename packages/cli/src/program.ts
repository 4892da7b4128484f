// The command line: verbs and their options. Each verb's code is imported when it runs, so that
// `loci --help` stays quick.

import { canonicalArguments } from "@loci/core";
import { Command, CommanderError } from "commander";

import { registerCache } from "./cache/register-cache.ts";
import { exitCodes } from "./exit-codes.ts";
import { loadConfig } from "./load-config.ts";
import type { ModelKnowledge } from "./inspect/inspect-model.ts";
import { registerInspect } from "./inspect/register-inspect.ts";
import type { Output } from "./output.ts";
import { registerPull } from "./pull/register-pull.ts";
import { reportError } from "./report-error.ts";
import { registerServing } from "./serve/register-serving.ts";
import { registerSimulate } from "./simulate/register-simulate.ts";
import { addSettingOptions, givenFlags } from "./setting-flags.ts";
import { lociVersion } from "./version.ts";

/** Verbs that take the settings, and with them the aliases other servers' users know. */
const settingVerbs: ReadonlySet<string> = new Set([
  "serve",
  "worker",
  "router",
  "chat",
  "run",
  "config",
  "doctor",
]);

/** Names that users of other programs try first. */
const verbAliases: ReadonlyMap<string, readonly string[]> = new Map([
  ["chat", ["run"]],
  ["inspect", ["show"]],
  ["models", ["list", "ls"]],
]);

type Action = (command: Command) => Promise<number>;

/** Runs one command line (without the program's name) and returns the exit code. */
export async function runProgram(words: readonly string[], output: Output): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram(output, (action) => async (...given: readonly unknown[]) => {
    const command = given.at(-1);
    if (command instanceof Command) exitCode = await action(command);
  });
  const verb = words.find((word) => !word.startsWith("-")) ?? "";
  const argv = settingVerbs.has(verb) ? canonicalArguments(words) : words;
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    return reportError(output, error, wantsDebug(words));
  }
}

type Handler = (action: Action) => (...given: readonly unknown[]) => Promise<void>;

function buildProgram(output: Output, handle: Handler): Command {
  const program = new Command("loci")
    .description("LLM serving that remembers: an OpenAI-compatible server for GGUF models.")
    .version(lociVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
      getOutHasColors: () => output.coloured,
      getErrHasColors: () => output.coloured,
    })
    .showHelpAfterError("(--help shows every option)")
    .enablePositionalOptions()
    .addHelpText("after", `\n${exitCodeHelp}`);
  registerServing(program, output, handle);
  registerPull(program, output, handle);
  registerInspect(program, output, handle, modelKnowledge);
  registerCache(program, output, handle);
  registerSimulate(program, output, handle);
  addOtherVerbs(program, output, handle);
  for (const command of program.commands) command.aliases(verbAliases.get(command.name()) ?? []);
  return program;
}

const exitCodeHelp = "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted.";

function addOtherVerbs(program: Command, output: Output, handle: Handler): void {
  const doctor = program
    .command("doctor")
    .description("Check whether this machine can serve, and say what to do about it.")
    .option("--json", "one JSON object instead of lines")
    .action(
      handle(async (command) => {
        const resolved = await loadConfig(givenFlags(command));
        const { runDoctor } = await import("./doctor/doctor-command.ts");
        return runDoctor(resolved.config, output, command.opts()["json"] === true);
      }),
    );
  addSettingOptions(doctor, true);
  program
    .command("bench [words...]")
    .description("Measure speed, alone and against peers.")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(
      handle(async (command) => {
        const { runBench } = await import("./bench-command.ts");
        return runBench(command.args);
      }),
    );
  addConfigVerbs(program, output, handle);
  program
    .command("version")
    .description("Print the version.")
    .action(
      handle(async () => {
        output.out(`loci ${lociVersion()} (Node ${process.versions.node})\n`);
        return exitCodes.ok;
      }),
    );
}

function addConfigVerbs(program: Command, output: Output, handle: Handler): void {
  const config = program.command("config").description("Show or check the settings.");
  const print = config
    .command("print")
    .description("Print every setting's value and where it comes from.")
    .option("--json", "one JSON object instead of lines")
    .action(
      handle(async (command) => {
        const resolved = await loadConfig(givenFlags(command));
        const { printConfig } = await import("./config-command.ts");
        return printConfig(output, resolved, command.opts()["json"] === true);
      }),
    );
  addSettingOptions(print, true);
  const check = config
    .command("check")
    .description("Look for unknown names and wrong values.")
    .action(
      handle(async (command) => {
        await loadConfig(givenFlags(command));
        output.out("The settings are valid.\n");
        return exitCodes.ok;
      }),
    );
  addSettingOptions(check, true);
}

/** What `inspect` asks of the model package, loaded only then. */
async function modelKnowledge(): Promise<ModelKnowledge> {
  const { detectToolCallFormat, supportedArchitectures } = await import("@loci/model");
  return {
    supported: (architecture) => supportedArchitectures.has(architecture),
    toolCallFormat: detectToolCallFormat,
  };
}

/** Read before the settings are resolved, because resolving them may be what failed. */
function wantsDebug(words: readonly string[]): boolean {
  if (process.env["LOCI_LOG_LEVEL"] === "debug") return true;
  const index = words.indexOf("--log-level");
  return words[index + 1] === "debug" || words.includes("--log-level=debug");
}
