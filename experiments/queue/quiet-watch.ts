import { setTimeout } from 'node:timers/promises';
import type { QueueConnection } from './connection.js';
import { claimChannel, claimKey } from './quiet-claim.js';

/** What a worker does about measurements on its machine. */
export interface QuietWorker {
  /** Its id: its own claims are not obeyed, as who measures sees to its own slots. */
  readonly worker: string;
  /** Comes to a stand. */
  pause(): Promise<void>;
  resume(): void;
  /** `standsFor` is another one: to be announced at once. */
  changed(): void;
}

export interface QuietWatch {
  /** The claim for which the worker stands still, as its record tells it (`quiet`). */
  standsFor(): string | null;
  close(): Promise<void>;
}

/** A claim that is to be obeyed, and for how many ms it lasts unless it is renewed. */
interface Seen {
  readonly claim: string | null;
  readonly lasts: number;
}

const nothing: Seen = { claim: null, lasts: 0 };

/**
 * Stands still while somebody else measures on this machine. To be called when the worker is announced and before it takes
 * jobs: then whoever claims the machine waits for it, or it sees the claim. While the server is away, a claim counts for as
 * long as it lasts without being renewed.
 */
export async function watchQuiet(
  connection: QueueConnection,
  machine: string,
  self: QuietWorker,
  { everyMs = 500 }: { readonly everyMs?: number } = {},
): Promise<QuietWatch> {
  const key = claimKey(connection, machine);
  const closing = new AbortController();
  let standing: string | null = null;

  const look = async (): Promise<Seen> => {
    const answers = await connection.redis.multi().get(key).pttl(key).exec();
    const [claim, lasts] = (answers ?? []).map(([, value]) => value);
    if (typeof claim !== 'string' || claim.startsWith(`${self.worker}/`)) return nothing;
    return { claim, lasts: Number(lasts) };
  };
  const obey = async ({ claim }: Seen): Promise<void> => {
    if (claim === standing || closing.signal.aborted) return;
    if (claim !== null && standing === null) await self.pause();
    if (claim === null) self.resume();
    standing = claim;
    self.changed();
  };

  let seen = await look();
  await obey(seen);
  let wake = (): void => undefined;
  const end = await connection.subscribe(
    claimChannel(connection),
    () => wake(),
    () => wake(),
  );

  /** What is to be obeyed now; of a server that does not answer, until it has lapsed. */
  const next = async (): Promise<Seen> => {
    if (seen.claim === null) return look();
    const lapsing = new AbortController();
    const lapsed = setTimeout(seen.lasts, nothing, { signal: lapsing.signal, ref: false });
    try {
      return await Promise.race([look(), lapsed]);
    } finally {
      lapsed.catch(() => undefined);
      lapsing.abort();
    }
  };
  const watch = async (): Promise<void> => {
    const { signal } = closing;
    while (!signal.aborted) {
      await Promise.race([
        setTimeout(everyMs, undefined, { ref: false }),
        new Promise<void>((resolve) => (wake = resolve)),
      ]);
      try {
        seen = await next();
        await obey(seen);
      } catch {
        // The connection was closed, or the slots are gone: the next look tells.
      }
    }
  };
  void watch();
  return {
    standsFor: () => standing,
    close() {
      closing.abort();
      end();
      wake();
      if (standing !== null) self.resume();
      standing = null;
      return Promise.resolve();
    },
  };
}
