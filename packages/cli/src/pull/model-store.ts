// The pulled models on disk. Each has a record (`<id>.json`) and a file (`<id>.gguf`); the id is
// our own hash of where the model came from, so no name from the network or the user ever becomes
// part of a path. Names are looked up among the records.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatHubReference, type HubReference } from "./model-reference.ts";
import { hasQuantisation, type Checksum } from "./choose-file.ts";
import { PartFile } from "./part-file.ts";

/** What is known of a pulled model. */
export interface ModelRecord {
  readonly version: 1;
  readonly repo: string;
  readonly revision: string;
  /** Inside the repository. */
  readonly file: string;
  readonly bytes: number;
  readonly checksum: Checksum;
  readonly pulledUnixSeconds: number;
  /** References that named no quantisation or file and meant this one. */
  readonly isDefault: boolean;
}

export interface StoredModel extends ModelRecord {
  /** E.g. `Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q8_0.gguf`. */
  readonly reference: string;
  /** The file's name without folder and `.gguf`. */
  readonly name: string;
  /** Of the file on this machine. */
  readonly path: string;
}

const recordsMax = 10_000;
const recordBytesMax = 64 * 1024;
const folderMode = 0o700;

export class ModelStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: folderMode });
  }

  /** Paths for the model of this repository file. */
  pathsOf(source: { repo: string; revision: string; file: string }): ModelPaths {
    const text = [source.repo, source.revision, source.file].join("\0");
    const id = createHash("sha256").update(text).digest("hex").slice(0, 32);
    const base = join(this.folder, id);
    return {
      model: `${base}.gguf`,
      part: `${base}.part`,
      record: `${base}.json`,
      lock: `${base}.lock`,
    };
  }

  /** Every model whose record and file are there, by reference. */
  async list(): Promise<StoredModel[]> {
    const names = (await namesIn(this.folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
    const models: StoredModel[] = [];
    for (const name of names.slice(0, recordsMax)) {
      const model = await this.#read(join(this.folder, name));
      if (model !== null) models.push(model);
    }
    return models.toSorted((a, b) => (a.reference < b.reference ? -1 : 1));
  }

  /** The model that a hub reference means, when it is here. */
  async findReference(reference: HubReference): Promise<StoredModel | null> {
    const models = (await this.list()).filter(
      ({ repo, revision }) => repo === reference.repo && revision === reference.revision,
    );
    const found = models
      .filter((model) => means(reference, model))
      .toSorted((a, b) => a.file.length - b.file.length);
    return found[0] ?? null;
  }

  /** Models whose name or reference is `name`, whatever its case. */
  async findName(name: string): Promise<StoredModel[]> {
    const wanted = name.toLowerCase().replace(/\.gguf$/, "");
    return (await this.list()).filter((model) => {
      const reference = model.reference.toLowerCase().replace(/\.gguf$/, "");
      return model.name.toLowerCase() === wanted || reference === wanted;
    });
  }

  /** Writes the record; with the file in place the model exists from here on. */
  async add(record: ModelRecord): Promise<StoredModel> {
    const paths = this.pathsOf(record);
    const temporary = `${paths.record}.new`;
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, paths.record);
    return described(record, paths.model);
  }

  async remove(model: StoredModel): Promise<void> {
    const paths = this.pathsOf(model);
    await rm(paths.record, { force: true });
    await rm(paths.model, { force: true });
    await PartFile.remove(paths.part);
  }

  async #read(path: string): Promise<StoredModel | null> {
    try {
      const { size } = await stat(path);
      if (size > recordBytesMax) return null;
      const value: unknown = JSON.parse(await readFile(path, "utf8"));
      if (!isRecord(value)) return null;
      const { model } = this.pathsOf(value);
      const { size: bytes } = await stat(model);
      return bytes === value.bytes ? described(value, model) : null;
    } catch {
      // A torn or foreign record, or one without its file, describes no model.
      return null;
    }
  }
}

export interface ModelPaths {
  readonly model: string;
  readonly part: string;
  readonly record: string;
  readonly lock: string;
}

function means(reference: HubReference, model: StoredModel): boolean {
  if (reference.file !== null) return model.file === reference.file;
  if (reference.quantisation === null) return model.isDefault;
  return hasQuantisation(model.file, reference.quantisation);
}

function described(record: ModelRecord, path: string): StoredModel {
  const { repo, revision, file } = record;
  const reference = formatHubReference({ kind: "hub", repo, revision, file, quantisation: null });
  const name = file.slice(file.lastIndexOf("/") + 1).replace(/\.gguf$/i, "");
  return { ...record, reference, name, path };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function isRecord(value: unknown): value is ModelRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<Record<keyof ModelRecord, unknown>>;
  return (
    record.version === 1 &&
    typeof record.repo === "string" &&
    typeof record.revision === "string" &&
    typeof record.file === "string" &&
    typeof record.bytes === "number" &&
    typeof record.pulledUnixSeconds === "number" &&
    typeof record.isDefault === "boolean" &&
    typeof record.checksum === "object"
  );
}
