import { json, renderFacts, renderTable, type Column } from '../output/table.js';
import { command, jsonOption } from '../command.js';
import { examine, type Diagnosis } from '../diagnosis.js';

type Engine = Diagnosis['engines'][number];

const engineColumns: readonly Column<Engine>[] = [
  { title: 'engine', cell: ({ engine }) => engine },
  { title: 'backend', cell: ({ backend }) => backend },
  { title: 'works', cell: ({ reason }) => (reason === null ? 'yes' : 'no') },
  { title: 'version', cell: ({ version }) => version ?? '-' },
  { title: 'why not', cell: ({ reason }) => (reason ?? '').slice(0, 70) },
];

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
    const { versions, machine, engines, active, blocked, caches, advice } = diagnosis;
    out(renderFacts(Object.entries({ ...versions, ...machine }), colors));
    out(`\n${colors.bold('Training')}: ${active}\n${renderTable(engineColumns, engines, colors)}`);
    out(`\n${colors.bold('Blocked depthwise path')}: ${blocked}\n`);
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
