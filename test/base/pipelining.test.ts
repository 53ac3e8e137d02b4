import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { endReading, mostPipelined, patientServer } from '../../base/pipelining.js';

let server: Server | undefined;
afterEach(() => server?.close());

async function listening(one: Server): Promise<number> {
  server = one.listen(0, '127.0.0.1');
  await once(one, 'listening');
  return (one.address() as AddressInfo).port;
}

const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** Sends requests at once; gives the statuses that came back before the connection closed. */
async function pipelined(port: number, count: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(request.repeat(count));
  socket.end();
  const answer = await text(socket).catch(() => '');
  return answer.split('HTTP/1.1 200').length - 1;
}

describe('a patient server', () => {
  it('answers what a client may send at once, again and again', async () => {
    const answer: RequestListener = (_, response) => response.end('x');
    const port = await listening(patientServer(answer));
    for (let i = 0; i < 3; i++) expect(await pipelined(port, mostPipelined)).toBe(mostPipelined);
  });

  it('ends a connection with more, and begins no request behind them', async () => {
    let begun = 0;
    const port = await listening(
      patientServer((_, response) => {
        begun += 1;
        response.end('x');
      }),
    );
    await pipelined(port, 2000);
    expect(begun).toBe(mostPipelined);
  });

  it('outlives a request that is aborted just when the reader of its body leaves', async () => {
    let closed: Promise<unknown> | undefined;
    const port = await listening(
      patientServer((aborted) => {
        closed = new Promise((resolve) => aborted.once('close', resolve));
        const cut = (): void => undefined;
        aborted.on('error', cut);
        aborted.socket.destroy();
        aborted.destroy(new Error('aborted'));
        // Node.js has looked for listeners by then, and emits the error a tick later.
        process.nextTick(() => aborted.off('error', cut));
      }),
    );
    await pipelined(port, 1);
    await closed;
  });

  it('ends a connection that sends requests and waits for no answer', async () => {
    let begun = 0;
    const port = await listening(patientServer(() => ++begun));
    const socket = connect(port, '127.0.0.1');
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    for (let i = 0; i <= mostPipelined; i++) {
      socket.write(request);
      while (begun === i && i < mostPipelined) await setImmediate();
    }
    await closed;
    expect(begun).toBe(mostPipelined);
  });
});

it('a connection that ends parses nothing behind its last request', async () => {
  let parsed = 0;
  const port = await listening(
    createServer(({ socket }) => {
      parsed += 1;
      endReading(socket);
    }),
  );
  await pipelined(port, 2000);
  // Without the end of the parser, a read of 64 KiB begins all requests in it.
  expect(parsed).toBe(1);
});
