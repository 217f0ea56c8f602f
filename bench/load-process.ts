// Sends requests as fast as they are answered, one at a time on each connection, and says how long it took.
import autocannon from 'autocannon';
import { scenarios } from './scenarios.ts';

/** What to send. */
export interface LoadOrder {
  scenario: string;
  url: string;
  connections: number;
  /** Times that the scenario is gone through, over all connections. */
  times: number;
  /** Part of the names of new files. */
  run: string;
}

/** How it went. */
export interface LoadResult {
  /** Until the last answer. */
  seconds: number;
  times: number;
  /** Within which 99 of 100 requests were answered, milliseconds. */
  p99Ms: number;
  /** Answers but 2xx, and requests without an answer. */
  failures: number;
}

/** autocannon looks this often whether all answers are there, milliseconds. */
const sampleMs = 10;

function send({ scenario, url, connections, times, run }: LoadOrder): Promise<LoadResult> {
  const requests = scenarios.find(({ name }) => name === scenario)!.requests(run);
  const amount = times * requests.length;
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let last = began;
    const options = { url, connections, amount, sampleInt: sampleMs, requests };
    const running = autocannon(options, (error, result) => {
      if (error) reject(error);
      const failures = result.non2xx + result.errors + result.timeouts;
      resolve({ seconds: (last - began) / 1000, times, p99Ms: result.latency.p99, failures });
    });
    running.on('response', () => {
      last = performance.now();
    });
  });
}

process.on('message', (order: LoadOrder) => {
  send(order).then(
    (result) => process.send!(result),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
process.send!({});
