import { describe, expect, test } from "vitest";
import { namedEvents } from "../testing/sse-data.ts";
import { storeServer } from "../testing/store-server.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const path = "/v1/responses";

describe("streams", () => {
  test("tell every step in OpenAI's order, numbered without a gap", async () => {
    await using server = await storeServer("hi");
    const { text, headers } = await server.post(path, { input: "a", stream: true });
    expect(headers["content-type"]).toContain("text/event-stream");
    const events = namedEvents(text);
    expect(events.map(({ name }) => name)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events.map(({ data }) => at(data, "sequence_number"))).toEqual(
      events.map((_, index) => index),
    );
    expect(events.every(({ name, data }) => name === at(data, "type"))).toBe(true);
    const response = at(events.at(-1)?.data, "response");
    expect((await server.get(`${path}/${textAt(response, "id")}`)).body).toEqual(response);
  });

  test("a stored response is told again with the same content", async () => {
    const call = 'so: <tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';
    await using server = await storeServer(call);
    const tool = { type: "function", name: "add", parameters: { type: "object" } };
    const { text } = await server.post(path, { input: "a", tools: [tool], stream: true });
    const live = namedEvents(text);
    const id = textAt(live[0]?.data, "response.id");
    const again = namedEvents((await server.get(`${path}/${id}?stream=true`)).text);
    const names = (events: typeof live): string[] =>
      [...new Set(events.map(({ name }) => name))].toSorted();
    expect(names(again)).toEqual(names(live));
    expect(at(again.at(-1)?.data, "response")).toEqual(at(live.at(-1)?.data, "response"));
    const rest = await server.get(`${path}/${id}?stream=true&starting_after=900`);
    expect(namedEvents(rest.text)).toMatchObject([
      { name: "response.completed", data: { sequence_number: 901 } },
    ]);
  });

  test("log-probabilities come with the text they belong to", async () => {
    await using server = await storeServer("hi");
    const include = ["message.output_text.logprobs"];
    const { text } = await server.post(path, {
      input: "a",
      stream: true,
      include,
      top_logprobs: 1,
    });
    const events = namedEvents(text);
    const deltas = events.filter(({ name }) => name === "response.output_text.delta");
    expect(deltas.map(({ data }) => listAt(data, "logprobs").length)).toEqual([1, 1]);
    const last = at(events.at(-1)?.data, "response.output.0.content.0");
    expect(at(last, "logprobs")).toHaveLength(2);
    expect(at(last, "logprobs.0")).toMatchObject({ token: "h", top_logprobs: [{ token: "h" }] });
  });
});
