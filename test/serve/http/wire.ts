import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Sends bytes over a connection and reads one answer by its length. */
export async function exchange(url: string, request: Uint8Array): Promise<Received> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(request);
  let received = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) continue;
      const [status, ...lines] = received.toString('latin1', 0, end).split('\r\n');
      const headers = new Map(
        lines.map((line): [string, string] => {
          const [name] = line.split(':', 1);
          return [name.toLowerCase(), line.slice(name.length + 1).trim()];
        }),
      );
      const body = received.subarray(end + 4);
      if (body.length >= Number(headers.get('content-length')))
        return { status: Number(status.split(' ')[1]), headers, body };
    }
  } finally {
    socket.destroy();
  }
  throw new Error('the connection ended before the answer');
}

/** A connection to a server, which may reset it; ended after the test. */
export async function open(url: string, localAddress = '127.0.0.1'): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, localAddress });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** The status of the next answer. */
export async function statusIn(socket: Socket): Promise<number> {
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString('latin1'))?.[1]);
}

export const inferPath = '/v2/models/frontier/infer';

/** A request with a black image of the grey networks as bytes: for `fetch`, and for a socket. */
export const rawImage = {
  method: 'POST',
  body: new Uint8Array(784),
  headers: { 'inference-header-content-length': '0' },
};
export const rawRequest = Buffer.concat([
  Buffer.from(
    `POST ${inferPath} HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: 0\r\nContent-Length: 784\r\n\r\n`,
  ),
  rawImage.body,
]);

/** The headers of a request whose body never arrives. */
export const headersOf = (path: string): Uint8Array =>
  Buffer.from(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n`);
