import { messageOf } from '../../base/errors.js';
import { imageRequests, rawRequests, type Requests } from './requests.js';
import { type LoadCase, interleave, medianOf, type Measurement } from './rounds.js';
import { startFastapi, startFastify, startNas, type ServerProcess } from './server-process.js';
import { closedLoad, folderOf, type Setting } from './setting.js';
import { large, small, writeModels, type Subject } from './networks.js';

/** A comparison of servers that serve the same model and receive the same bytes. */
interface Match {
  readonly model: string;
  readonly channels: 1 | 3;
  readonly requests: Requests;
  readonly connections: number;
  /** Options of `nas serve`. */
  readonly options: readonly string[];
}

/** Measurements per server; none for FastAPI if it is not installed. */
type Measurements = Readonly<Record<'nas' | 'fastify' | 'fastapi', readonly Measurement[]>>;

/** Measures all servers at full speed in alternating rounds. */
async function compareServers(setting: Setting, match: Match): Promise<Measurements> {
  const { model, channels, requests, connections } = match;
  const servers: ServerProcess[] = [];
  const join = async (start: Promise<ServerProcess>, request: Requests['ours']): Promise<LoadCase> => {
    const server = await start;
    servers.push(server);
    return { server, plan: closedLoad([request], setting, connections) };
  };
  try {
    const nas = await join(startNas(model, ...match.options), requests.ours);
    const fastify = await join(startFastify(model), requests.theirs);
    const fastapi = await join(startFastapi(setting.python, model, channels), requests.theirs).catch(
      (error: unknown) => {
        setting.print(`FastAPI is skipped (${messageOf(error).trim().split('\n').at(-1) ?? ''}); see --python`);
        return null;
      },
    );
    if (fastapi === null) return { ...(await interleave({ nas, fastify }, setting.rounds)), fastapi: [] };
    return await interleave({ nas, fastify, fastapi }, setting.rounds);
  } finally {
    for (const server of servers) await server.end();
  }
}

/** Medians, for example `nas 12034/s, 0.061 ms CPU`. */
const mediansText = (name: string, measurements: readonly Measurement[]): string =>
  `${name} ${medianOf(measurements, ({ rate }) => rate).toFixed(0)}/s, ${medianOf(measurements, ({ cpuMs }) => cpuMs).toFixed(3)} ms CPU`;

const rate = (measurements: readonly Measurement[]): number =>
  medianOf(measurements, (measurement) => measurement.rate);
const cpu = (measurements: readonly Measurement[]): number =>
  medianOf(measurements, (measurement) => measurement.cpuMs);

/** Prints the medians of each server. */
function printMedians(setting: Setting, name: string, measurements: Measurements): void {
  for (const server of ['nas', 'fastify', 'fastapi'] as const)
    if (measurements[server].length > 0) setting.print(`${name}: ${mediansText(server, measurements[server])}`);
}

/** Prints a ratio, if the peer was measured. */
function printRatio(
  setting: Setting,
  text: string,
  theirs: readonly Measurement[],
  ratio: () => number,
  bar: string,
): void {
  if (theirs.length > 0) setting.print(`${text}: ${ratio().toFixed(2)} (bar: ${bar})`);
}

async function measure(
  setting: Setting,
  name: string,
  subject: Subject,
  requestsIn: (folder: string) => Requests | Promise<Requests>,
  { connections, options }: { readonly connections: number; readonly options: readonly string[] },
): Promise<Measurements> {
  const folder = folderOf(setting, name);
  const [model] = writeModels(folder, [subject]);
  const channels = subject.network.input[2] === 1 ? 1 : 3;
  const requests = await requestsIn(folder);
  const measurements = await compareServers(setting, { model, channels, requests, connections, options });
  printMedians(setting, name, measurements);
  return measurements;
}

/** Request rate for a network that costs less than the server around it, with 32 connections. */
export async function rawSmall(setting: Setting): Promise<void> {
  const { nas, fastify, fastapi } = await measure(
    setting,
    'raw-small',
    small,
    (folder) => rawRequests(folder, small.network.input, small.name),
    { connections: 32, options: [] },
  );
  printRatio(setting, 'raw-small: rate / fastify', fastify, () => rate(nas) / rate(fastify), '1.5 or more');
  printRatio(setting, 'raw-small: rate / FastAPI', fastapi, () => rate(nas) / rate(fastapi), '1.8 or more');
  // CPU time is less sensitive to other load than the rate.
  printRatio(setting, 'raw-small: responses per CPU second / fastify', fastify, () => cpu(fastify) / cpu(nas), 'none');
  printRatio(setting, 'raw-small: responses per CPU second / FastAPI', fastapi, () => cpu(fastapi) / cpu(nas), 'none');
}

/** CPU time that the server adds to a network that costs far more than the server. */
export async function rawLarge(setting: Setting): Promise<void> {
  const { nas, fastify, fastapi } = await measure(
    setting,
    'raw-large',
    large,
    (folder) => rawRequests(folder, large.network.input, large.name),
    { connections: 8, options: ['--workers', '1'] },
  );
  printRatio(setting, 'raw-large: CPU / fastify', fastify, () => cpu(nas) / cpu(fastify), '1.05 or less');
  printRatio(setting, 'raw-large: CPU / FastAPI', fastapi, () => cpu(nas) / cpu(fastapi), 'none');
}

/** CPU time to decode, resize and classify JPEGs of 640 x 480. */
export async function image(setting: Setting): Promise<void> {
  const { nas, fastify, fastapi } = await measure(setting, 'image', large, imageRequests, {
    connections: 8,
    options: ['--workers', '1'],
  });
  printRatio(setting, 'image: CPU / fastify', fastify, () => cpu(nas) / cpu(fastify), 'none');
  printRatio(setting, 'image: CPU / FastAPI', fastapi, () => cpu(nas) / cpu(fastapi), '1.1 or less');
}
