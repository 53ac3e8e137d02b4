import { bytes, count } from '../../experiments/report/index.js';
import type { Decision, Extreme } from '../../spaces/index.js';
import { command, jsonOption, setOption } from '../command.js';
import { loadWithSpace } from '../load-space.js';
import { json, renderFacts, renderTable, type Column } from '../output/table.js';

const decisionColumns: readonly Column<Decision>[] = [
  { title: 'decision', cell: ({ name }) => name },
  { title: 'choices', cell: ({ choices }) => choices.map(String).join(', ') },
];

const costColumns: readonly Column<readonly [string, Extreme]>[] = [
  { title: 'network', cell: ([name]) => name },
  { title: 'MACs', numeric: true, cell: ([, { costs }]) => count(costs.macs) },
  { title: 'parameters', numeric: true, cell: ([, { costs }]) => count(costs.params) },
  { title: 'activation memory', numeric: true, cell: ([, { costs }]) => bytes(costs.activationBytes) },
  { title: 'weights', numeric: true, cell: ([, { costs }]) => bytes(costs.sizeBytes) },
];

const plainExtreme = ({ genotype, network, costs }: Extreme) => ({
  genotype,
  network,
  costs: { macs: costs.macs, params: costs.params, activationBytes: costs.activationBytes, sizeBytes: costs.sizeBytes },
});

export const space = command({
  usage: 'space <yaml>',
  summary: 'Describe the search space: size, decisions, smallest and largest network',
  examples: [
    ['space experiment.yaml', 'a table'],
    ['space experiment.yaml --set space.preset=small', 'the same with another preset'],
  ],
  options: (yargs) =>
    yargs
      .positional('yaml', { type: 'string', demandOption: true, describe: 'Experiment file' })
      .option('set', setOption)
      .option('json', jsonOption),
  run: async ({ yaml, set, json: asJson }, { out, colors }) => {
    const { space: searched, size, task } = await loadWithSpace(yaml, set);
    const { describeNetwork, extremes, spaceSize } = await import('../../spaces/index.js');
    const { smallest, largest } = extremes(searched);
    if (asJson) {
      const { name, decisions } = searched;
      const found = { smallest: plainExtreme(smallest), largest: plainExtreme(largest) };
      out(json({ name, size: String(spaceSize(searched)), task, decisions, ...found }));
      return;
    }
    const open = searched.decisions.filter(({ choices }) => choices.length > 1);
    const input = `${task.input.join(' x ')}, ${task.classes} classes`;
    out(
      renderFacts(
        [
          ['space', searched.name],
          ['input', input],
          ['networks', size],
          ['decisions', `${open.length}`],
        ],
        colors,
      ),
    );
    out(`\n${renderTable(decisionColumns, open, colors)}`);
    const pair = [['smallest', smallest] as const, ['largest', largest] as const];
    out(`\n${renderTable(costColumns, pair, colors)}`);
    for (const [name, { network }] of pair) out(`\n${colors.bold(name)}\n${describeNetwork(network)}\n`);
  },
});
