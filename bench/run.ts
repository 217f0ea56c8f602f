// 4 KiB reads and dual writes through the gateway, beside a bare @fastify/http-proxy in front of the same lean stores.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { neverInTheWay, secondaryTable } from './never-in-the-way.ts';
import { machine, type Row, rowOf, type Slice, table } from './report.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { type Field, type SubjectName, startField } from './subjects.ts';

/** Rounds that a median is made of. */
const rounds = 5;
/** Times through a scenario for each connection before anything is measured. */
const warmUpTimes = 8;
/** Part of the time asked for that is measured; the rest is for starting, warming up and stopping. */
const shareMeasured = 0.65;

const usage = `npm run bench -- [--seconds 90] [--connections 1,32] [--only webhdfs-read,put-blob]
                 [--json FILE] [--node-flag=--cpu-prof]
npm run bench -- never-in-the-way [--seconds 90] [--json FILE]`;

interface Plan {
  /** Whether a slow secondary is in the way, instead of gateway beside proxy. */
  secondaries: boolean;
  seconds: number;
  connections: number[];
  chosen: readonly Scenario[];
  json: string | undefined;
  flags: string[];
}

function planOf(argv: string[]): Plan {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '90' },
      connections: { type: 'string', default: '1,32' },
      only: { type: 'string' },
      json: { type: 'string' },
      'node-flag': { type: 'string', multiple: true, default: [] },
    },
  });
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
  const seconds = Number(values.seconds);
  const connections = values.connections.split(',').map(Number);
  const bad = !(seconds > 0) || connections.some((count) => !Number.isSafeInteger(count) || count < 1);
  const secondaries = positionals[0] === 'never-in-the-way';
  if (bad || unknown.length > 0 || positionals.length > Number(secondaries)) throw new Error(usage);
  return {
    secondaries,
    seconds,
    connections,
    chosen: scenarios.filter(({ name }) => !only || only.includes(name)),
    json: values.json,
    flags: values['node-flag'],
  };
}

/** Runs one subject once through; `rates` remembers how fast it was, so that the next slice lasts as long as it shall. */
function createRunner(field: Field, sliceSeconds: number) {
  const rates = new Map<string, number>();
  let runs = 0;
  return async (scenario: Scenario, connections: number, name: SubjectName): Promise<Slice> => {
    const subject = field.subjects[name];
    const key = `${scenario.name} ${connections} ${name}`;
    const wanted = rates.has(key) ? rates.get(key)! * sliceSeconds : warmUpTimes * connections;
    // A whole number for each connection: no file is left half written.
    const times = Math.max(1, Math.round(wanted / connections)) * connections;
    const [cpuBefore, storesBefore] = [await subject.cpuSeconds(), await field.storeRequests()];
    const order = { scenario: scenario.name, url: subject.url, connections, times, run: `${runs++}` };
    const { seconds, failures } = await field.load(order);
    const [cpuAfter, storesAfter] = [await subject.cpuSeconds(), await field.storeRequests()];
    if (failures > 0) throw new Error(`${key}: ${failures} of ${times} failed, so nothing is measured`);
    rates.set(key, times / seconds);
    return {
      scenario: scenario.name,
      connections,
      subject: name,
      seconds,
      times,
      cpuSeconds: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
      storeRequests: storesAfter - storesBefore,
    };
  };
}

async function measure(field: Field, { seconds, connections, chosen }: Plan): Promise<Row[]> {
  const pairs = chosen.flatMap((scenario) => connections.map((count) => [scenario, count] as const));
  const sliceSeconds = (seconds * shareMeasured) / (rounds * pairs.length * 2);
  const run = createRunner(field, sliceSeconds);
  // The first slices find out how fast it is, the second ones warm the code.
  for (const _ of [1, 2]) {
    for (const [scenario, count] of pairs)
      for (const name of ['proxy', 'gateway'] as const) await run(scenario, count, name);
  }
  const slices: Slice[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [scenario, count] of pairs) {
      const order = round % 2 === 0 ? (['gateway', 'proxy'] as const) : (['proxy', 'gateway'] as const);
      for (const name of order) slices.push(await run(scenario, count, name));
    }
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return pairs.map(([scenario, count]) => rowOf(scenario.name, count, slices));
}

/** Prints what it depends on, then the tables. */
async function tell(plan: Plan, facts: object, text: string, result: object): Promise<void> {
  for (const [name, value] of Object.entries(facts)) process.stdout.write(`${name}: ${value}\n`);
  process.stdout.write(text);
  if (plan.json) await writeFile(plan.json, `${JSON.stringify({ ...facts, ...result }, null, 2)}\n`);
}

async function besideProxy(plan: Plan, facts: object): Promise<boolean> {
  const field = await startField(plan.flags);
  try {
    const rows = await measure(field, plan);
    const divergences = await field.divergences();
    const legend = plan.chosen.map(
      ({ name, gateway, proxy }) => `${name}: gateway ${gateway}; proxy ${proxy}\n`,
    );
    const text = `paths that differ at the end: ${divergences}\n\n${table(rows)}\n\n${legend.join('')}`;
    await tell(plan, facts, text, { divergences, rows });
    return divergences === 0;
  } finally {
    await field.stop();
  }
}

async function besideSecondaries(plan: Plan, facts: object): Promise<boolean> {
  const { rows, good } = await neverInTheWay(plan.seconds);
  await tell(plan, facts, `\n${secondaryTable(rows)}\n`, { rows });
  return good;
}

const plan = planOf(process.argv.slice(2));
// The load before the run: what else the machine had to do.
const facts = machine();
const good = await (plan.secondaries ? besideSecondaries : besideProxy)(plan, facts);
if (!good) process.exitCode = 1;
