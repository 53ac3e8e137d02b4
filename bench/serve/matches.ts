import { messageOf } from '../../base/errors.js';
import { imageRequests, rawRequests, type Requests } from './requests.js';
import { type Contestant, interleave, medianOf, type Turn } from './rounds.js';
import { startFastapi, startFastify, startNas, type ServerProcess } from './server-process.js';
import { closedLoad, folderOf, type Setting } from './setting.js';
import { large, small, writeModels, type Subject } from './networks.js';

/** One server beside what people write today, of the same model, by the same bytes. */
interface Match {
  readonly model: string;
  readonly channels: 1 | 3;
  readonly requests: Requests;
  readonly connections: number;
  /** Of `nas serve`. */
  readonly options: readonly string[];
}

/** Turns of each server; of FastAPI's none where it is not installed. */
type Turns = Readonly<Record<'nas' | 'fastify' | 'fastapi', readonly Turn[]>>;

/** Has all servers answer as fast as they can, in turns. */
async function playMatch(setting: Setting, match: Match): Promise<Turns> {
  const { model, channels, requests, connections } = match;
  const servers: ServerProcess[] = [];
  const join = async (start: Promise<ServerProcess>, request: Requests['ours']): Promise<Contestant> => {
    const server = await start;
    servers.push(server);
    return { server, plan: closedLoad([request], setting, connections) };
  };
  try {
    const nas = await join(startNas(model, ...match.options), requests.ours);
    const fastify = await join(startFastify(model), requests.theirs);
    const fastapi = await join(startFastapi(setting.python, model, channels), requests.theirs).catch(
      (error: unknown) => {
        setting.say(`FastAPI is left out (${messageOf(error).trim().split('\n').at(-1) ?? ''}); see --python`);
        return null;
      },
    );
    if (fastapi === null) return { ...(await interleave({ nas, fastify }, setting.rounds)), fastapi: [] };
    return await interleave({ nas, fastify, fastapi }, setting.rounds);
  } finally {
    for (const server of servers) await server.end();
  }
}

/** `nas 12034/s, 0.061 ms CPU`: medians. */
const turnsText = (name: string, turns: readonly Turn[]): string =>
  `${name} ${medianOf(turns, ({ rate }) => rate).toFixed(0)}/s, ${medianOf(turns, ({ cpuMs }) => cpuMs).toFixed(3)} ms CPU`;

const rate = (turns: readonly Turn[]): number => medianOf(turns, (turn) => turn.rate);
const cpu = (turns: readonly Turn[]): number => medianOf(turns, (turn) => turn.cpuMs);

/** Says what came out of a match, and by what factor we are ahead (rates) or cost more (CPU). */
function sayTurns(setting: Setting, name: string, turns: Turns): void {
  for (const server of ['nas', 'fastify', 'fastapi'] as const)
    if (turns[server].length > 0) setting.say(`${name}: ${turnsText(server, turns[server])}`);
}

function sayRatio(setting: Setting, text: string, theirs: readonly Turn[], ratio: () => number, bar: string): void {
  if (theirs.length > 0) setting.say(`${text}: ${ratio().toFixed(2)} (bar: ${bar})`);
}

async function match(
  setting: Setting,
  name: string,
  subject: Subject,
  requestsIn: (folder: string) => Requests | Promise<Requests>,
  { connections, options }: { readonly connections: number; readonly options: readonly string[] },
): Promise<Turns> {
  const folder = folderOf(setting, name);
  const [model] = writeModels(folder, [subject]);
  const channels = subject.network.input[2] === 1 ? 1 : 3;
  const requests = await requestsIn(folder);
  const turns = await playMatch(setting, { model, channels, requests, connections, options });
  sayTurns(setting, name, turns);
  return turns;
}

/** A network that costs less than the server around it, 32 connections: how many it answers a second. */
export async function rawSmall(setting: Setting): Promise<void> {
  const { nas, fastify, fastapi } = await match(
    setting,
    'raw-small',
    small,
    (folder) => rawRequests(folder, small.network.input, small.name),
    { connections: 32, options: [] },
  );
  sayRatio(setting, 'raw-small: rate / fastify', fastify, () => rate(nas) / rate(fastify), '1.5 or more');
  sayRatio(setting, 'raw-small: rate / FastAPI', fastapi, () => rate(nas) / rate(fastapi), '1.8 or more');
  // What rates would be on a quiet machine: neighbours disturb it less.
  sayRatio(setting, 'raw-small: answers per CPU second / fastify', fastify, () => cpu(fastify) / cpu(nas), 'none');
  sayRatio(setting, 'raw-small: answers per CPU second / FastAPI', fastapi, () => cpu(fastapi) / cpu(nas), 'none');
}

/** A network that costs far more than the server around it: what the server adds. */
export async function rawLarge(setting: Setting): Promise<void> {
  const { nas, fastify, fastapi } = await match(
    setting,
    'raw-large',
    large,
    (folder) => rawRequests(folder, large.network.input, large.name),
    { connections: 8, options: ['--workers', '1'] },
  );
  sayRatio(setting, 'raw-large: CPU / fastify', fastify, () => cpu(nas) / cpu(fastify), '1.05 or less');
  sayRatio(setting, 'raw-large: CPU / FastAPI', fastapi, () => cpu(nas) / cpu(fastapi), 'none');
}

/** JPEGs of 640 x 480, decoded, shrunk, classified. */
export async function image(setting: Setting): Promise<void> {
  const { nas, fastify, fastapi } = await match(setting, 'image', large, imageRequests, {
    connections: 8,
    options: ['--workers', '1'],
  });
  sayRatio(setting, 'image: CPU / fastify', fastify, () => cpu(nas) / cpu(fastify), 'none');
  sayRatio(setting, 'image: CPU / FastAPI', fastapi, () => cpu(nas) / cpu(fastapi), '1.1 or less');
}
