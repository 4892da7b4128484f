// The names a setting goes by: property, flag, alias, environment name, key in the file.

import type { SettingDeclaration, SettingName } from "./setting-types.ts";
import { settings } from "./settings.ts";

export interface NamedSetting {
  readonly name: SettingName;
  readonly setting: SettingDeclaration;
}

/** All settings in the order of their declaration. */
export const namedSettings: readonly NamedSetting[] = Object.keys(settings)
  .filter(isSettingName)
  .map((name) => ({ name, setting: settings[name] }));

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settings, name);
}

/** `ctx-size` → `LOCI_CTX_SIZE`. */
export function environmentName(setting: SettingDeclaration): string {
  return `LOCI_${setting.flag.toUpperCase().replaceAll("-", "_")}`;
}

/** Every name in the environment that sets it; the first that is there counts. */
export function environmentNames(setting: SettingDeclaration): readonly string[] {
  return [environmentName(setting), ...(setting.environment ?? [])];
}

const aliasToFlag: ReadonlyMap<string, string> = new Map(
  namedSettings.flatMap(({ setting }) =>
    setting.aliases.flatMap((alias): readonly (readonly [string, string])[] =>
      setting.kind === "switch"
        ? [
            [alias, `--${setting.flag}`],
            [alias.replace(/^--/, "--no-"), `--no-${setting.flag}`],
          ]
        : [[alias, `--${setting.flag}`]],
    ),
  ),
);

/**
 * Command-line words with every alias replaced by our long flag: `-np 4`, `--max-model-len=4096`.
 * Words after `--` stay as they are.
 */
export function canonicalArguments(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return words.map((word, index) => {
    if (!word.startsWith("-") || (end >= 0 && index >= end)) return word;
    const equals = word.indexOf("=");
    const flag = equals < 0 ? word : word.slice(0, equals);
    const canonical = aliasToFlag.get(flag);
    return canonical ? canonical + word.slice(flag.length) : word;
  });
}

/** The candidate most like `word`, or null when none is near; for "did you mean". */
export function nearestName(word: string, candidates: Iterable<string>): string | null {
  let nearest: string | null = null;
  let distanceMin = Math.min(4, Math.floor(word.length / 2) + 1);
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate, distanceMin);
    if (distance < distanceMin) {
      distanceMin = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Levenshtein's distance; stops early at `limit` by the difference of lengths. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const change = Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      current.push(Math.min(substitution, change));
    }
    previous = current;
  }
  return previous[b.length] ?? limit;
}
