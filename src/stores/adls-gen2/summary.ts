// Totals below a path: the service has none, so everything is listed.
import type { SummaryResult } from '../../core/query.ts';
import type { Ctx } from '../../core/store.ts';
import type { Account } from './account.ts';
import { list, maxPage } from './list.ts';
import { stat } from './queries.ts';

/** A file counts itself. As many list calls as it takes; no snapshot. @throws StoreError */
export async function summary(account: Account, path: string, ctx: Ctx): Promise<SummaryResult> {
  const { entry } = await stat(account, { verb: 'stat', path }, ctx);
  if (entry.type === 'file') return { directoryCount: 0, fileCount: 1, lengthBytes: entry.lengthBytes };
  const result: SummaryResult = { directoryCount: 0, fileCount: 0, lengthBytes: 0 };
  let token: string | undefined;
  do {
    const query = { verb: 'list', path, recursive: true, limit: maxPage } as const;
    const page = await list(account, token === undefined ? query : { ...query, token }, ctx);
    for (const each of page.entries) {
      if (each.type === 'directory') result.directoryCount += 1;
      else result.fileCount += 1;
      result.lengthBytes += each.lengthBytes;
    }
    token = page.token;
  } while (token !== undefined);
  return result;
}
