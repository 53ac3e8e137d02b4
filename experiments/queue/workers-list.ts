import { setTimeout } from 'node:timers/promises';
import type { QueueConnection } from './connection.js';
import { workerSchema, type WorkerRecord } from './registry.js';
import { RegistryKeys } from './registry-keys.js';

const registryOf = (connection: QueueConnection) => new RegistryKeys(connection, 'worker', workerSchema);

/** A worker that tells of itself. */
export interface Announcement {
  /** Tells at once: something has changed. */
  now(): Promise<void>;
  /** Takes the worker off the list. */
  close(): Promise<void>;
}

/**
 * Puts a worker on the list, and keeps it there; when the process ends without a word, its entry lapses.
 * @param record what the worker tells of itself now
 */
export async function announceWorker(
  connection: QueueConnection,
  record: () => WorkerRecord,
  { everyMs = 5000, ttlMs = 15_000 }: { readonly everyMs?: number; readonly ttlMs?: number } = {},
): Promise<Announcement> {
  const registry = registryOf(connection);
  const { id } = record();
  const tell = (): Promise<void> => registry.put(id, record(), ttlMs);
  await tell();
  let telling = false;
  const timer = setInterval(() => {
    // While the server is away one waits, not one for each time.
    if (telling) return;
    telling = true;
    tell()
      .catch(() => undefined)
      .finally(() => (telling = false));
  }, everyMs);
  return {
    now: tell,
    async close() {
      clearInterval(timer);
      await Promise.race([registry.remove(id).catch(() => undefined), setTimeout(1000)]);
    },
  };
}

/** All workers that are there, in the order of their hosts. */
export async function listWorkers(connection: QueueConnection): Promise<WorkerRecord[]> {
  const place = ({ host, id }: WorkerRecord) => `${host} ${id}`;
  return (await registryOf(connection).all()).sort((a, b) => (place(a) < place(b) ? -1 : 1));
}
