/** Attacks on the page, the latency agent and the server of a run's files. */
import { createHash } from 'node:crypto';
import { cpSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Attack, Kind } from './types.js';

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly body?: Uint8Array | string;
  readonly type?: string;
  /** Which of the loopback addresses sends it. */
  readonly from?: number;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const addressOf = (index: number): string => `127.0.${20 + (index >> 7)}.${1 + (index & 127)}`;

/** The status; 0 when the connection ends. */
function send(port: number, { method = 'POST', path, body, type, from = 0, token, headers }: Sent): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({
      ...{ host: '127.0.0.1', port, method, path, agent: false, localAddress: addressOf(from) },
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(type !== undefined && { 'content-type': type }),
        ...headers,
      },
    });
    sent.on('response', (response) => {
      response.resume().on('close', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}

/** Does something again and again, in so many ways at the same time. */
const forever = async (count: number, task: (index: number) => Promise<unknown>, pauseMs = 10): Promise<void> => {
  const flow = async (index: number): Promise<never> => {
    for (;;) {
      await task(index);
      await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => flow(index)));
};

const json = 'application/json';
const octets = 'application/octet-stream';

const attacks: Readonly<Record<string, Attack['run']>> = {
  'live streams at 500 positions of a long run': ({ port }) =>
    forever(500, (i) => send(port, { method: 'GET', path: `/api/runs/long/live?after=${i}`, from: i >> 3 }), 5000),

  'live streams that nobody reads': ({ port }) =>
    forever(500, async (i) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: addressOf(i >> 3) }).pause();
      socket.on('error', () => undefined);
      socket.write(`GET /api/runs/long/live?after=${i} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      await sleep(5000);
      socket.destroy();
    }),

  'pipelined requests whose answers nobody reads': ({ port }) =>
    forever(16, async (i) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: addressOf(i) }).pause();
      socket.on('error', () => undefined);
      socket.write('GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(1000));
      await sleep(3000);
      socket.destroy();
    }),

  'megabytes of brackets by every method': ({ port, token }) => {
    const body = '['.repeat(8e6);
    const methods = ['PUT', 'PATCH', 'DELETE', 'POST'];
    return forever(16, (i) =>
      send(port, { method: methods[i % 4], path: '/api/runs/short/note', body, type: json, from: i, token }),
    );
  },

  'notes with 20 new tags each': ({ port, token }) => {
    let count = 0;
    return forever(4, () => {
      const tags = Array.from({ length: 20 }, (_, i) => `t${count++}-${i}`);
      return send(port, {
        path: '/api/runs/short/note',
        body: JSON.stringify({ trial: null, add: tags }),
        type: json,
        token,
      });
    });
  },

  'long names of decisions': ({ port, token }) =>
    forever(4, (i) => {
      const body = JSON.stringify({ choices: { ['x'.repeat(i % 2 === 0 ? 9e5 : 30_000)]: 1 } });
      return send(port, { path: '/api/runs/short/enqueue', body, type: json, token });
    }),

  'a run with an endless view': async ({ folder }) => {
    cpSync(join(folder, 'short'), join(folder, '..', 'endless'), { recursive: true });
    const database = new Database(join(folder, '..', 'endless', 'nas.sqlite'));
    database.exec(`PRAGMA foreign_keys = OFF; ALTER TABLE trials RENAME TO t0; CREATE VIEW trials AS
      WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c) SELECT n AS number, genotype_id, choices FROM c, t0`);
    database.close();
    cpSync(join(folder, '..', 'endless'), join(folder, 'endless'), { recursive: true });
    await forever(1, () => sleep(1000));
  },

  'agent: uploads of 200 MiB': ({ port, token }) => {
    const body = Buffer.alloc(200 * 2 ** 20, 7);
    return forever(4, (i) =>
      send(port, { method: 'PUT', path: `/v1/models/${String(i).repeat(64)}`, body, type: octets, token }),
    );
  },

  'agent: a measurement of a thousand models': async ({ port, token }) => {
    const body = Buffer.alloc(46e6, 7);
    const sha = createHash('sha256').update(body).digest('hex');
    await send(port, { method: 'PUT', path: `/v1/models/${sha}`, body, type: octets, token });
    const protocol = {
      ...{ warmupMs: 0, blockMs: 1, minRuns: 1, maxRuns: 10 },
      ...{ minBlocks: 1, maxBlocks: 2, tolerance: 0.5 },
    };
    let id = 0;
    await forever(2, () => {
      const asked = JSON.stringify({ id: `m${id++}`, models: Array.from({ length: 1000 }, () => sha), protocol });
      return send(port, { path: '/v1/measurements', body: asked, type: json, token });
    });
  },

  'files: uploads that claim the disk and trickle': ({ port, token }) =>
    forever(100, async (i) => {
      const sha = createHash('sha256').update(String(i)).digest('hex');
      const socket = connect({ host: '127.0.0.1', port, localAddress: addressOf(i) });
      socket.on('error', () => undefined);
      const lines = ['upload-offset: 0', `upload-length: ${2 ** 34}`, `content-length: ${2 ** 34}`];
      const head = [`PUT /v1/artifacts/${sha} HTTP/1.1`, 'host: 127.0.0.1', `authorization: Bearer ${token}`, ...lines];
      socket.write(`${head.join('\r\n')}\r\ncontent-type: ${octets}\r\n\r\n`);
      for (let k = 0; k < 100 && !socket.destroyed; k++) {
        socket.write('a');
        await sleep(500);
      }
      socket.destroy();
    }),
};

const kindOf = (name: string): Kind => (['agent', 'files'] as const).find((kind) => name.startsWith(kind)) ?? 'page';

export const pageAttacks: Readonly<Record<string, Attack>> = Object.fromEntries(
  Object.entries(attacks).map(([name, run]): [string, Attack] => [name, { kind: kindOf(name), run }]),
);
