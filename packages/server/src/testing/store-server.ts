// A test server that keeps conversations, in memory, with a codec in which a model's own pieces of
// a text differ from the tokeniser's.

import { openStore, type Store } from "@loci/store";
import { controlTokens, byteModel } from "./byte-codec.ts";
import { pairCodec, pairVocabularySize, singleTokens } from "./pair-codec.ts";
import type { Script, ScriptedService } from "./scripted-service.ts";
import { replyOf, testServer, type TestReply, type TestServer } from "./test-server.ts";
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

export async function storeServer(
  script: string | Script | ScriptedService["script"] = "hello",
  options: Partial<ServerOptions> = {},
): Promise<StoreServer> {
  const play = typeof script === "string" ? { tokens: answerTokens(script) } : script;
  const store = options.store ?? (await openStore(":memory:"));
  const server = testServer(play, {
    store,
    codec: pairCodec,
    model: byteModel({ vocabularySize: pairVocabularySize }),
    ...options,
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
      await store.close();
    },
  };
}
