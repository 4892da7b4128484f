// Settings that deployment files give have to be settings, with values that loci would take.

import { LociError, resolveConfig } from "@loci/core";

/** What the command line would say of these variables; empty when it would start. */
export function checkSettings(environment: ReadonlyMap<string, string>): readonly string[] {
  const ours = [...environment].filter(([name]) => name.startsWith("LOCI_"));
  try {
    resolveConfig({ flags: {}, environment: Object.fromEntries(ours), file: null });
    return [];
  } catch (error) {
    if (error instanceof LociError) return [error.message];
    throw error;
  }
}

/** An image by a tag that says which version it is, or by its digest. */
export function checkImage(image: string): readonly string[] {
  const tag = /:([\w.-]+)$/.exec(image)?.[1];
  const isPinned = image.includes("@sha256:") || (tag !== undefined && tag !== "latest");
  return isPinned ? [] : [`image ${image} has no version`];
}
