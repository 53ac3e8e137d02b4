import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { nasVersion } from '../../base/modules.js';
import type { adapterKinds, Adapters, IntegerArithmetic } from '../../compiler/index.js';
import { bytes } from '../../reports/index.js';
import type { EngineAvailability } from '../../trainers/index.js';
import { command, jsonOption } from '../command.js';
import { type Colors, type Column, json, renderFacts, renderTable, type Fact } from '../output/terminal.js';

interface CacheEntry {
  /** `data/fashion-mnist-1a2b...`, relative to the caches' folder. */
  readonly name: string;
  readonly size: string;
}

/** What works on this machine; plain data. */
interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string>>;
  readonly engines: readonly EngineAvailability[];
  /** The engine that `engine: auto` selects. */
  readonly active: string;
  /** Adapters, and the one that WebGPU uses by default. */
  readonly adapters: Adapters;
  /** Integer arithmetic of the processor; null when unknown. */
  readonly integers: IntegerArithmetic | null;
  /** Result of the blocked path's self-test. */
  readonly blocked: string;
  /** The tools that compile for boards, count instructions and measure times; or which of them are missing. */
  readonly boards: Readonly<Record<string, string>>;
  readonly caches: { readonly directory: string; readonly entries: readonly CacheEntry[] };
  readonly advice: readonly string[];
}

const sizeOf = (path: string): number =>
  statSync(path).isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
    : statSync(path).size;

/** Entries of all caches, without locks: `data/...`, `teachers/...`. */
function listCaches(directory: string): CacheEntry[] {
  if (!existsSync(directory)) return [];
  const kinds = readdirSync(directory).filter((kind) => statSync(join(directory, kind)).isDirectory());
  return kinds.flatMap((kind) =>
    readdirSync(join(directory, kind))
      .filter((name) => !name.endsWith('.lock'))
      .map((name) => ({ name: join(kind, name), size: bytes(sizeOf(join(directory, kind, name))) })),
  );
}

async function blockedPath(): Promise<string> {
  const { blockedSupport } = await import('../../compiler/index.js');
  try {
    const block = await blockedSupport();
    return block === null
      ? 'the self-test failed here; plain ONNX is used (slower, same results)'
      : `works (blocks of ${block} channels)`;
  } catch (error) {
    return `the self-test could not run: ${messageOf(error)}`;
  }
}

async function forBoards(): Promise<Record<string, string>> {
  const { qemuTools } = await import('../../deploy/index.js');
  const counting =
    'missing: nas latency instructions and the objective instructions need gcc-arm-none-eabi and qemu-system-arm';
  const tools = Object.entries(qemuTools()).map(([name, version]): Fact => [name, version ?? counting]);
  const timing = 'missing: latency.device: {type: serial} needs it (npm install serialport)';
  const serialport = await import('serialport').catch(() => null);
  // serialport's own list ends the process where udev is missing.
  const names = existsSync('/dev') ? readdirSync('/dev').filter((name) => /^(tty(ACM|USB)|cu\.usb)/.test(name)) : [];
  const ports = names.map((name) => `/dev/${name}`).join(', ') || 'none found (/dev/ttyACM*, ttyUSB*, cu.usb*)';
  return { ...Object.fromEntries(tools), serialport: serialport ? 'installed' : timing, 'serial ports': ports };
}

async function activeEngine(): Promise<string> {
  const { chooseEngine, engineSchema, nativeForAuto, onProcessor } = await import('../../trainers/index.js');
  try {
    const choice = await chooseEngine(engineSchema.parse({}));
    if (choice.type === 'native') return `native, ${choice.isa} (engine: auto)`;
    const native = choice === onProcessor ? await nativeForAuto() : null;
    if (native !== null && 'reason' in native)
      return `compiled, ONNX Runtime cpu (engine: auto); not native: ${native.reason}`;
    return `compiled, ONNX Runtime ${choice.provider}${choice.adapter === null ? '' : ` on ${choice.adapter.name}`} (engine: auto)`;
  } catch (error) {
    return `nothing trains here: ${messageOf(error)}`;
  }
}

