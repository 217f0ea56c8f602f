// The dual gateway over pairs of stores, in process and behind both faces.
import type { Test } from 'tap';
import type { Mount } from '../../src/core/mount.ts';
import type { Side, Store } from '../../src/core/store.ts';
import { createRig, type Rig } from '../gateway/rig.ts';
import { layered } from './layered.ts';
import type { Stack } from './stack.ts';
import { clients, listen, throughWire, tickingMemory } from './wire-stacks.ts';

/** A gateway, and what it stands on. */
export interface GatewayStack extends Stack {
  rig: Rig;
  /** What holds the files in the end. */
  disks: Record<Side, Store>;
}

/** How a gateway is made. */
export interface GatewayOptions {
  reads: Side;
  mount: Mount;
}

/** Over two stores in memory. */
export async function gatewayOverMemory(t: Test, { reads, mount }: GatewayOptions): Promise<GatewayStack> {
  const rig = await createRig(t, { route: { reads }, mounts: [mount] });
  return { rig, disks: rig.stores, store: rig.gateway, close: () => rig.close() };
}

/** Over WebHDFS (source) and Gen2 (target), each behind its layers, its client and a listener of its own. */
export async function gatewayOverWire(t: Test, options: GatewayOptions): Promise<GatewayStack> {
  const disks = { source: tickingMemory(), target: tickingMemory('filesystems') };
  const below: Record<Side, Stack> = {
    source: await throughWire('webhdfs', disks.source),
    target: await throughWire('gen2', disks.target),
  };
  const sides: Record<Side, Store> = {
    source: layered(below.source.store),
    target: layered(below.target.store),
  };
  t.teardown(() => Promise.all([below.source.close(), below.target.close()]));
  const rig = await createRig(t, {
    route: { reads: options.reads },
    wrap: (side) => sides[side],
    mounts: [options.mount],
  });
  return {
    rig,
    disks,
    store: rig.gateway,
    close: () => rig.close(),
  };
}

/** The same behind both faces, seen by one client. */
export async function clientOfGateway(
  t: Test,
  client: keyof typeof clients,
  options: GatewayOptions,
): Promise<GatewayStack> {
  const gateway = await gatewayOverWire(t, options);
  const listener = await listen(gateway.store);
  const store = clients[client](listener.url);
  return {
    ...gateway,
    store,
    async close() {
      await store.close?.();
      await listener.close();
      await gateway.close();
    },
  };
}
