// Which file of a repository a reference means. Quantisations are part of file names by habit,
// not by rule, so a name matches when the quantisation stands in it as a word of its own.

import { LociError } from "@loci/core";
import { formatHubReference, type HubReference } from "./model-reference.ts";

export interface HubFile {
  /** Inside the repository. */
  readonly path: string;
  readonly bytes: number;
  readonly checksum: Checksum;
}

/** `sha256` of the content, or git's SHA-1 of a small file that is kept in git itself. */
export interface Checksum {
  readonly algorithm: "sha256" | "git-sha1";
  readonly hex: string;
}

/** Tried in this order when a reference names no quantisation. */
const preferred: readonly string[] = ["q4_k_m", "q8_0", "q4_0", "f16", "bf16"];

const splitPattern = /-\d{5}-of-\d{5}\.gguf$/i;

/** Throws LociError `model_not_found` with what there is, `not_supported` for split models. */
export function chooseFile(reference: HubReference, files: readonly HubFile[]): HubFile {
  const models = files.filter(({ path }) => isModelFile(path));
  const chosen = matching(reference, models);
  if (chosen !== undefined) {
    if (splitPattern.test(chosen.path)) throw splitError(reference, chosen.path);
    return chosen;
  }
  const offers = models.filter(({ path }) => !splitPattern.test(path)).map(({ path }) => path);
  throw new LociError(
    "model_not_found",
    `${formatHubReference(reference)} matches no GGUF file of the repository.`,
    { remedy: offers.length === 0 ? "It has none." : `There are: ${listOf(offers)}.` },
  );
}

function matching(reference: HubReference, models: readonly HubFile[]): HubFile | undefined {
  if (reference.file !== null) return models.find(({ path }) => path === reference.file);
  const wanted = reference.quantisation === null ? preferred : [reference.quantisation];
  for (const quantisation of wanted) {
    const found = models.filter(({ path }) => hasQuantisation(path, quantisation));
    const whole = found.filter(({ path }) => !splitPattern.test(path));
    const best = shortest(whole.length > 0 ? whole : found);
    if (best !== undefined) return best;
  }
  return reference.quantisation === null && models.length === 1 ? models[0] : undefined;
}

function isModelFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return /\.gguf$/i.test(name) && !/^mmproj|imatrix/i.test(name);
}

/** Whether the file's name holds the quantisation as a word, e.g. `q8_0` in `a-Q8_0.gguf`. */
export function hasQuantisation(path: string, quantisation: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const start = name.indexOf(quantisation.toLowerCase());
  if (start < 0) return false;
  const before = name[start - 1] ?? "-";
  const after = name[start + quantisation.length] ?? "";
  return /[-._]/.test(before) && /[-.]/.test(after);
}

/** The plainest name: variants add words. */
function shortest(files: readonly HubFile[]): HubFile | undefined {
  return files.toSorted((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1))[0];
}

function splitError(reference: HubReference, path: string): LociError {
  return new LociError(
    "not_supported",
    `${formatHubReference(reference)} is split over several files (${path}).`,
    { remedy: "Choose a quantisation in one file, or join them with `llama-gguf-split --merge`." },
  );
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 30).join(", ");
  return names.length > 30 ? `${shown} and ${names.length - 30} more` : shown;
}
