// From what a user typed to a model file: a path as it is, a hub reference by pulling it when it
// is missing, a name by looking it up among the pulled models.

import { statSync } from "node:fs";
import type { Stats } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { LociError } from "@loci/core";
import { parseModelReference } from "./model-reference.ts";
import { ModelStore, type StoredModel } from "./model-store.ts";
import { pullModel } from "./pull-model.ts";
import type { PullOptions } from "./pull-options.ts";

export interface ResolvedModel {
  readonly path: string;
  /** For the API, unless the user names it: the file's name without `.gguf`. */
  readonly name: string;
}

/** Throws LociError: `config_invalid`, `model_not_found`, `file_unreadable`, or as a pull does. */
export async function resolveModel(text: string, options: PullOptions): Promise<ResolvedModel> {
  // A file that is there is meant, whatever else its name could mean.
  if (!text.startsWith("hf:") && isFile(text)) return fileModel(text);
  const reference = parseModelReference(text);
  const stored = await new ModelStore(options.modelsFolder).findName(text);
  if (stored.length > 1) throw ambiguous(text, stored);
  if (stored[0] !== undefined) return { path: stored[0].path, name: stored[0].name };
  switch (reference.kind) {
    case "path":
      return fileModel(reference.path);
    case "name":
      return bundledModel(text);
    case "hub":
    default: {
      const { path, name } = await pullModel(reference, options);
      return { path, name };
    }
  }
}

/** Pulled models, by reference. */
export async function listModels(
  options: Pick<PullOptions, "modelsFolder">,
): Promise<StoredModel[]> {
  return new ModelStore(options.modelsFolder).list();
}

/** Removes a pulled model by name or reference. Throws LociError `model_not_found`. */
export async function removeModel(
  text: string,
  options: Pick<PullOptions, "modelsFolder">,
): Promise<StoredModel> {
  const store = new ModelStore(options.modelsFolder);
  const reference = parseModelReference(text);
  const named = await store.findName(text.replace(/^hf:/, ""));
  const referred = reference.kind === "hub" ? await store.findReference(reference) : null;
  if (named.length > 1) throw ambiguous(text, named);
  const model = named[0] ?? referred;
  if (model === null) throw unknownName(text);
  await store.remove(model);
  return model;
}

/** The model that comes with the program has a name, too. */
async function bundledModel(text: string): Promise<ResolvedModel> {
  const { bundledModelName, bundledModelPath } = await import("@loci/host");
  if (text !== bundledModelName) throw unknownName(text);
  return { path: bundledModelPath(), name: bundledModelName };
}

function fileModel(path: string): ResolvedModel {
  const expanded = path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(path);
  if (!isFile(expanded)) {
    const message = isFolder(expanded)
      ? `${expanded} is a folder.`
      : `There is no file ${expanded}.`;
    throw new LociError("file_unreadable", message, {
      remedy: "Give a .gguf file, hf:user/repo:quantisation, or the name of a pulled model.",
    });
  }
  return { path: expanded, name: basename(expanded).replace(/\.gguf$/i, "") };
}

function isFile(path: string): boolean {
  return statsOf(path)?.isFile() ?? false;
}

function isFolder(path: string): boolean {
  return statsOf(path)?.isDirectory() ?? false;
}

function statsOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    // Not there, not allowed, or no possible path: then it is no file of ours.
    return null;
  }
}

function unknownName(text: string): LociError {
  return new LociError("model_not_found", `No pulled model is called ${JSON.stringify(text)}.`, {
    remedy: "`loci models` lists them; pull one with `loci pull hf:user/repo:quantisation`.",
  });
}

function ambiguous(text: string, models: readonly StoredModel[]): LociError {
  const references = models.map(({ reference }) => reference).join(", ");
  return new LociError("config_invalid", `${JSON.stringify(text)} could be any of ${references}.`, {
    remedy: "Use the whole reference.",
  });
}
