// The contract suite over the dual gateway: to a face it is a store like any other.
import t from 'tap';
import { gatewayContract } from './stacks/gateway-contract.ts';
import { gatewayOverMemory, gatewayOverWire } from './stacks/gateway-stacks.ts';
import { noGaps } from './stacks/left-out.ts';

t.setTimeout(120_000);

gatewayContract(t, {
  name: 'gateway over memory and memory',
  speaks: 'target',
  hasFace: false,
  open: gatewayOverMemory,
});

gatewayContract(t, {
  name: 'gateway over webhdfs and gen2',
  speaks: 'target',
  hasFace: false,
  open: gatewayOverWire,
  without: { source: noGaps },
});
