// An engine for tests whose answers are scripts: everything but the model is real.

import { assert, systemClock } from "@loci/core";
import type { CacheErasure, DeletedTokens } from "@loci/core";
import { byteModel, pairCodec, pairVocabularySize, ScriptedService } from "@loci/server/testing";
import type { Script } from "@loci/server/testing";
import { openStore } from "@loci/store";
import type { Store } from "@loci/store";

import { Engine } from "../engine.ts";
import { EngineCore } from "../engine-core.ts";
import { StayAlive } from "../stay-alive.ts";

export interface ScriptedEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly service: ScriptedService;
  /** What deleted turns left in the caches. */
  readonly erased: DeletedTokens[];
}

/** One for all tests of a process; their conversations have ids of their own. */
let shared: Promise<Store> | null = null;

/** Answers "yes", one token for each letter, as its codec would not write it, unless told otherwise. */
export function scriptedEngine(
  script: () => Script = () => ({ tokens: [...Buffer.from("yes")] }),
): ScriptedEngine {
  const service = new ScriptedService(script);
  const erased: DeletedTokens[] = [];
  const erasure: CacheErasure = {
    eraseCached: (_tenant, deleted) => {
      assert(deleted !== null, "the deleted tokens are named");
      erased.push(deleted);
      return Promise.resolve();
    },
  };
  const stayAlive = new StayAlive();
  const model = byteModel({ vocabularySize: pairVocabularySize });
  const core = new EngineCore({
    service,
    erasure,
    codec: pairCodec,
    model,
    contextTokensMax: model.contextTokensMax,
    clock: systemClock,
    stayAlive,
    openStore: () => {
      shared ??= openStore(":memory:", { clock: systemClock });
      return shared;
    },
  });
  const close = (): Promise<void> => Promise.resolve(stayAlive.close());
  const engine = new Engine({ core, close });
  return { engine, service, erased, [Symbol.asyncDispose]: () => engine.close() };
}
