// The contract suite as a Gen2 client sees the whole: client → face → gateway → clients → faces → memory.
import t from 'tap';
import { gatewayContract } from './stacks/gateway-contract.ts';
import { clientOfGateway } from './stacks/gateway-stacks.ts';
import { noExpiry, noGaps, noJoining } from './stacks/left-out.ts';

t.setTimeout(120_000);

gatewayContract(t, {
  name: 'gen2 client → face → gateway over webhdfs and gen2',
  speaks: 'target',
  hasFace: true,
  open: (t, options) => clientOfGateway(t, 'gen2', options),
  without: { source: [...noGaps, ...noExpiry, ...noJoining], target: [...noExpiry, ...noJoining] },
});
