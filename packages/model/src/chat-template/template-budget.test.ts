// What a rendering may take: the processor time is the template's own, the clock's is not.
import { LociError, systemClock, type ChatPrompt } from "@loci/core";
import { ManualClock } from "@loci/core/testing";
import { afterEach, expect, test } from "vitest";
import { ChatTemplate, chatTemplateLimits, type ChatTemplateOptions } from "./chat-template.ts";

const open: ChatTemplate[] = [];

afterEach(async () => {
  for (const template of open.splice(0)) {
    template.checkIntegrity();
    await template.close();
  }
});

/** Endless for a chat that says "attack", and some work for "work"; no budget of steps ends it. */
async function templateOf(
  options: Pick<ChatTemplateOptions, "clock" | "limits">,
): Promise<ChatTemplate> {
  const template = await ChatTemplate.create({
    source:
      "{% set rounds = {'attack': 9999, 'work': 3}[messages[0].content] or 0 %}" +
      "{% for a in range(rounds) %}{% for b in range(9999) %}{% endfor %}{% endfor %}calm",
    bosToken: "<s>",
    eosToken: "</s>",
    specialTokens: [],
    ...options,
    limits: { stepsMax: Number.MAX_SAFE_INTEGER, ...options.limits },
  });
  open.push(template);
  return template;
}

function chat(content: string): ChatPrompt {
  const messages = [{ role: "user", content }];
  return { messages, tools: null, templateVariables: {}, addGenerationPrompt: true };
}

/** Lets the threads' messages come in. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test("an endless loop is killed for its processor time, and the next chat is served", async () => {
  const template = await templateOf({ clock: systemClock });
  const attack = template.render(chat("attack"));
  const waiting = template.render(chat("peace"));
  await expect(attack).rejects.toMatchObject({
    code: "template_failed",
    message: expect.stringContaining("takes too long"),
  });
  expect(await waiting).toEqual({ segments: ["calm"] });
});

test("a chat whose thread gets no processor for a while is rendered all the same", async () => {
  const clock = new ManualClock();
  const template = await templateOf({ clock });
  const rendered = template.render(chat("peace"));
  await nextTurn();
  // As on a starved machine: seconds pass, and the thread has hardly run.
  const { renderCpuMsMax, wallMsMax } = chatTemplateLimits;
  for (let passedMs = 0; passedMs + renderCpuMsMax < wallMsMax; passedMs += renderCpuMsMax) {
    clock.advance(renderCpuMsMax);
  }
  expect(await rendered).toEqual({ segments: ["calm"] });
  expect(clock.timers).toBe(0);
});

test("one that gets none within the bound is the server's failure: try again later", async () => {
  const clock = new ManualClock();
  const limits = { renderCpuMsMax: Number.MAX_SAFE_INTEGER };
  const template = await templateOf({ clock, limits });
  const late = template.render(chat("attack"));
  const failure = late.catch((error: unknown) => error);
  await nextTurn();
  clock.advance(chatTemplateLimits.wallMsMax);
  expect(await failure).toBeInstanceOf(LociError);
  expect(await failure).toMatchObject({ code: "unavailable", status: 503, retryAfterSeconds: 5 });
  expect(await template.render(chat("peace"))).toEqual({ segments: ["calm"] });
});

test("what earlier chats used is not held against a later one", async () => {
  const clock = new ManualClock();
  const renderCpuMsMax = 300;
  const template = await templateOf({ clock, limits: { renderCpuMsMax } });
  for (let chats = 0; chats < 10; chats++) {
    const rendered = template.render(chat("work"));
    await nextTurn();
    clock.advance(renderCpuMsMax);
    expect(await rendered).toEqual({ segments: ["calm"] });
  }
});
