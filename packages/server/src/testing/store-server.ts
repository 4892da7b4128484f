// A test server that keeps conversations, in memory, with a codec in which a model's own pieces of
// a text differ from the tokeniser's. All servers of a process share a store, because opening one
// takes longer than most tests; each has tenants of its own in it. It ends with the process.

import { openStore, type Store } from "@loci/store";
import { controlTokens, byteModel } from "./byte-codec.ts";
import { pairCodec, pairTokens, pairVocabularySize, singleTokens } from "./pair-codec.ts";
import type { Script, ScriptedService } from "./scripted-service.ts";
import { countingEntropy, replyOf, testServer } from "./test-server.ts";
import type { TestReply, TestServer } from "./test-server.ts";
import type { ServerOptions } from "../server-options.ts";

export interface StoreServer extends TestServer {
  readonly store: Store;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<TestReply>;
  remove(path: string, headers?: Readonly<Record<string, string>>): Promise<TestReply>;
}

/** An answer as a model gives it: byte by byte, with its end. */
export function answerTokens(text: string): number[] {
  return [...singleTokens(text), controlTokens.end];
}

/** What the prompt of a next turn has behind the prompt of the one before. */
export function nextTurnTokens(answer: string, message: string): number[] {
  const { start, end } = controlTokens;
  const question = [start, ...pairTokens(`user\n${message}`), end];
  return [...answerTokens(answer), ...question, start, ...pairTokens("assistant\n")];
}

const entropy = countingEntropy();
let shared: Promise<Store> | null = null;
let servers = 0;

/** `options.store`, if given, is closed with the server. */
export async function storeServer(
  script: string | Script | ScriptedService["script"] = "hello",
  options: Partial<ServerOptions> = {},
): Promise<StoreServer> {
  const play = typeof script === "string" ? { tokens: answerTokens(script) } : script;
  const own = options.store;
  const store = own ?? withTenants(await (shared ??= openStore(":memory:")), `${servers++}/`);
  const server = testServer(play, {
    codec: pairCodec,
    model: byteModel({ vocabularySize: pairVocabularySize }),
    entropy,
    ...options,
    store,
  });
  const send = async (
    method: "GET" | "DELETE",
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TestReply> => replyOf(await server.app.inject({ method, url, headers }));
  return {
    ...server,
    store,
    get: (path, headers) => send("GET", path, headers),
    remove: (path, headers) => send("DELETE", path, headers),
    [Symbol.asyncDispose]: async () => {
      await server.close(0);
      await own?.close();
    },
  };
}

/** `store` as seen by tenants whose names begin with `prefix`. */
function withTenants(store: Store, prefix: string): Store {
  const part = <T extends object>(methods: T): T =>
    new Proxy(methods, {
      get: (target, name): unknown => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return (tenant: string, ...rest: readonly unknown[]): unknown =>
          Reflect.apply(method, target, [prefix + tenant, ...rest]);
      },
    });
  return {
    conversations: part(store.conversations),
    items: part(store.items),
    turns: part(store.turns),
    responses: part(store.responses),
    chatTurns: part(store.chatTurns),
    idempotency: part(store.idempotency),
    erasures: part(store.erasures),
    purge: (cutoffs) => store.purge(cutoffs),
    checkIntegrity: () => store.checkIntegrity(),
    close: () => Promise.resolve(),
  };
}
