// Flags of the verbs that compare routing policies: what is compared, and on what.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { LociError } from "@loci/core";
import { policyNames } from "@loci/router";
import type { PolicyName } from "@loci/router";
import { clusterScenarios, parseAzureTrace, parseMooncakeTrace, readBoundedText } from "@loci/sim";
import type { ClusterScenario, SimRequest } from "@loci/sim";
import type { Command } from "commander";

import { numberOption, textOption } from "./simulate-flags.ts";

/** The scenarios whose traces are there, or those of them that were named. */
export function scenariosOf(command: Command, names: readonly string[] | null): ClusterScenario[] {
  const all = clusterScenarios(tracesOf(command));
  const wanted = wordsOf(command, "scenarios") ?? names;
  if (wanted === null) return all;
  return wanted.flatMap((name) => {
    const found = all.find((scenario) => scenario.name === name);
    if (found !== undefined) return [found];
    if (names?.includes(name)) return [];
    const known = all.map((scenario) => scenario.name).join(", ");
    throw usage(`--scenarios has ${name}, which is none of: ${known}.`);
  });
}

/** All of them when none is named. */
export function policiesOf(command: Command): readonly PolicyName[] {
  const words = wordsOf(command, "policies");
  if (words === null) return policyNames;
  return words.map((word) => {
    const name = policyNames.find((candidate) => candidate === word);
    if (name !== undefined) return name;
    throw usage(`--policies has ${word}, which is none of: ${policyNames.join(", ")}.`);
  });
}

/** Positive numbers, separated by commas; null when the flag is absent. */
export function numbersOf(command: Command, flag: string): readonly number[] | null {
  const words = wordsOf(command, flag);
  if (words === null) return null;
  return words.map((word) => {
    const value = Number(word);
    if (value > 0 && value <= 4096) return value;
    throw usage(`--${flag} has ${word}, which is no number from 0 to 4096.`);
  });
}

function wordsOf(command: Command, flag: string): readonly string[] | null {
  const text = textOption(command, flag);
  return text === null ? null : text.split(",").filter((word) => word !== "");
}

function tracesOf(command: Command): Parameters<typeof clusterScenarios>[0] {
  const folder = textOption(command, "traces");
  if (folder === null) return {};
  const mooncakeDivisor = numberOption(command, "shrink") ?? 1;
  const read = (
    name: string,
    parse: (name: string, text: string) => SimRequest[],
  ): SimRequest[] | null => {
    const path = join(folder, name);
    return existsSync(path) ? parse(name, readBoundedText(path)) : null;
  };
  const mooncake = (name: string, text: string): SimRequest[] =>
    parseMooncakeTrace(name, text, { promptDivisor: mooncakeDivisor });
  const mooncakeConversation = read("mooncake-conversation.jsonl", mooncake);
  const mooncakeSynthetic = read("mooncake-synthetic.jsonl", mooncake);
  const azureCode = read("azure-2023-code.csv", parseAzureTrace);
  const azureConversation = read("azure-2023-conv.csv", parseAzureTrace);
  return {
    mooncakeDivisor,
    ...(mooncakeConversation && { mooncakeConversation }),
    ...(mooncakeSynthetic && { mooncakeSynthetic }),
    ...(azureCode && { azureCode }),
    ...(azureConversation && { azureConversation }),
  };
}

function usage(message: string): LociError {
  return new LociError("config_invalid", message);
}
