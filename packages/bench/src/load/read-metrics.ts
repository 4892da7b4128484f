// A server's counters, as Prometheus would read them.

import { request } from "undici";

/** Every sample of /metrics without its labels' quotes, e.g. `loci_x{tier=disk}`. */
export async function readMetrics(baseUrl: string): Promise<ReadonlyMap<string, number>> {
  const response = await request(`${baseUrl}/metrics`);
  const text = await response.body.text();
  const samples = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): [string, number] => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space).replaceAll('"', ""), Number(line.slice(space + 1))];
    });
  return new Map(samples);
}
