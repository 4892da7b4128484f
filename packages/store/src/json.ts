// JSON as the store keeps it: opaque, but plain data. A property that is `undefined` is not kept.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}
