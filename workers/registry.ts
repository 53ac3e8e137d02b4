import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { contentHash } from '../base/hash.js';
import { sum } from '../base/statistics.js';
import type { Store } from '../store/index.js';
import type { QueueConnection } from './connection.js';
import { whyNot } from './queues.js';

/**
 * The workers and runs of a queue, as JSON under keys that expire unless they are renewed. Times are durations, because the
 * clocks of machines differ.
 */

/** A worker process, as it announces itself every few seconds. */
export const workerSchema = z.object({
  /** Random, new at each start. */
  id: z.string(),
  host: z.string(),
  pid: z.number().int(),
  /** The same for all processes of one machine. */
  machine: z.string(),
  cpu: z.string(),
  cores: z.number().int(),
  version: z.string(),
  /** Version and build of the package, as in `Requirements`. */
  build: z.string(),
  group: z.string(),
  /** For people: `x64 avx2, blocks of 8, ONNX Runtime 1.30.0`. */
  groupText: z.string(),
  tags: z.array(z.string()),
  modules: z.boolean(),
  slots: z.number().int().min(1),
  memoryBytes: z.number().nullable(),
  /** Since its start. */
  upSeconds: z.number(),
  /** Why it takes no jobs at the moment; null: it does. */
  unable: z.string().nullable(),
  /** The measurement on its machine for which its jobs are paused; null: they are not. */
  pausedFor: z.string().nullable(),
  jobs: z.array(
    z.object({ slot: z.number().int(), run: z.string(), id: z.string(), kind: z.string(), seconds: z.number() }),
  ),
});
export type WorkerRecord = Readonly<z.output<typeof workerSchema>>;

/** How workers reach the files of a run. */
const artifactsAddressSchema = z.object({ url: z.string(), token: z.string() });
export type ArtifactsAddress = Readonly<z.output<typeof artifactsAddressSchema>>;

/** A run whose coordinator is at work. Its key is also the coordinator's lease. */
export const runSchema = z.object({
  /** Names the run, also after a kill. */
  run: z.string(),
  /** For people. */
  name: z.string(),
  coordinator: z.object({
    /** Names the workdir, which one process at a time can work in. */
    id: z.string(),
    host: z.string(),
    pid: z.number().int(),
  }),
  artifacts: artifactsAddressSchema,
  build: z.string(),
  version: z.string(),
  group: z.string().nullable(),
  tag: z.string().nullable(),
  modules: z.boolean(),
});
export type RunRecord = Readonly<z.output<typeof runSchema>>;

/** Names a run in its queue: the same after a kill, also in another workdir. */
export function runId(store: Store): string {
  const { name, seed, createdAt } = store.run.get();
  return contentHash(name, seed, createdAt).slice(0, 16);
}

/** Lists the entries that have not expired, and removes the others from the list. */
const listScript = `
local entries = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local value = redis.call('GET', ARGV[1] .. id)
  if value then entries[#entries + 1] = value else redis.call('SREM', KEYS[1], id) end
end
return entries`;

export const entryKey = (connection: QueueConnection, kind: 'worker' | 'run', id: string): string =>
  connection.key(kind, id);

/** Key of the list of all entries of a kind. */
export const listKey = (connection: QueueConnection, kind: 'worker' | 'run'): string => connection.key(`${kind}s`);

/** An entry that this version can read; else null. */
function parseEntry<S extends z.ZodType>(schema: S, text: string | null): z.output<S> | null {
  return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null);
}

async function allEntries<S extends z.ZodType>(
  connection: QueueConnection,
  kind: 'worker' | 'run',
  schema: S,
): Promise<z.output<S>[]> {
  const list = listKey(connection, kind);
  const values = (await connection.redis.eval(listScript, 1, list, entryKey(connection, kind, ''))) as string[];
  return values.map((value) => parseEntry(schema, value)).filter((entry) => entry !== null);
}

/** A run whose coordinator is at work; else null. */
export const findRun = async (connection: QueueConnection, run: string): Promise<RunRecord | null> =>
  parseEntry(runSchema, await connection.redis.get(entryKey(connection, 'run', run)));

/** All runs whose coordinators are at work, by name. */
export async function listRuns(connection: QueueConnection): Promise<RunRecord[]> {
  return (await allEntries(connection, 'run', runSchema)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** All workers, by host. */
export async function listWorkers(connection: QueueConnection): Promise<WorkerRecord[]> {
  const place = ({ host, id }: WorkerRecord) => `${host} ${id}`;
  return (await allEntries(connection, 'worker', workerSchema)).sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** Calls an asynchronous task at intervals; a call that waits for the server is not joined by others. */
export function every(ms: number, task: () => Promise<unknown>): { stop(): void } {
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    task()
      .catch(() => undefined)
      .finally(() => (isRunning = false));
  }, ms);
  return { stop: () => clearInterval(timer) };
}

/**
 * Puts a worker on the list and keeps it there; the entry expires after the process ends.
 * @param record the worker's current state
 * @returns `now` announces a change at once; `close` removes the worker from the list
 */
export async function announceWorker(
  connection: QueueConnection,
  record: () => WorkerRecord,
  { everyMs = 5000, ttlMs = 15_000 }: { readonly everyMs?: number; readonly ttlMs?: number } = {},
) {
  const { id } = record();
  const key = entryKey(connection, 'worker', id);
  const list = listKey(connection, 'worker');
  const announce = async (): Promise<void> => {
    await connection.redis.multi().set(key, JSON.stringify(record()), 'PX', ttlMs).sadd(list, id).exec();
  };
  await announce();
  const renewal = every(everyMs, announce);
  return {
    now: announce,
    async close() {
      renewal.stop();
      const removed = connection.redis.multi().del(key).srem(list, id).exec();
      await Promise.race([removed.catch(() => undefined), setTimeout(1000, undefined, { ref: false })]);
    },
  };
}

/** A run and the workers for it; without the token for its files. */
export interface RunOverview extends Omit<RunRecord, 'artifacts'> {
  /** Slots of the workers that can do its jobs. */
  readonly slots: number;
  /** The other workers, each with its reasons (`whyNot`). */
  readonly unfit: readonly { readonly id: string; readonly host: string; readonly why: readonly string[] }[];
}

export interface QueueOverview {
  readonly workers: readonly WorkerRecord[];
  readonly runs: readonly RunOverview[];
}

function overviewOfRun(record: RunRecord, workers: readonly WorkerRecord[]): RunOverview {
  const { run, name, coordinator, build, version, group, tag, modules } = record;
  const checked = workers.map((worker) => ({ worker, why: whyNot(record, worker) }));
  return {
    ...{ run, name, coordinator, build, version, group, tag, modules },
    slots: sum(checked.map(({ worker, why }) => (why.length === 0 ? worker.slots : 0))),
    unfit: checked.flatMap(({ worker: { id, host }, why }) => (why.length === 0 ? [] : [{ id, host, why }])),
  };
}

/** The workers of a queue, and the runs that wait for them. */
export async function queueOverview(connection: QueueConnection): Promise<QueueOverview> {
  const [workers, runs] = await Promise.all([listWorkers(connection), listRuns(connection)]);
  return { workers, runs: runs.map((run) => overviewOfRun(run, workers)) };
}
