// The ACL verbs.
import { type AclEntry, type AclMode, parseAcl } from '../../core/acl.ts';
import type { FaceReply } from '../../wire/http.ts';
import { toAclStatus } from '../../wire/webhdfs/file-status.ts';
import type { Exchange, Operation } from './exchange.ts';
import { emptyReply, jsonReply } from './replies.ts';

/** GETACLSTATUS is Hadoop's short form, MSGETACLSTATUS (Gen1) the full list. */
export function getAclStatus(full: boolean): Operation {
  return async ({ store, ctx, target }) => {
    const { entry } = await store.query({ verb: 'stat', path: target.path, attributes: true }, ctx);
    return jsonReply(200, toAclStatus(entry, { full, dialect: target.dialect }));
  };
}

/** Any verb that changes an ACL; `modify`, `set` and `remove` need `aclspec`, whose entries have no permissions in `remove`. */
export function changeAclBy(mode: AclMode): Operation {
  return async ({ store, ctx, target }: Exchange): Promise<FaceReply> => {
    let entries: AclEntry[] = [];
    if (mode !== 'remove-all' && mode !== 'remove-default') {
      entries = parseAcl(target.params.required('aclspec'), mode !== 'remove');
    }
    await store.mutate({ verb: 'set-attributes', path: target.path, acl: { mode, entries } }, ctx);
    return emptyReply(200, target.dialect);
  };
}
