// The data port's certificate, key and client CA: read from PEM files, and read again whenever they change, without a restart.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server as HttpsServer } from 'node:https';
import { createSecureContext } from 'node:tls';

/** How often the files are looked at: 10 s. Kubernetes itself takes up to a minute to swap a secret. */
export const certificatePollMs = 10_000;

/** PEM files. */
export interface TlsFiles {
  certFile: string;
  keyFile: string;
  /** Client certificates that these CAs signed prove who the client is (mutual TLS). */
  clientCaFile?: string;
}

/** What the files hold. */
export interface TlsContent {
  cert: string;
  key: string;
  ca?: string;
}

/** @throws Error if a file cannot be read, is no PEM, or the key is not the certificate's */
export async function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsContent> {
  const [cert, key, ca] = await Promise.all(
    [certFile, keyFile, clientCaFile].map((file) =>
      file === undefined ? undefined : readFile(file, 'utf8'),
    ),
  );
  const content = { cert: cert!, key: key!, ...(ca === undefined ? {} : { ca }) };
  createSecureContext(content);
  // OpenSSL takes a file without a certificate for a CA without a word, and nobody could come in.
  if (ca !== undefined) new X509Certificate(ca);
  return content;
}

/** Certificates that are followed. */
export interface FollowedCertificates {
  /** Looks at the files now; what cannot be used leaves what is in use, and is told once. */
  look(): Promise<void>;
  /** When the certificate in use ends, epoch milliseconds. */
  expiresMs(): number;
  close(): void;
}

/** Gives the server what the files hold whenever that changes; connections that stand are not touched. */
export function followCertificates(
  server: Pick<HttpsServer, 'setSecureContext'>,
  files: TlsFiles,
  inUse: TlsContent,
  told: { onReload?(): void; onProblem?(error: Error): void },
): FollowedCertificates {
  let current = inUse;
  let problem: string | undefined;
  const look = async (): Promise<void> => {
    try {
      const content = await readTlsFiles(files);
      problem = undefined;
      if (JSON.stringify(content) === JSON.stringify(current)) return;
      server.setSecureContext(content);
      current = content;
      told.onReload?.();
    } catch (thrown) {
      // Certificate and key are swapped one after the other: the two fit again with a later look.
      const error = thrown as Error;
      if (error.message !== problem) told.onProblem?.(error);
      problem = error.message;
    }
  };
  const timer = setInterval(() => void look(), certificatePollMs);
  return {
    look,
    expiresMs: () => Date.parse(new X509Certificate(current.cert).validTo),
    close: () => clearInterval(timer),
  };
}
