import { command, jsonOption } from '../command.js';
import { parseDevice } from '../device-argument.js';
import { json, renderFacts, renderTable, type Column } from '../output/table.js';
import { listDevices, type DeviceListing } from '../device-listing.js';

type Entry = DeviceListing['devices'][number];

const columns: readonly Column<Entry>[] = [
  { title: 'device', cell: ({ device }) => device },
  { title: 'works', cell: ({ reason }) => (reason === null ? 'yes' : 'no') },
  { title: '', cell: ({ detail, reason }) => (reason ?? detail).slice(0, 160) },
];

export const devices = command({
  usage: 'devices',
  summary: 'List what latency can be measured on here',
  examples: [['devices', 'processor, execution providers, browser']],
  options: (yargs) =>
    yargs
      .option('agent', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'Address of an agent to ask as well; may be repeated',
      })
      .option('token-file', { type: 'string', describe: 'File with the token of these agents' })
      .option('json', jsonOption),
  run: async ({ agent, tokenFile, json: asJson }, { out, colors }) => {
    const token = tokenFile === undefined ? '' : `,token_file=${tokenFile}`;
    const agents = agent.map((url) => parseDevice(`agent:url=${url},patience_s=5${token}`));
    const listing = await listDevices(agents.filter((config) => config.type === 'agent'));
    if (asJson) {
      out(json(listing));
      return;
    }
    const { machine, devices: entries } = listing;
    out(
      renderFacts(
        [
          ['processor', `${machine.cpu}, ${machine.cores} core${machine.cores === 1 ? '' : 's'}`],
          ['clock governor', machine.governor ?? 'not told by this system'],
          ['load', machine.load.toFixed(2)],
          ['runtime', machine.runtime],
        ],
        colors,
      ),
    );
    out(`\n${renderTable(columns, entries, colors)}`);
    out('\nAn entry is used as --device ENTRY, or in an experiment as latency: {device: {type: ..., ...}}.\n');
  },
});
