// From settings to the predictor of answer lengths, and the file that keeps what it learned: read at
// the start, written every few minutes and at the end. The file is worth a few hundred answers of
// learning and nothing more: whatever is wrong with it, the server starts and learns anew.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Clock } from "@loci/core";
import { defaultPredictor } from "@loci/predict";
import type { CalibratedPredictor, LengthPredictor } from "@loci/predict";

import type { Logger } from "./logger.ts";
import { defaultStorePath } from "./open-conversation-store.ts";

export interface OpenLengthPredictor {
  readonly predictor: CalibratedPredictor;
  /** Writes what was learned, if it is kept, and ends. */
  close(): Promise<void>;
}

export interface LengthPredictorSettings {
  /** Lengths of one model's answers say little of another's: each has its own file. */
  readonly modelName: string;
  /** False: what is learned ends with the process. It holds traces of requests, if only hashes. */
  readonly isKept: boolean;
  readonly seed: number;
  /** Reads the model's hidden state; null where it gives none. */
  readonly probe?: LengthPredictor | null;
}

interface Surroundings {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly environment?: NodeJS.ProcessEnv;
}

const saveEveryMs = 300_000;
/** Above what any predictor saves. */
const fileBytesMax = 256 * 2 ** 20;

/** Resolves when what was learned before has been taken up; never rejects because of the file. */
export async function openLengthPredictor(
  settings: LengthPredictorSettings,
  surroundings: Surroundings,
): Promise<OpenLengthPredictor> {
  const { logger } = surroundings;
  const predictor = defaultPredictor(
    {
      seed: settings.seed,
      onDrift: ({ coverage, drifts }) => {
        logger.info({ coverage, drifts }, "answer lengths have changed; learning faster");
      },
    },
    settings.probe ?? null,
  );
  if (!settings.isKept) return { predictor, close: () => Promise.resolve() };
  const path = statePath(settings.modelName, surroundings.environment ?? process.env);
  await takeUp(predictor, path, logger);
  const stop = startSaving(predictor, path, surroundings);
  return { predictor, close: stop };
}

/** Beside the usual store of conversations. */
function statePath(modelName: string, environment: NodeJS.ProcessEnv): string {
  const key = createHash("sha256").update(modelName).digest("hex").slice(0, 16);
  return join(dirname(defaultStorePath(environment)), `lengths-${key}.bin`);
}

async function takeUp(predictor: CalibratedPredictor, path: string, logger: Logger): Promise<void> {
  try {
    const bytes = await readBounded(path);
    if (bytes === null || predictor.restore(bytes)) return;
    logger.warn({ path }, "learned answer lengths are not usable; learning anew");
  } catch (error) {
    logger.warn({ err: error, path }, "learned answer lengths cannot be read; learning anew");
  }
}

/** Null when there is no file. */
async function readBounded(path: string): Promise<Uint8Array | null> {
  let file: FileHandle;
  try {
    // Nothing but a plain file of this name: not where a link leads, and no pipe that never ends.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > fileBytesMax) return new Uint8Array(0);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Saves now and then. Returns how to end it, with a last save. */
function startSaving(
  predictor: CalibratedPredictor,
  path: string,
  { clock, logger }: Surroundings,
): () => Promise<void> {
  let savedAnswers = predictor.answers;
  let saving = Promise.resolve();
  let cancel: () => void;
  const save = (): Promise<void> => {
    if (predictor.answers === savedAnswers) return saving;
    const write = async (): Promise<void> => {
      const { answers } = predictor;
      await writeWhole(path, predictor.save());
      savedAnswers = answers;
    };
    // One after the other: two would write the same file.
    saving = saving.then(write).catch((error: unknown) => {
      logger.warn({ err: error, path }, "learned answer lengths could not be saved");
    });
    return saving;
  };
  const arm = (): void => {
    cancel = clock.after(saveEveryMs, () => {
      void save();
      arm();
    });
  };
  arm();
  return () => {
    cancel();
    return save();
  };
}

/** All of it or none: whoever reads meanwhile, or after a crash, finds the old file or the new. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}.${process.pid}.part`;
  try {
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
