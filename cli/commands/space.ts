import { bytes, count } from '../../reports/index.js';
import type { Decision, DecisionSpace, Extreme } from '../../spaces/index.js';
import { isSpaceName, type LoadedTable, loadWithSpace, type NamedSpace, parseSpace } from '../arguments/space.js';
import { command, jsonOption, setOption } from '../command.js';
import { type Colors, type Column, json, renderFacts, renderTable, numeric } from '../output/terminal.js';

const decisionColumns: readonly Column<Decision>[] = [
  { title: 'decision', cell: ({ name }) => name },
  { title: 'choices', cell: ({ choices }) => choices.map(String).join(', ') },
];

const costColumns: readonly Column<readonly [string, Extreme]>[] = [
  { title: 'network', cell: ([name]) => name },
  numeric('MACs', ([, { costs }]) => count(costs.macs)),
  numeric('parameters', ([, { costs }]) => count(costs.params)),
  numeric('activation memory', ([, { costs }]) => bytes(costs.activationBytes)),
  numeric('weights', ([, { costs }]) => bytes(costs.sizeBytes)),
];

const plainExtreme = ({ genotype, network, costs }: Extreme) => ({
  genotype,
  network,
  costs: { macs: costs.macs, params: costs.params, activationBytes: costs.activationBytes, sizeBytes: costs.sizeBytes },
});

const openDecisions = ({ decisions }: DecisionSpace): Decision[] =>
  decisions.filter(({ choices }) => choices.length > 1);

async function networksText({ space: searched, task }: NamedSpace, asJson: boolean, colors: Colors): Promise<string> {
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
    ['networks', spaceSize(searched).toLocaleString('en-US')],
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
  usage: 'space <space>',
  summary: 'Describe the search space: size, decisions, smallest and largest network',
  examples: [
    ['space experiment.yaml', 'a table'],
    ['space experiment.yaml --set space.preset=small', 'the same with another preset'],
    ['space mobilenet', 'a ready-made space, without an experiment'],
  ],
  options: (yargs) =>
    yargs
      .positional('space', {
        type: 'string',
        demandOption: true,
        describe: 'Experiment file, or the type of a ready-made space (mobilenet, efficientnet, nas-bench-201)',
      })
      .option('set', setOption)
      .option('json', jsonOption),
  run: async ({ space: named, set, json: asJson }, { out, colors }) => {
    if (set.length === 0 && (await isSpaceName(named))) {
      out(await networksText(await parseSpace(named), asJson, colors));
      return;
    }
    const found = await loadWithSpace(named, set);
    out(found.kind === 'table' ? await tableText(found, asJson, colors) : await networksText(found, asJson, colors));
  },
});
