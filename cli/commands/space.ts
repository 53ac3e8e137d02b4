import { bytes, count } from '../../experiments/report/index.js';
import type { Decision, DecisionSpace, Extreme } from '../../spaces/index.js';
import { command, jsonOption, setOption } from '../command.js';
import { loadWithSpace, type LoadedNetworks, type LoadedTable } from '../load-space.js';
import { json, renderFacts, renderTable, type Column } from '../output/table.js';
import type { Colors } from '../output/terminal.js';

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

/** Decisions with a choice. */
const openDecisions = ({ decisions }: DecisionSpace): Decision[] =>
  decisions.filter(({ choices }) => choices.length > 1);

async function networksText(
  { space: searched, size, task }: LoadedNetworks,
  asJson: boolean,
  colors: Colors,
): Promise<string> {
  const { describeNetwork, extremes, spaceSize } = await import('../../spaces/index.js');
  const { smallest, largest } = extremes(searched);
  if (asJson) {
    const { name, decisions } = searched;
    const found = { smallest: plainExtreme(smallest), largest: plainExtreme(largest) };
    return json({ name, size: String(spaceSize(searched)), task, decisions, ...found });
  }
  const open = openDecisions(searched);
  const facts = [
    ['space', searched.name],
    ['input', `${task.input.join(' x ')}, ${task.classes} classes`],
    ['networks', size],
    ['decisions', `${open.length}`],
  ] as const;
  const pair = [['smallest', smallest] as const, ['largest', largest] as const];
  return [
    renderFacts(facts, colors),
    renderTable(decisionColumns, open, colors),
    renderTable(costColumns, pair, colors),
    ...pair.map(([name, { network }]) => `${colors.bold(name)}\n${describeNetwork(network)}\n`),
  ].join('\n');
}

async function tableText(
  { space: searched, size, experiment }: LoadedTable,
  asJson: boolean,
  colors: Colors,
): Promise<string> {
  const { combinations, spaceSize } = await import('../../spaces/index.js');
  const { name, decisions, members } = searched;
  if (asJson) return json({ name, size: String(spaceSize(searched)), decisions });
  const open = openDecisions(searched);
  const all = combinations({ ...searched, members: undefined }).toLocaleString('en-US');
  const facts = [
    ['table', experiment.space.file],
    ['networks', members === undefined ? size : `${size} of ${all} combinations`],
    ['decisions', `${open.length}`],
  ] as const;
  return `${renderFacts(facts, colors)}\n${renderTable(decisionColumns, open, colors)}`;
}

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
    const found = await loadWithSpace(yaml, set);
    out(found.kind === 'table' ? await tableText(found, asJson, colors) : await networksText(found, asJson, colors));
  },
});
