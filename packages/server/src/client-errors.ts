// What never became a request: heads too large, too slow or not HTTP. The answer is written to the
// bare socket, in the shape of all errors, and the connection is closed.

import type { Socket } from "node:net";
import { LociError } from "@loci/core";
import { errorBody } from "./error-body.ts";

interface ParserError extends Error {
  readonly code?: string;
}

/** Answers a connection's parser error and closes it. */
export function clientErrorAnswer(error: ParserError, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) {
    socket.destroy();
    return;
  }
  const { status, reason, body } = answerTo(error.code);
  const text = JSON.stringify(errorBody(body, "none"));
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(text)}`,
    "connection: close",
  ];
  if (socket.writable && socket.bytesWritten === 0) {
    socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
  } else socket.destroy();
}

interface BareAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body: LociError;
}

function answerTo(code: string | undefined): BareAnswer {
  if (code === "HPE_HEADER_OVERFLOW") {
    return {
      status: 431,
      reason: "Request Header Fields Too Large",
      body: new LociError("headers_too_large", "The request's head is too large."),
    };
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return {
      status: 408,
      reason: "Request Timeout",
      body: new LociError("invalid_request", "The request took too long to arrive."),
    };
  }
  return {
    status: 400,
    reason: "Bad Request",
    body: new LociError("invalid_request", "The request is not valid HTTP."),
  };
}
