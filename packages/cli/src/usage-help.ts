// What commander's own messages leave out: bold headings, and a suggestion for a flag that resembles
// one of those that the help of a verb does not list.

import { nearestName } from "@loci/core";
import type { Command } from "commander";

const unknownOption = /^error: unknown option '(--[^'=]{1,40})/;

/** Completes `program` and all verbs below it. */
export function addUsageHelp(program: Command): void {
  for (const command of [program, ...program.commands]) {
    command.configureHelp({ styleTitle: (title) => `\u001B[1m${title}\u001B[0m` });
    command.configureOutput({ outputError: (text, write) => write(withSuggestion(command, text)) });
    if (command !== program) addUsageHelp(command);
  }
}

function withSuggestion(command: Command, text: string): string {
  const flag = unknownOption.exec(text)?.[1];
  if (flag === undefined || text.includes("Did you mean")) return text;
  const known = command.options.flatMap(({ long }) => (long ? [long] : []));
  const nearest = nearestName(flag, known);
  return nearest === null ? text : `${text.trimEnd()}\n(Did you mean ${nearest}?)\n`;
}
