// What commander's own messages leave out: bold headings, and a suggestion for a flag that resembles
// one of those that the help of a verb does not list.

import { nearestName } from "@loci/core";
import type { Command } from "commander";

const unknownOption = /^error: unknown option '(--[^'=]{1,40})/;

/** Completes `command` and all verbs below it. */
export function addUsageHelp(command: Command): void {
  // Commander takes it away where colours are not wanted.
  command.configureHelp({ styleTitle: (title) => `\u001B[1m${title}\u001B[0m` });
  command.configureOutput({ outputError: (text, write) => write(withSuggestion(command, text)) });
  for (const below of command.commands) addUsageHelp(below);
}

function withSuggestion(command: Command, text: string): string {
  const flag = unknownOption.exec(text)?.[1];
  if (flag === undefined || text.includes("Did you mean")) return text;
  const known = command.options.flatMap(({ long }) => (long ? [long] : []));
  const nearest = nearestName(flag, known);
  return nearest === null ? text : `${text.trimEnd()}\n(Did you mean ${nearest}?)\n`;
}
