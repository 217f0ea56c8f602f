// How well a lean store is: quick, refusing, hanging, or as slow as a line of one megabyte a second.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

export type Health = 'healthy' | 'hanging' | 'slow' | 'refusing';

/** What all bodies together get of a slow store. */
const slowBytesPerSecond = 1_000_000;

/** Stands in front of a store's handler. */
export interface StoreHealth {
  become(health: Health): void;
  serve(handler: RequestListener, request: IncomingMessage, response: ServerResponse): void;
}

/** A healthy one at first. */
export function createHealth(): StoreHealth {
  let health: Health = 'healthy';
  let lineFreeAtMs = 0;

  /** The line carries one body after the other, each in its time. */
  const slowly = (handler: RequestListener, request: IncomingMessage, response: ServerResponse): void => {
    const nowMs = performance.now();
    const bytes = Number(request.headers['content-length'] ?? 0);
    lineFreeAtMs = Math.max(nowMs, lineFreeAtMs) + (bytes * 1000) / slowBytesPerSecond;
    setTimeout(() => handler(request, response), lineFreeAtMs - nowMs);
  };
  return {
    become(next) {
      health = next;
    },
    serve(handler, request, response) {
      if (health === 'healthy') handler(request, response);
      else if (health === 'slow') slowly(handler, request, response);
      else {
        request.resume();
        if (health === 'hanging') return;
        response.writeHead(503, { 'content-length': 0 });
        response.end();
      }
    },
  };
}
