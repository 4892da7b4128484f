// What a setting is: plain data from which flags, environment names, file keys, help and docs are
// made. Defaults are written as text, just as a user would type them.

import type { settings } from "./settings.ts";

export type SettingKind =
  | "integer"
  | "number"
  | "bytes"
  | "duration"
  | "memory"
  | "choice"
  | "text"
  | "list"
  | "switch";

export type SettingGroup =
  | "Model"
  | "Computation"
  | "Cache"
  | "Scheduling"
  | "Server"
  | "Cluster"
  | "Logging"
  | "Observability"
  | "General";

export interface SettingDeclaration {
  /** Long flag without dashes; also the key in the file, and `LOCI_…` in capitals. */
  readonly flag: string;
  readonly kind: SettingKind;
  /** Parsed like any other source; null = decided when it is used (`description` says how). */
  readonly default: string | null;
  readonly group: SettingGroup;
  readonly description: string;
  /** With dashes: `-c`, `-np`, `--max-model-len`. */
  readonly aliases: readonly string[];
  /** Bounds, both included, for numbers of every kind. */
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
  readonly choices?: readonly string[];
  /** Names read after `LOCI_…`, because other tools use them. */
  readonly environment?: readonly string[];
  /** Never printed. */
  readonly secret?: true;
  /** Has no meaning inside a configuration file. */
  readonly notInFile?: true;
}

/** An amount of memory: so many bytes, or a share in (0, 1] of what is available at start. */
export type MemorySize =
  | { readonly unit: "bytes"; readonly bytes: number }
  | { readonly unit: "share"; readonly share: number };

/** The value a setting of each kind resolves to; durations are milliseconds. */
interface KindValues {
  readonly integer: number;
  readonly number: number;
  readonly bytes: number;
  readonly duration: number;
  readonly memory: MemorySize;
  readonly choice: string;
  readonly text: string;
  readonly list: readonly string[];
  readonly switch: boolean;
}

export type SettingValue = KindValues[SettingKind];

type BaseValue<D> = D extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : D extends { readonly kind: infer Kind extends SettingKind }
    ? KindValues[Kind]
    : never;

type ValueOf<D> = D extends { readonly default: null } ? BaseValue<D> | null : BaseValue<D>;

export type SettingName = keyof typeof settings;

/** Every setting's final value, frozen. */
export type Config = { readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> };
