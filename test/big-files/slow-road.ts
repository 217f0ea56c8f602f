// A way to a server that lets only so much through: for a store behind a slow line.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { Test } from 'tap';

/** A road that may be as narrow as wanted. */
export interface SlowRoad {
  /** For `LakeOptions.roads`: the address at this end. */
  to(url: string): Promise<string>;
  /** From now on each connection takes at most so many bytes a second; undefined: all that come. */
  narrow(bytesPerSecond: number | undefined): void;
}

/** A road, closed at the end of the test. */
export function slowRoad(t: Test): SlowRoad {
  let bytesPerSecond: number | undefined;
  const connections = new Set<Socket>();
  const paced = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _, next) {
        if (bytesPerSecond === undefined) next(null, chunk);
        else wait((chunk.length / bytesPerSecond) * 1000).then(() => next(null, chunk));
      },
    });
  return {
    narrow: (to) => {
      bytesPerSecond = to;
    },
    async to(url) {
      const server = createServer((near) => {
        const far = connect(Number(new URL(url).port), new URL(url).hostname);
        for (const socket of [near, far]) {
          connections.add(socket);
          socket.once('close', () => connections.delete(socket));
        }
        pipeline(near, paced(), far, near, () => undefined);
      });
      t.teardown(() => {
        server.close();
        for (const socket of connections) socket.destroy();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
}
