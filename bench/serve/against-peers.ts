import { messageOf } from '../../base/errors.js';
import type { Requests } from './requests.js';
import { interleave, medianOf, type Contestant, type Turn } from './rounds.js';
import { startFastapi, startFastify, startNas, type ServerProcess } from './server-process.js';
import { closedLoad, type Setting } from './setting.js';

/** One server beside what people write today, of the same model, by the same bytes. */
export interface Match {
  readonly model: string;
  readonly channels: 1 | 3;
  readonly requests: Requests;
  readonly connections: number;
  /** Of `nas serve`. */
  readonly options: readonly string[];
}

/** Turns of each server; of FastAPI's none where it is not installed. */
export type Turns = Readonly<Record<'nas' | 'fastify' | 'fastapi', readonly Turn[]>>;

/** Has all servers answer as fast as they can, in turns. */
export async function playMatch(setting: Setting, match: Match): Promise<Turns> {
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
export const turnsText = (name: string, turns: readonly Turn[]): string =>
  `${name} ${medianOf(turns, ({ rate }) => rate).toFixed(0)}/s, ${medianOf(turns, ({ cpuMs }) => cpuMs).toFixed(3)} ms CPU`;
