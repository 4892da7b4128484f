// Reads values out of JSON that another process sent: every field has a type, a range and a bound,
// and is read by name. Anything else is a WireError; unknown fields are left alone, so that a newer
// sender is understood.

import { WireError } from "./wire-error.ts";

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (!isRecord(value)) throw new WireError("a message is an object");
    this.#values = value;
  }

  /** Absent and null are the same. */
  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  integer(name: string, low = 0, high: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.number(name, low, high);
    if (!Number.isSafeInteger(value)) throw malformed(name);
    return value;
  }

  number(name: string, low: number = -Number.MAX_VALUE, high: number = Number.MAX_VALUE): number {
    const value = this.#get(name);
    if (typeof value !== "number" || !(value >= low && value <= high)) throw malformed(name);
    return value;
  }

  text(name: string, charsMax: number): string {
    const value = this.#get(name);
    if (typeof value !== "string" || value.length > charsMax) throw malformed(name);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (typeof value !== "boolean") throw malformed(name);
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.#get(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw malformed(name);
    return found;
  }

  object(name: string): Fields {
    return new Fields(this.#get(name));
  }

  list(name: string, lengthMax: number): readonly unknown[] {
    const value = this.#get(name);
    if (!Array.isArray(value) || value.length > lengthMax) throw malformed(name);
    return value;
  }

  texts(name: string, lengthMax: number, charsMax: number): readonly string[] {
    return this.list(name, lengthMax).map((item) => {
      if (typeof item !== "string" || item.length > charsMax) throw malformed(name);
      return item;
    });
  }

  integers(name: string, lengthMax: number, high: number): readonly number[] {
    return this.list(name, lengthMax).map((item) => {
      if (!isInteger(item) || item < 0 || item > high) throw malformed(name);
      return item;
    });
  }

  /** Base64 in, bytes out. */
  bytes(name: string, bytesMax: number): Buffer {
    const text = this.text(name, Math.ceil(bytesMax / 3) * 4);
    return Buffer.from(text, "base64");
  }

  /** As it came. */
  plain(name: string): unknown {
    return this.#get(name);
  }

  /** Names and numbers, all finite and in the range. */
  numbers<Name extends string>(
    names: readonly Name[],
    low?: number,
    high?: number,
  ): Record<Name, number> {
    const values = names.map((name) => [name, this.number(name, low, high)] as const);
    return recordOf(values);
  }

  #get(name: string): unknown {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return value === null ? undefined : value;
  }
}

function recordOf<Name extends string>(
  entries: readonly (readonly [Name, number])[],
): Record<Name, number> {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as Record<Name, number>;
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(name: string): WireError {
  return new WireError(`'${name}' is missing or not what it should be`);
}
