import { messageOf } from '../../base/errors.js';
import type { AgentConfig, Environment } from '../../latency-models/index.js';
import { parseDevice } from '../arguments/device.js';
import { command, jsonOption, listOption } from '../command.js';
import { json, renderFacts, renderTable, type Column } from '../output/terminal.js';

interface ListedDevice {
  /** Argument of `--device`. */
  readonly device: string;
  /** Null when it works. */
  readonly reason: string | null;
  readonly detail: string;
}

interface DeviceListing {
  readonly machine: Pick<Environment, 'cpu' | 'cores' | 'governor' | 'load' | 'runtime' | 'platform'>;
  readonly devices: readonly ListedDevice[];
}

async function listed(device: string, task: () => Promise<string>): Promise<ListedDevice> {
  try {
    return { device, reason: null, detail: await task() };
  } catch (error) {
    return { device, reason: messageOf(error), detail: '' };
  }
}

async function listDevices(agents: readonly AgentConfig[]): Promise<DeviceListing> {
  const { describeAdapter, listProviders, tryProvider, tryWebGpu } = await import('../../compiler/index.js');
  const { AgentClient, describeEnvironment, tryBrowser } = await import('../../latency-models/index.js');
  const adapterTaken = async (): Promise<string[]> => {
    const { taken } = (await tryWebGpu()).adapters;
    return taken === null ? [] : [describeAdapter(taken)];
  };
  const settings = { provider: 'cpu', threads: 1, batch: 1 };
  const { cpu, cores, governor, load, runtime, platform } = describeEnvironment('devices', settings);
  const devices = await Promise.all([
    ...listProviders().map(async ({ name, bundled }): Promise<ListedDevice> => ({
      device: name === 'cpu' ? 'local' : `local:provider=${name}`,
      reason: await tryProvider(name),
      detail: [
        bundled ? 'ONNX Runtime' : 'ONNX Runtime with libraries that you installed',
        ...(name === 'webgpu' ? await adapterTaken() : []),
      ].join(' on '),
    })),
    ...(['wasm', 'webgpu'] as const).map((provider) =>
      listed(provider === 'wasm' ? 'browser' : `browser:provider=${provider}`, () => tryBrowser(provider)),
    ),
    ...agents.map((config) =>
      listed(`agent:url=${config.url}`, async () => {
        const { device, environment } = await new AgentClient(config).device();
        return `${device}; ${environment.cpu}, ${environment.platform}`;
      }),
    ),
  ]);
  return { machine: { cpu, cores, governor, load, runtime, platform }, devices };
}

type Entry = DeviceListing['devices'][number];

const columns: readonly Column<Entry>[] = [
  { title: 'device', cell: ({ device }) => device },
  { title: 'works', cell: ({ reason }) => (reason === null ? 'yes' : 'no') },
  { title: '', cell: ({ detail, reason }) => (reason ?? detail).slice(0, 160) },
];

export const devices = command({
  usage: 'devices',
  summary: 'List the devices for latency measurements',
  examples: [['devices', 'processor, execution providers, browser']],
  options: (yargs) =>
    yargs
      .option('agent', {
        ...listOption,
        describe: 'Address of an agent to include; may be repeated',
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
          ['clock governor', machine.governor ?? 'unknown'],
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
