import { get, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import type { Streams } from '../../../experiments/page/api.js';

/** An event as it came. */
export type StreamPosition<A extends keyof Streams> = {
  [E in keyof Streams[A]]: { readonly event: E; readonly id: string; readonly data: Streams[A][E] };
}[keyof Streams[A]];

export interface Listening<A extends keyof Streams> {
  readonly heard: readonly StreamPosition<A>[];
  readonly status: number;
  /** Whether the server has ended it. */
  readonly isOver: () => boolean;
  /** Takes nothing more for a while; what is sent stays with the server. */
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
  const heard: StreamPosition<A>[] = [];
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
      // What the server sends under this name is of the type that `Streams` says.
      heard.push({ event: fields['event'], id: fields['id'], data: JSON.parse(fields['data']) as unknown } as StreamPosition<A>);
    }
  });
  response.on('close', () => {
    over = true;
  });
  response.on('error', () => undefined);
  return {
    heard,
    status: response.statusCode ?? 0,
    isOver: () => over,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void response.destroy(),
  };
}
