// `loci ps`: what a running server does at this moment.

import { LociError } from "@loci/core";
import type { LiveView } from "@loci/core";
import type { Command } from "commander";

import type { ApiClient } from "../api/api-client.ts";
import { addServerOptions, serverOf } from "../api/server-address.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { formatLook } from "./format-look.ts";

const lookTimeoutMs = 10_000;

/** Adds `ps`. */
export function registerPs(program: Command, output: Output, handle: ActionHandler): void {
  const ps = program
    .command("ps")
    .description("What a running server does: its model, memory, workers and requests.");
  ps.action(
    handle(async (command) => {
      const look = await firstLook(await serverOf(command));
      const json = command.opts()["json"] === true;
      output.out(json ? `${JSON.stringify(look)}\n` : formatLook(look, output.columns ?? null));
      return exitCodes.ok;
    }),
  );
  addServerOptions(ps);
}

/** The server streams a look a second; one is enough. */
async function firstLook(api: ApiClient): Promise<LiveView> {
  const signal = AbortSignal.timeout(lookTimeoutMs);
  for await (const data of api.events({ method: "GET", path: "/loci/live", signal })) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
    return JSON.parse(data) as LiveView;
  }
  throw new LociError("unavailable", `${api.root} told nothing of itself.`);
}
