// Opens an engine in this process: the model, the memories below it, the predictor of answer lengths
// and the scheduler, as the settings say. No HTTP, no further processes.

import { LociError, systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { openConversationStore, openEngine, PrivatePrefixes } from "@loci/host";
import type { ConversationStore, FindModel } from "@loci/host";

import { Engine } from "./engine.ts";
import { EngineCore, publicTenant } from "./engine-core.ts";
import { configOf } from "./engine-settings.ts";
import type { EngineSettings, EngineSurroundings, Logger } from "./engine-settings.ts";
import { StayAlive } from "./stay-alive.ts";

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A step that waits for blocks holds a thread of Node's pool until another has brought them. */
const poolThreadsMin = 4;

/**
 * Opens a model with its engine. Without settings: the small model that comes with loci, on all cores.
 *
 * ```ts
 * await using engine = await createEngine({ model: "./model.gguf" });
 * for await (const { text } of engine.generate({ prompt: "One day", maxTokens: 50 })) {
 *   process.stdout.write(text);
 * }
 * ```
 *
 * @throws LociError `config_invalid`, `file_unreadable`, `model_file_invalid`, `storage_unavailable`, …
 */
export async function createEngine(
  settings: EngineSettings & EngineSurroundings = {},
): Promise<Engine> {
  const config = configOf(settings);
  requireThreads(process.env["UV_THREADPOOL_SIZE"]);
  const { logger = silent, signal } = settings;
  const isKept = config.store !== null && config.store !== "memory";
  const stayAlive = new StayAlive();
  using _ = stayAlive.hold();
  // What is open already is closed again when the rest cannot be had.
  await using opening = new AsyncDisposableStack();
  // What is learned of answers' lengths is kept where conversations are, and nowhere else.
  const engine = await openEngine(
    { ...config, store: isKept ? config.store : "none" },
    { findModel: findModelTelling(logger), logger, signal, tenants: [publicTenant] },
  );
  opening.defer(() => engine.close());
  // Every answer tells it, too.
  engine.failed.catch(() => undefined);
  const conversations = new LazyStore(config, logger);
  opening.defer(() => conversations.close());
  if (isKept) await conversations.open();
  const { model, service } = engine;
  const core = new EngineCore({
    service: config.prefixCaching ? service : new PrivatePrefixes(service),
    erasure: service,
    codec: model.codec,
    model: model.info,
    contextTokensMax: Math.min(model.info.contextTokensMax, service.contextTokensMax),
    clock: systemClock,
    stayAlive,
    openStore: async () => (await conversations.open()).store,
  });
  const opened = opening.move();
  const close = async (): Promise<void> => {
    using held = stayAlive.hold();
    void held;
    await opened.disposeAsync();
    stayAlive.close();
  };
  return new Engine({ core, close });
}

/** The store of conversations: opened once, when it is needed. */
class LazyStore {
  readonly #config: Config;
  readonly #logger: Logger;
  #opened: Promise<ConversationStore> | null = null;

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  open(): Promise<ConversationStore> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    await opened?.close();
  }

  async #open(): Promise<ConversationStore> {
    const logger = this.#logger;
    const { store } = this.#config;
    if (store === "none") {
      throw new LociError("not_supported", 'With store: "none" there are no conversations.', {
        remedy: 'Leave it out, or give "memory".',
      });
    }
    const settings = { store: store ?? "memory", responseTtlMs: this.#config.responseTtlMs };
    const opened = await openConversationStore(settings, { logger, clock: systemClock });
    if (opened !== null) return opened;
    throw new LociError("storage_unavailable", "The store of conversations could not be opened.");
  }
}

/** Paths, pulled names and hub references; what is pulled is told line by line. */
function findModelTelling(logger: Logger): FindModel {
  const terminal = { write: (text: string) => logger.info(text.trimEnd()), columns: null };
  return async (reference, settings, signal) => {
    const { findModelTelling: telling } = await import("@loci/cli/find-model");
    return telling(terminal)(reference, settings, signal);
  };
}

/** Node reads it once, before any of our code runs: it can only be checked. */
function requireThreads(wished: string | undefined): void {
  const threads = Number.parseInt(wished ?? "", 10);
  if (Number.isNaN(threads) || threads >= poolThreadsMin) return;
  throw new LociError("config_invalid", `UV_THREADPOOL_SIZE is ${wished}.`, {
    remedy: `Leave it out, or give at least ${poolThreadsMin}.`,
  });
}
