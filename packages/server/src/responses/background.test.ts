import { expect, test } from "vitest";
import { Gate } from "../testing/scripted-service.ts";
import { namedEvents } from "../testing/sse-data.ts";
import { answerTokens, storeServer, type StoreServer } from "../testing/store-server.ts";
import { RawConnection } from "../testing/raw-connection.ts";
import { at, textAt } from "../testing/json-path.ts";

const path = "/v1/responses";

async function ended(server: StoreServer, id: string): Promise<unknown> {
  for (;;) {
    const { body } = await server.get(`${path}/${id}`);
    if (at(body, "status") !== "in_progress" && at(body, "status") !== "queued") return body;
  }
}

test("a background response is there at once and complete later", async () => {
  const startGate = new Gate();
  await using server = await storeServer(() => ({ tokens: answerTokens("hello"), startGate }));
  const { status, body } = await server.post(path, { input: "a", background: true });
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: "queued", background: true, output: [], usage: null });
  await server.service.until(() => server.service.live === 1);
  expect(at((await server.get(`${path}/${textAt(body, "id")}`)).body, "status")).toBe("queued");
  startGate.open(1);
  const done = await ended(server, textAt(body, "id"));
  expect(done).toMatchObject({ status: "completed", output: [{ content: [{ text: "hello" }] }] });
});

test("it can be cancelled, once or twice; foreground responses cannot", async () => {
  const tokenGate = new Gate();
  await using server = await storeServer(() => ({ tokens: answerTokens("hello"), tokenGate }));
  const id = textAt((await server.post(path, { input: "a", background: true })).body, "id");
  tokenGate.open(2);
  await server.service.until(() => server.service.generatedTokens === 2);
  const cancelled = await server.post(`${path}/${id}/cancel`, {});
  expect(cancelled.body).toMatchObject({ id, status: "cancelled" });
  expect(server.service.live).toBe(0);
  expect((await server.post(`${path}/${id}/cancel`, {})).body).toEqual(cancelled.body);
  const next = await server.post(path, { input: "b", previous_response_id: id });
  expect(next.status).toBe(400);
  server.service.script = () => ({ tokens: answerTokens("x") });
  const plain = textAt((await server.post(path, { input: "a" })).body, "id");
  expect((await server.post(`${path}/${plain}/cancel`, {})).status).toBe(400);
  server.checkIntegrity();
});

test("its stream can be left and taken up again where it was", async () => {
  const tokenGate = new Gate();
  await using server = await storeServer(() => ({ tokens: answerTokens("hello"), tokenGate }));
  const { port } = await server.listenAnywhere();
  const connection = await RawConnection.open(port);
  connection.post(path, { input: "a", background: true, stream: true });
  tokenGate.open(2);
  await connection.until((text) => text.includes('"delta":"e"'));
  const id = /"id":"(resp_[^"]+)"/.exec(connection.text)?.[1] ?? "";
  connection.socket.destroy();
  const again = server.get(`${path}/${id}?stream=true`);
  const rest = server.get(`${path}/${id}?stream=true&starting_after=6`);
  await server.service.until(() => server.service.live === 1);
  tokenGate.open(100);
  const events = namedEvents((await again).text);
  expect(events.map(({ name }) => name).slice(0, 3)).toEqual([
    "response.created",
    "response.queued",
    "response.in_progress",
  ]);
  expect(events.map(({ data }) => at(data, "sequence_number"))).toEqual(
    events.map((_, index) => index),
  );
  expect(events.at(-1)?.name).toBe("response.completed");
  const late = events.filter(({ data }) => Number(at(data, "sequence_number")) > 6);
  expect(namedEvents((await rest).text)).toEqual(late);
  // The log outlives its turn for a while.
  expect(namedEvents((await server.get(`${path}/${id}?stream=true`)).text)).toEqual(events);
});

test("one that fails says so, in its stream and later", async () => {
  const failure = new Error("device lost");
  await using server = await storeServer(() => ({ tokens: answerTokens("he"), failure }));
  const { text } = await server.post(path, { input: "a", background: true, stream: true });
  const last = namedEvents(text).at(-1);
  expect(last?.name).toBe("response.failed");
  expect(at(last?.data, "response.error")).toMatchObject({ code: "server_error" });
  expect(at(last?.data, "response.error.message")).not.toContain("device");
  const id = textAt(last?.data, "response.id");
  expect((await server.get(`${path}/${id}`)).body).toEqual(at(last?.data, "response"));
});

test("stopping the server keeps what there is as incomplete", async () => {
  const tokenGate = new Gate();
  const server = await storeServer(() => ({ tokens: answerTokens("hello"), tokenGate }));
  const id = textAt((await server.post(path, { input: "a", background: true })).body, "id");
  tokenGate.open(2);
  await server.service.until(() => server.service.generatedTokens === 2);
  await server.close(0);
  const kept = await server.store.responses.read("public", id);
  expect(kept).toMatchObject({ status: "incomplete", isHistory: false });
});
