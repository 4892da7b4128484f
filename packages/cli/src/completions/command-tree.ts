// The command line as plain data, read off commander's own tree: what completion scripts and the
// manual are made from, so that neither can fall behind.

import { namedSettings } from "@loci/core";
import type { Argument, Command, Option } from "commander";

export interface CommandFacts {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  /** As `--help` shows it, without the program's name. */
  readonly usage: string;
  readonly arguments: readonly ArgumentFacts[];
  /** Those of its own; what every verb takes, like `--help`, is left out. */
  readonly options: readonly OptionFacts[];
  readonly commands: readonly CommandFacts[];
}

export interface ArgumentFacts {
  readonly name: string;
  readonly isRequired: boolean;
  readonly isVariadic: boolean;
  readonly choices: readonly string[];
}

export interface OptionFacts {
  /** With dashes: `--port`, `-c`. */
  readonly names: readonly string[];
  /** As in help: `-c, --ctx-size <integer>`. */
  readonly flags: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** Its value is a file or a folder. */
  readonly isPath: boolean;
  /** One of the settings, which many verbs take; or not listed in help. */
  readonly isHidden: boolean;
  /** Of the settings: the heading it stands under; null for others. */
  readonly group: string | null;
}

const pathPlaceholder = /<(path|file|folder|files\.\.\.)>/;
const pathFlag = /^--(model|config|.*-(file|path|dir))$/;

/** Settings check their values themselves, so commander does not know these. */
const settingChoices: ReadonlyMap<string, readonly string[]> = new Map(
  namedSettings.map(({ setting }) => [`--${setting.flag}`, setting.choices ?? []]),
);

/** All that `command` and the verbs below it understand. */
export function commandTree(command: Command): CommandFacts {
  return {
    name: command.name(),
    aliases: command.aliases(),
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((one) => argumentFacts(one)),
    options: command.options.map((one) => optionFacts(one)),
    commands: command.commands.map((one) => commandTree(one)),
  };
}

function argumentFacts(argument: Argument): ArgumentFacts {
  return {
    name: argument.name(),
    isRequired: argument.required,
    isVariadic: argument.variadic,
    choices: argument.argChoices ?? [],
  };
}

function optionFacts(option: Option): OptionFacts {
  const names = [option.long, option.short].filter((name) => name !== undefined);
  return {
    names,
    flags: option.flags,
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? settingChoices.get(option.long ?? "") ?? [],
    isPath: pathPlaceholder.test(option.flags) || names.some((name) => pathFlag.test(name)),
    isHidden: option.hidden,
    group: option.helpGroupHeading?.replace(/:$/, "") ?? null,
  };
}
