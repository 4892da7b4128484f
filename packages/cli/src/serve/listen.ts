// Listening where the settings say, with a remedy for every way in which that usually fails.

import { LociError } from "@loci/core";
import type { Config } from "@loci/core";

interface Listener {
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
}

const remedies: ReadonlyMap<unknown, string> = new Map([
  ["EADDRINUSE", "Another server runs there: stop it, or choose another --port."],
  ["EACCES", "Choose a --port of 1024 or more."],
  ["EADDRNOTAVAIL", "Choose a --host this machine has; 127.0.0.1 is always there."],
  ["ENOTFOUND", "Choose a --host this machine has; 127.0.0.1 is always there."],
]);

/** Resolves with the address. LociError config_invalid when it cannot be had. */
export async function listen(
  listener: Listener,
  { host, port }: Pick<Config, "host" | "port">,
): Promise<string> {
  try {
    return await listener.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    const remedy = remedies.get(code);
    if (remedy === undefined) throw error;
    const message = `Cannot listen on ${host}:${port} (${String(code)}).`;
    throw new LociError("config_invalid", message, { remedy, cause: error });
  }
}
