// A face behind the real data listener on a free port, for clients that we did not write.
import { pino } from 'pino';
import { createDataListener } from '../src/server/data-listener.ts';
import type { Face } from '../src/wire/http.ts';

/** A listening server; `close` ends open connections too. */
export interface FaceServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Serves one face on 127.0.0.1, whatever the target of a request. */
export function serveFace(face: Face): Promise<FaceServer> {
  const faces = { webhdfs: face, dfs: face };
  const logger = pino({ level: 'silent' });
  return createDataListener({ faces, host: '127.0.0.1', port: 0, closeGraceMs: 0, logger });
}
