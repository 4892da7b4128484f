// Binds a table of C prototypes to a typed record of functions, all at once at load time, so that
// a missing symbol is a clear error at start-up and not a crash later.

import type { LibraryHandle } from "koffi";
import { LociError } from "@loci/core";

type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** C prototypes by their names in TypeScript. The C name is read from the prototype. */
export type Prototypes<T> = { readonly [K in keyof T]: string };

/** Functions of `library` for each prototype; native_library_mismatch when one is absent. */
export function bindFunctions<T extends Functions>(
  library: LibraryHandle,
  prototypes: Prototypes<T>,
): T {
  const bound: Record<string, unknown> = {};
  for (const [name, prototype] of Object.entries<string>(prototypes)) {
    try {
      bound[name] = library.func(prototype);
    } catch (error) {
      throw new LociError(
        "native_library_mismatch",
        `A native function is missing: ${prototype}.`,
        {
          remedy: "Run npm ci.",
          cause: error,
        },
      );
    }
  }
  return bound as T;
}

/** Calls a bound function on a worker thread, so that the event loop stays free. */
export function callAsync<A extends unknown[], R>(
  nativeFunction: (...args: A) => R,
  ...args: A
): Promise<R> {
  const { async: start } = nativeFunction as unknown as {
    async: (...args: [...A, (error: Error | null, result: R) => void]) => void;
  };
  return new Promise((resolve, reject) => {
    start(...args, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
