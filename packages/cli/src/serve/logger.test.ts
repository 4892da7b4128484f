import { describe, expect, test } from "vitest";

import { createLogger, textLine } from "./logger.ts";
import type { LoggerOptions } from "./logger.ts";

function logged(options: Partial<LoggerOptions>, log: Parameters<typeof run>[1]): string {
  return run(options, log).join("");
}

function run(
  options: Partial<LoggerOptions>,
  log: (logger: ReturnType<typeof createLogger>) => void,
): readonly string[] {
  const lines: string[] = [];
  log(
    createLogger({ level: "info", format: "text", write: (line) => lines.push(line), ...options }),
  );
  return lines;
}

describe("text", () => {
  test("one line with time, level, message and fields", () => {
    const text = logged({}, (logger) => logger.info({ port: 9931, host: "a" }, "listening"));
    expect(text).toMatch(/^\d\d:\d\d:\d\d info {2}listening port=9931 host=a\n$/);
  });

  test("an error keeps its stack, a long field is cut", () => {
    const text = logged({}, (logger) =>
      logger.error({ err: new Error("broken"), a: "x".repeat(999) }),
    );
    expect(text).toContain("Error: broken");
    expect(text).toContain(`${"x".repeat(200)}…`);
    expect(text).not.toContain("x".repeat(201));
  });

  test("control characters cannot start a line of their own", () => {
    const text = logged({}, (logger) => logger.info({ url: "/\nERROR" }, "a\u001B[2Jb"));
    expect(text.trimEnd()).not.toMatch(/\p{Cc}/u);
  });

  test("what is not JSON stays as it is", () => {
    expect(textLine("plain\n")).toBe("plain\n");
    expect(textLine("3\n")).toBe("3\n");
  });
});

test("json: one object on each line, keys are hidden", () => {
  const text = logged({ format: "json" }, (logger) =>
    logger.info({ req: { headers: { authorization: "Bearer secret" } } }, "request"),
  );
  expect(JSON.parse(text)).toMatchObject({ level: "info", msg: "request" });
  expect(text).not.toContain("secret");
});

test("levels below the chosen one are silent", () => {
  expect(logged({ level: "warn" }, (logger) => logger.info("no"))).toBe("");
  expect(logged({ level: "silent" }, (logger) => logger.error("no"))).toBe("");
});
