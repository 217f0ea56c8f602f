// The part of autocannon that the load process uses; the package brings no types.
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface Request {
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: Buffer;
    setupRequest?(request: Request, context: Record<string, unknown>): Request;
  }
  interface Options {
    url: string;
    connections: number;
    amount: number;
    sampleInt: number;
    requests: Request[];
  }
  interface Result {
    non2xx: number;
    errors: number;
    timeouts: number;
    latency: { p99: number };
  }
  /** Emits `response` for every answer. */
  export default function autocannon(
    options: Options,
    done: (error: Error | null, result: Result) => void,
  ): EventEmitter;
}
