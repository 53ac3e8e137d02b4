import { playMatch, turnsText, type Turns } from './against-peers.js';
import { large, small, writeModels, type Subject } from './networks.js';
import { imageRequests, rawRequests, type Requests } from './requests.js';
import { medianOf, type Turn } from './rounds.js';
import { folderOf, type Setting } from './setting.js';

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
