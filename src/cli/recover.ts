// `twinlake recover`: asks a running gateway to go on where its journal was lost (semantics D1).

/** Options of the command. */
export interface RecoverOptions {
  /** The side that has the newest state. */
  truth: string;
  /** Target root of one mount. */
  mount?: string;
  /** Address of the admin API. */
  admin: string;
}

/** How long the gateway may take, milliseconds. */
const patienceMs = 60_000;

/** @returns the exit code: 0 done, 1 refused, 2 the gateway cannot be reached */
export async function runRecover(options: RecoverOptions, print: (line: string) => void): Promise<number> {
  const query = new URLSearchParams({ truth: options.truth });
  if (options.mount !== undefined) query.set('mount', options.mount);
  try {
    const url = new URL(`/v1/recover?${query}`, options.admin);
    const response = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(patienceMs) });
    const body = (await response.json()) as { mounts?: string[]; error?: { message: string } };
    if (response.ok) {
      for (const mount of body.mounts ?? [])
        print(`${mount}: everything is compared with the ${options.truth} now`);
      return 0;
    }
    print(body.error?.message ?? `the gateway answered ${response.status}`);
    return 1;
  } catch (error) {
    print(`the gateway at ${options.admin} cannot be asked: ${(error as Error).message}`);
    return 2;
  }
}
