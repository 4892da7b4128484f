// For tests of other packages: a service that plays scripts and a codec whose tokens are bytes.
export { byteCodec, byteModel, byteTokens, controlTokens } from "./byte-codec.ts";
export { pairCodec, pairVocabularySize } from "./pair-codec.ts";
export { Gate, ScriptedService, type Script } from "./scripted-service.ts";
export { testServer, type TestServer } from "./test-server.ts";
