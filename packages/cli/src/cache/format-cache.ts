// What the server's cache answers, as lines for people.

import { approximateBytes } from "@loci/core";

import { printable } from "../terminal/safe-text.ts";
import type {
  CacheChain,
  CacheExplanation,
  CacheState,
  ShownToken,
  TokensByTier,
} from "./cache-client.ts";

export function formatStats(state: CacheState): string {
  const { device, tiers, prompt_tokens: prompt, cached_tokens: cached } = state;
  const room = (slots: number, used: number): string => {
    const size = state.block_bytes === null ? null : approximateBytes(used * state.block_bytes);
    const tokens = `${used * state.block_tokens} of ${slots * state.block_tokens} tokens`;
    return size === null ? tokens : `${tokens}, ${size}`;
  };
  const restored = tiers.reduce((sum, tier) => sum + tier.restored_tokens, 0);
  const share = prompt === 0 ? 0 : Math.round((cached / prompt) * 100);
  const lines = [
    `device    ${room(device.slots, device.slots_used)}`,
    ...tiers.map((tier) => {
      const failed = `${tier.failed_stores} stores and ${tier.failed_restores} restores failed`;
      const moved = `${tier.restored_tokens} tokens restored, ${failed}`;
      return `${tier.name.padEnd(10)}${room(tier.slots, tier.slots_used)}; ${moved}`;
    }),
    `prompts   ${prompt} tokens, ${cached} of them cached (${share}%), ${restored} brought back`,
    `dropped   ${state.recomputed_tokens} tokens computed again`,
  ];
  return `${lines.join("\n")}\n`;
}

export function formatChains(chains: readonly CacheChain[]): string {
  if (chains.length === 0) return "Nothing is cached.\n";
  const rows = chains.map(({ tokens, by_tier: byTier, idle_seconds: idle, ...text }) => {
    const begin = `${tokens} tokens (${formatTiers(byTier)}), idle ${Math.round(idle)} s`;
    return `${begin}\n  ${quote(text.first_text)} ... ${quote(text.last_text)}`;
  });
  return `${rows.join("\n")}\n`;
}

export function formatExplanation(explanation: CacheExplanation): string {
  const { prompt_tokens: all, known_tokens: known, by_tier: byTier } = explanation;
  const lines = [`${known} of ${all} tokens are known: ${formatTiers(byTier)}.`];
  const { difference, fork } = explanation;
  if (difference !== null) {
    const { position, prompt, known: others } = difference;
    lines.push(`The first that is not, at ${position}, is ${formatToken(prompt)}.`);
    const found = others.map(formatToken).join(", ");
    lines.push(found === "" ? "Nothing is known to follow there." : `Known there: ${found}.`);
  } else if (byTier.missing === 0) lines.push("All of it would be found.");
  if (byTier.missing > 0) lines.push(`${byTier.missing} tokens would be computed again.`);
  if (fork !== null) {
    const { position, oldText, newText } = fork;
    lines.push(
      `Its prompt left the conversation's history at token ${position}: ` +
        `${quote(newText)} stands where ${quote(oldText)} stood.`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function formatTiers({ device, host, disk, missing }: TokensByTier): string {
  const parts = Object.entries({ device, host, disk, dropped: missing })
    .filter(([, tokens]) => tokens > 0)
    .map(([name, tokens]) => `${tokens} ${name}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

function formatToken({ id, text }: ShownToken): string {
  return `${quote(text)} (${id})`;
}

/** Text of clients on the operator's terminal: one line, nothing that it would obey. */
function quote(text: string): string {
  return JSON.stringify(printable(text));
}
