// A file tree in the process's memory.
import { Readable } from 'node:stream';
import { aclOfPermission } from '../../core/acl.ts';
import type { Body } from '../../core/mutation.ts';
import { nameOf, parentOf, segmentsOf } from '../../core/path.ts';
import { StoreError } from '../../core/store-error.ts';
import { createEtagMint } from '../tree/etags.ts';
import { addInterval, checkFlush, type Interval } from '../tree/intervals.ts';
import { bodyChunks } from '../tree/receive-body.ts';
import type { Content, NodeAttributes, Tree, TreeNode } from '../tree/tree.ts';
import { addPiece, type Piece, slicePieces } from './staged-pieces.ts';

interface MemoryContent extends Content {
  chunks: Buffer[];
}

/** What a path leads to; a `MemoryNode` is how it was at one moment. */
interface Inode {
  fileId: number;
  children: Map<string, Inode> | undefined;
  chunks: readonly Buffer[];
  lengthBytes: number;
  modifiedMs: number;
  accessedMs: number;
  attributes: NodeAttributes;
  staged: Piece[];
}

interface MemoryNode extends TreeNode {
  inode: Inode;
}

/** An empty tree. @param now epoch milliseconds */
export function createMemoryTree(now: () => number): Tree<MemoryNode, MemoryContent> {
  let lastId = 16_384;
  const blocks = new Map<string, Map<string, Buffer[]>>();

  function newInode(type: TreeNode['type'], attributes: NodeAttributes, chunks: Buffer[]): Inode {
    lastId += 1;
    return {
      fileId: lastId,
      children: type === 'directory' ? new Map() : undefined,
      chunks,
      lengthBytes: lengthOf(chunks),
      modifiedMs: now(),
      accessedMs: now(),
      attributes,
      staged: [],
    };
  }

  const root = newInode(
    'directory',
    {
      acl: aclOfPermission(0o755),
      sticky: false,
      owner: '$superuser',
      group: '$superuser',
      etag: createEtagMint(now)(),
      createdMs: now(),
    },
    [],
  );

  function lookup(path: string): Inode | undefined {
    let inode: Inode | undefined = root;
    for (const segment of segmentsOf(path)) inode = inode?.children?.get(segment);
    return inode;
  }

  function childrenAt(path: string): Map<string, Inode> {
    const parent = lookup(parentOf(path));
    if (!parent?.children)
      throw new StoreError('parent-not-found', `the parent directory is not there: ${path}`);
    return parent.children;
  }

  function attach(path: string, inode: Inode): void {
    childrenAt(path).set(nameOf(path), inode);
    lookup(parentOf(path))!.modifiedMs = now();
  }

  function detach(path: string): void {
    childrenAt(path).delete(nameOf(path));
    lookup(parentOf(path))!.modifiedMs = now();
  }

  return {
    async find(path) {
      const inode = lookup(path);
      return inode && nodeOf(inode);
    },
    async childNames(path) {
      return [...(lookup(path)?.children?.keys() ?? [])];
    },
    async findChildren(path, names) {
      const children = lookup(path)?.children;
      return names.map((name) => {
        const inode = children?.get(name);
        return inode && nodeOf(inode);
      });
    },
    async addFolder(path, attributes) {
      const inode = newInode('directory', attributes, []);
      attach(path, inode);
      return nodeOf(inode);
    },
    async receive(body, signal) {
      return contentOf(await bufferChunks(body, signal));
    },
    async gather(paths) {
      return contentOf(paths.flatMap((path) => [...(lookup(path)?.chunks ?? [])]));
    },
    async addFile(path, content, attributes) {
      const inode = newInode('file', attributes, content?.chunks ?? []);
      attach(path, inode);
      return nodeOf(inode);
    },
    async extend(_path, { inode }, content, attributes) {
      grow(inode, content.chunks, attributes);
      return nodeOf(inode);
    },
    async change(_path, { inode }, change) {
      inode.attributes = change.attributes ?? inode.attributes;
      inode.modifiedMs = change.modifiedMs ?? inode.modifiedMs;
      inode.accessedMs = change.accessedMs ?? inode.accessedMs;
      return nodeOf(inode);
    },
    async move(from, { inode }, to) {
      detach(from);
      attach(to, inode);
    },
    async remove(path) {
      detach(path);
    },
    async open(path) {
      const inode = lookup(path);
      if (!inode || inode.children) return undefined;
      const { chunks } = inode;
      return {
        node: nodeOf(inode),
        stream: (offset, lengthBytes) =>
          Readable.from(sliceChunks(chunks, offset, lengthBytes), { objectMode: false }),
        close: async () => undefined,
      };
    },
    async receiveStaged(_path, { inode }, position, body, signal) {
      const bytes = Buffer.concat(await bufferChunks(body, signal));
      return {
        async keep() {
          inode.staged = addPiece(inode.staged, { start: position, bytes });
        },
        discard: async () => undefined,
      };
    },
    async flush(_path, { inode }, position, retain, attributes) {
      const staged = inode.staged.reduce<Interval[]>(
        (list, { start, bytes }) => addInterval(list, { start, end: start + bytes.length }),
        [],
      );
      checkFlush(staged, inode.lengthBytes, position);
      const added = slicePieces(inode.staged, inode.lengthBytes, position);
      inode.staged = retain ? inode.staged.filter(({ start, bytes }) => start + bytes.length > position) : [];
      grow(inode, added, attributes);
      return nodeOf(inode);
    },
    async addBlock(path, blockId, content) {
      const held = blocks.get(path) ?? new Map<string, Buffer[]>();
      held.set(blockId, content.chunks);
      blocks.set(path, held);
    },
    async joinBlocks(path, blockIds) {
      const held = blocks.get(path);
      const chunks = blockIds.flatMap((id) => {
        const block = held?.get(id);
        if (!block) throw new StoreError('invalid', `no such block: ${id}`, { code: 'InvalidBlockList' });
        return block;
      });
      return contentOf(chunks);
    },
    async dropBlocks(path) {
      blocks.delete(path);
    },
    close: async () => undefined,
  };

  function grow(inode: Inode, chunks: readonly Buffer[], attributes: NodeAttributes): void {
    inode.attributes = attributes;
    if (chunks.length === 0) return;
    inode.chunks = [...inode.chunks, ...chunks];
    inode.lengthBytes += lengthOf(chunks);
    inode.modifiedMs = now();
  }
}

function nodeOf(inode: Inode): MemoryNode {
  const { fileId, lengthBytes, modifiedMs, accessedMs, attributes } = inode;
  const type = inode.children ? 'directory' : 'file';
  return { type, fileId, lengthBytes, modifiedMs, accessedMs, attributes, inode };
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function contentOf(chunks: Buffer[]): MemoryContent {
  return { chunks, lengthBytes: lengthOf(chunks), discard: async () => undefined };
}

async function bufferChunks(body: Body, signal: AbortSignal): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyChunks(body, signal)) chunks.push(chunk);
  return chunks;
}

function* sliceChunks(chunks: readonly Buffer[], offset: number, lengthBytes: number): Generator<Buffer> {
  let skip = offset;
  let left = lengthBytes;
  for (const chunk of chunks) {
    if (left === 0) return;
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    const part = chunk.subarray(skip, skip + left);
    skip = 0;
    left -= part.length;
    yield part;
  }
}