function advise(
  engines: readonly EngineAvailability[],
  { taken }: Adapters,
  howToGet: (provider: string) => string,
): string[] {
  const { platform, arch } = process;
  const hasCuda = engines.some(({ backend }) => backend === 'cuda');
  return [
    taken?.kind === 'hardware'
      ? `WebGPU: runs on ${taken.name}; engine: auto takes it`
      : `${howToGet('webgpu')}; then engine: auto takes it. ${withoutCard(taken)}`,
    hasCuda ? howToGet('cuda') : `CUDA: onnxruntime-node has it on Linux x64 only; this is ${platform} ${arch}`,
    'The native engine leaves what it does not train to the compiled engine, with the reason in a log line',
    'More threads: engine.threads for each training worker, search.parallel for more workers, latency.device.threads for measurements',
    'Another folder for caches: NAS_CACHE=/path',
  ];
}

const withoutCard = (taken: Adapters['taken']): string =>
  taken === null
    ? 'Now WebGPU has no adapter.'
    : `Now WebGPU runs on ${taken.name}, which engine: {provider: webgpu} takes for tests.`;

async function examine(): Promise<Diagnosis> {
  const { engineAvailability } = await import('../../trainers/index.js');
  const { howToGet, integerArithmetic, tryWebGpu } = await import('../../compiler/index.js');
  const engines = await engineAvailability();
  const { adapters } = await tryWebGpu();
  const directory = cacheDirectory();
  return {
    versions: { nas: nasVersion(), node: process.versions.node },
    machine: {
      processor: cpus().at(0)?.model.trim() ?? 'unknown',
      cores: String(availableParallelism()),
      memory: bytes(totalmem()),
      platform: `${process.platform} ${process.arch}`,
    },
    engines,
    adapters,
    integers: await integerArithmetic().catch(() => null),
    active: await activeEngine(),
    blocked: await blockedPath(),
    boards: await forBoards(),
    caches: { directory, entries: listCaches(directory) },
    advice: advise(engines, adapters, howToGet),
  };
}

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

/** Why engines do not work, in full, as the cause often stands at the end. */
const whyNot = (engines: readonly Engine[]): string =>
  engines
    .flatMap(({ engine, backend, reason }) => (reason === null ? [] : [`- ${engine}, ${backend}: ${reason}\n`]))
    .join('');

async function renderAdapters({ adapters: { all, taken } }: Diagnosis, colors: Colors): Promise<string> {
  if (all.length === 0) return `${colors.bold('Graphics adapters')}: none found\n`;
  const { adapterKinds } = await import('../../compiler/index.js');
  const takes = taken === null ? 'WebGPU does not work with any of them' : `WebGPU takes ${taken.name}`;
  return `${renderTable(adapterColumns(adapterKinds), all, colors)}${takes}\n`;
}

const integersText: { readonly [I in NonNullable<Diagnosis['integers']> | 'unknown']: string } = {
  exact: 'sums of bytes are exact; quantized networks have weights of 8 bits',
  saturating:
    'sums of bytes saturate in 16 bits (a processor without VNNI); quantized networks have weights of 7 bits here, and those with 8 give other answers than elsewhere',
  unknown: 'unknown',
};

export const doctor = command({
  usage: 'doctor',
  summary: 'Check this machine: engines, providers, threads, caches; and how to get more',
  examples: [['doctor', 'engines, adapters and caches of this machine']],
  options: (yargs) => yargs.option('json', jsonOption),
  run: async ({ json: asJson }, { out, colors }) => {
    const diagnosis = await examine();
    if (asJson) {
      out(json(diagnosis));
      return;
    }
    const { versions, machine, engines, active, integers, blocked, boards, caches, advice } = diagnosis;
    out(renderFacts(Object.entries({ ...versions, ...machine }), colors));
    out(`\n${colors.bold('Training')}: ${active}\n${renderTable(engineColumns, engines, colors)}${whyNot(engines)}`);
    out(`\n${await renderAdapters(diagnosis, colors)}`);
    out(`\n${colors.bold('Blocked depthwise path')}: ${blocked}\n`);
    out(`\n${colors.bold('Integer arithmetic')}: ${integersText[integers ?? 'unknown']}\n`);
    out(`\n${colors.bold('Boards')}\n${renderFacts(Object.entries(boards), colors)}`);
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
