// What a person sees when the server is ready: where, what, and a first command to try.

import { paint } from "../output.ts";
import type { Output } from "../output.ts";
import { lociVersion } from "../version.ts";
import type { RunningServer } from "./start-server.ts";

const greeting = "Hello, who are you?";

type ReadyFacts = Pick<RunningServer, "url" | "model" | "facts">;

/** One block of lines, with an empty one around it. */
export function readyText(
  server: ReadyFacts,
  needsKey: boolean,
  output: Pick<Output, "coloured">,
): string {
  const { facts, model, url } = server;
  const rows: readonly (readonly [string, string])[] = [
    ["API", paint(output, "bold", `${url}/v1`)],
    ...facts,
    [
      "try",
      `curl ${url}/v1/chat/completions${needsKey ? " -H 'authorization: Bearer KEY'" : ""} \\`,
    ],
    ["", `  -H 'content-type: application/json' \\`],
    ["", `  -d '${JSON.stringify(exampleRequest(model.id))}'`],
  ];
  const lines = rows.map(([name, text]) => `  ${paint(output, "dim", name.padEnd(8))} ${text}`);
  const title = paint(output, "green", `loci ${lociVersion()} serves ${model.id}`);
  return `\n${[title, ...lines].join("\n")}\n\nCtrl+C stops.\n`;
}

function exampleRequest(model: string): unknown {
  return { model, messages: [{ role: "user", content: greeting }] };
}
