import { json, renderFacts, renderTable, type Column } from '../output/table.js';
import type { adapterKinds } from '../../compiler/index.js';
import { command, jsonOption } from '../command.js';
import type { Colors } from '../output/terminal.js';
import { examine, type Diagnosis } from '../diagnosis.js';

type Adapter = Diagnosis['adapters']['all'][number];
type Engine = Diagnosis['engines'][number];

const engineColumns: readonly Column<Engine>[] = [
  { title: 'engine', cell: ({ engine }) => engine },
  { title: 'backend', cell: ({ backend }) => backend },
  { title: 'works', cell: ({ reason }) => (reason === null ? 'yes' : 'no') },
  { title: 'version', cell: ({ version }) => version ?? '-' },
];

const adapterColumns = (kinds: typeof adapterKinds): readonly Column<Adapter>[] => [
  { title: 'graphics adapter', cell: ({ name }) => name },
  { title: 'kind', cell: ({ kind }) => kinds[kind] },
  { title: 'driver', cell: ({ driver }) => driver ?? '-' },
  { title: 'engine.device', cell: ({ id }) => id ?? '-' },
];

/** Why engines do not work, each in full: what is missing is often named at the end. */
const whyNot = (engines: readonly Engine[]): string =>
  engines
    .flatMap(({ engine, backend, reason }) => (reason === null ? [] : [`- ${engine}, ${backend}: ${reason}\n`]))
    .join('');

async function renderAdapters({ adapters: { all, taken }, float16 }: Diagnosis, colors: Colors): Promise<string> {
  if (all.length === 0) return `${colors.bold('Graphics adapters')}: none found\n`;
  const { adapterKinds } = await import('../../compiler/index.js');
  const takes =
    taken === null
      ? 'WebGPU does not work with any of them'
      : `WebGPU takes ${taken.name}, ${float16 === true ? 'which computes float16' : 'without float16 (train.precision: mixed)'}`;
  return `${renderTable(adapterColumns(adapterKinds), all, colors)}${takes}\n`;
}

const integersText: { readonly [I in NonNullable<Diagnosis['integers']> | 'unknown']: string } = {
  exact: 'sums of bytes are exact; quantized networks have weights of 8 bits',
  saturating:
    'sums of bytes saturate in 16 bits (a processor without VNNI); quantized networks have weights of 7 bits here, and those with 8 give other answers than elsewhere',
  unknown: 'could not be asked',
};

export const doctor = command({
  usage: 'doctor',
  summary: 'Say what works on this machine: engines, providers, threads, caches; and how to get more',
  examples: [['doctor', 'what trains and measures here']],
  options: (yargs) => yargs.option('json', jsonOption),
  run: async ({ json: asJson }, { out, colors }) => {
    const diagnosis = await examine();
    if (asJson) {
      out(json(diagnosis));
      return;
    }
    const { versions, machine, engines, active, integers, blocked, caches, advice } = diagnosis;
    out(renderFacts(Object.entries({ ...versions, ...machine }), colors));
    out(`\n${colors.bold('Training')}: ${active}\n${renderTable(engineColumns, engines, colors)}${whyNot(engines)}`);
    out(`\n${await renderAdapters(diagnosis, colors)}`);
    out(`\n${colors.bold('Blocked depthwise path')}: ${blocked}\n`);
    out(`\n${colors.bold('Integer arithmetic')}: ${integersText[integers ?? 'unknown']}\n`);
    out(`\n${colors.bold('Data caches')}\n`);
    out(
      caches.entries.length === 0
        ? `none in ${caches.directory}\n`
        : renderFacts(
            caches.entries.map(({ name, size }) => [name, size]),
            colors,
          ),
    );
    out(`\n${colors.bold('More')}\n${advice.map((line) => `- ${line}\n`).join('')}`);
  },
});
