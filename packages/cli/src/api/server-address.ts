// Which server a verb talks with: the one that `--url` names, or the one that the settings describe.

import type { Config } from "@loci/core";
import type { Command } from "commander";

import { loadApiKeys, loadConfig } from "../load-config.ts";
import { addSettingOptions, givenFlags } from "../setting-flags.ts";
import type { ApiClient } from "./api-client.ts";

/** Adds the flags that `serverOf` reads. */
export function addServerOptions(command: Command): Command {
  command
    .option("--url <url>", "the server; by default the one that the settings describe")
    .option("--json", "one JSON object instead of lines");
  addSettingOptions(command, true);
  return command;
}

/** A client of that server, with the first of its keys. */
export async function serverOf(command: Command): Promise<ApiClient> {
  const { config } = await loadConfig(givenFlags(command));
  const [apiKey] = await loadApiKeys(config);
  const url: unknown = command.opts()["url"];
  // Brings a whole HTTP client along, which `--help` can do without.
  const { ApiClient } = await import("./api-client.ts");
  const address = typeof url === "string" ? url : serverUrl(config);
  return new ApiClient({ url: address, apiKey: apiKey ?? null });
}

/** Where `loci serve` with these settings can be reached from this machine. */
export function serverUrl({ host, port }: Pick<Config, "host" | "port">): string {
  const anywhere = new Map([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "[::1]"],
  ]);
  const name = anywhere.get(host) ?? (host.includes(":") ? `[${host}]` : host);
  return `http://${name}:${port}`;
}
