// The beginnings that most prompts share, and which workers hold a copy.

import type { JSX } from "preact";
import { formatCount } from "../../format.ts";
import { Nothing, Panel } from "../../live/panel.tsx";
import { usePolled, type PollPlan } from "../../live/polled.ts";
import { PollTrouble } from "../../live/poll-trouble.tsx";
import { decodePrefixes, type PrefixRow } from "./hot-prefixes.ts";

const plan: PollPlan<readonly PrefixRow[] | null> = { periodMs: 5000, decode: decodePrefixes };
/** Names that fit into a cell; the rest is counted. */
const workersShown = 6;

export function PrefixTable(): JSX.Element {
  const { value, error } = usePolled("/loci/prefixes?limit=20", plan);
  return (
    <Panel title="Hottest beginnings">
      <PollTrouble error={error} />
      {value === null || value.length === 0 ? (
        <Nothing>
          No beginning is shared by many prompts yet: a system prompt or a document that several
          requests begin with appears here.
        </Nothing>
      ) : (
        <table class="table">
          <caption class="visually-hidden">Shared beginnings of prompts, most used first</caption>
          <thead>
            <tr>
              <th scope="col">Tokens</th>
              <th scope="col">Requests</th>
              <th scope="col">Copies</th>
              <th scope="col">Workers</th>
            </tr>
          </thead>
          <tbody>
            {value.map(({ key, tokens, hits, workers }) => (
              <tr key={key}>
                <td class="number">{formatCount(tokens)}</td>
                <td class="number">{formatCount(hits)}</td>
                <td class="number">{workers.length}</td>
                <td>{workerWords(workers)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function workerWords(workers: readonly string[]): string {
  if (workers.length <= workersShown) return workers.join(", ");
  const more = workers.length - workersShown;
  return `${workers.slice(0, workersShown).join(", ")} and ${more} more`;
}
