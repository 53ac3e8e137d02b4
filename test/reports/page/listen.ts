import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CandidateColumns, Streams } from '../../../reports/page/api.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { Store } from '../../../store/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';

export type ReceivedEvent<A extends keyof Streams> = {
  [E in keyof Streams[A]]: { readonly event: E; readonly id: string; readonly data: Streams[A][E] };
}[keyof Streams[A]];

export interface Listening<A extends keyof Streams> {
  readonly received: readonly ReceivedEvent<A>[];
  readonly status: number;
  /** Whether the server has ended the stream. */
  readonly isOver: () => boolean;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: () => void;
}

/** Reads a stream over a real socket, as a browser does. */
export async function listenTo<A extends keyof Streams>(
  _address: A,
  url: URL,
  lastEventId?: string,
): Promise<Listening<A>> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(url, { headers, agent: false }, resolve).on('error', reject);
    onTestFinished(() => void request.destroy());
  });
  const received: ReceivedEvent<A>[] = [];
  let over = false;
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    if (!chunk.includes('\n\n') && !text.endsWith('\n\n')) return;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks.filter((each) => !each.startsWith(':'))) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      // The server sends the type in `Streams` under this name.
      received.push({
        event: fields['event'],
        id: fields['id'],
        data: JSON.parse(fields['data']) as unknown,
      } as ReceivedEvent<A>);
    }
  });
  response.on('close', () => {
    over = true;
  });
  response.on('error', () => undefined);
  return {
    received,
    status: response.statusCode ?? 0,
    isOver: () => over,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void response.destroy(),
  };
}

/** A folder with a run of `trials` trials, and its open store. */
export async function running(trials = 3) {
  const folder = join(temporaryFolder(), 'runs');
  const workdir = join(folder, 'a');
  await storedRun(workdir, trials);
  const store = Store.open(databasePath(workdir));
  onTestFinished(() => store.close());
  return { folder, workdir, store };
}

/** Latest accuracy of each trial over several messages. */
export function accuracies(columns: readonly CandidateColumns[]): ReadonlyMap<number, number | null> {
  return new Map(
    columns.flatMap(({ number, values }) =>
      number.map((trial, i) => [trial, (values['accuracy'] as readonly (number | null)[] | undefined)?.[i] ?? null]),
    ),
  );
}

export const measured = (store: Store, trial: number, accuracy: number): void =>
  store.trials.revise(trial, { accuracy: { value: accuracy, provenance: 'measured' } });

export const patient = { timeout: 10_000, interval: 20 };
