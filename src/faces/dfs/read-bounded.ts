// Small request bodies that must be had whole: XML documents, batches.
import { StoreError } from '../../core/store-error.ts';
import type { FaceRequest } from '../../wire/http.ts';

/** The whole body. @throws StoreError `too-large` */
export async function readBounded(request: FaceRequest, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += (chunk as Buffer).length;
    if (length > maxBytes) throw new StoreError('too-large', `such a body has at most ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
