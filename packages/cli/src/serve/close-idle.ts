// Closing a server waits for its connections. One whose answer ended after the closing began would
// stay open for the client's next request until it times out; this closes it at once.

import type { Server } from "node:http";

/** From the returned function's call on, connections close when their answer has ended. */
export function closeIdleLater(server: Server): () => void {
  let closing = false;
  server.on("request", (_request, response) => {
    response.once("close", () => {
      // The connection counts as idle only after this event was handled.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
  });
  return () => {
    closing = true;
    server.closeIdleConnections();
  };
}
