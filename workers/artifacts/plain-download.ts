import { on } from 'node:events';
import { connect } from 'node:net';
import { withoutBrackets } from '../../base/server.js';

/**
 * Downloads of large files over plain HTTP. HTTP clients for Node.js allocate memory for each 64 KiB, so half of a download's CPU
 * time goes to garbage collection (ADR 18). Here all bytes arrive in one buffer. It understands only answers of the run's own
 * server; other answers are left to Node's client.
 */

export interface Download {
  /** Below the server's address. */
  readonly path: string;
  /** First byte. */
  readonly start: number;
  /** Size of the whole content. */
  readonly bytes: number;
  /** A connection without a byte for so long is given up, in ms. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

const bufferBytes = 2 ** 19;
/** Longest head of an answer, in bytes. */
const longestHead = 2 ** 14;

/**
 * Requests the rest of a content.
 * @returns its pieces, each of which overwrites the one before, and which are fewer bytes when the server closes the connection;
 *   null when the answer is not exactly this rest
 * @throws the connection's error, as the pieces do
 */
export async function downloadPlain(
  { url, token }: { readonly url: string; readonly token: string },
  { path, start, bytes, silenceMs, signal }: Download,
): Promise<AsyncGenerator<Uint8Array> | null> {
  const target = new URL(url.replace(/\/+$/, '') + path);
  const request = [
    `GET ${target.pathname} HTTP/1.1`,
    `Host: ${target.host}`,
    `Authorization: Bearer ${token}`,
    ...(start === 0 ? [] : [`Range: bytes=${start}-`]),
    'Connection: close',
  ];
  const received = exchange(target, `${request.join('\r\n')}\r\n\r\n`, silenceMs, signal);
  let head = Buffer.alloc(0);
  let end = -1;
  while (end < 0 && head.byteLength <= longestHead) {
    const { value, done } = await received.next();
    if (done === true) throw new Error('the connection was closed');
    head = Buffer.concat([head, value]);
    end = head.indexOf('\r\n\r\n');
  }
  if (end >= 0 && isRest(head.toString('latin1', 0, end), start, bytes))
    return first(bytes - start, head.subarray(end + 4), received);
  await received.return(undefined);
  return null;
}

/** The first bytes of a body whose beginning is there already. */
async function* first(missing: number, beginning: Uint8Array, others: AsyncGenerator<Uint8Array, undefined>) {
  try {
    for (let piece: Uint8Array | undefined = beginning; piece !== undefined; piece = (await others.next()).value) {
      const wanted = piece.subarray(0, missing);
      yield wanted;
      missing -= wanted.byteLength;
      if (missing === 0) return;
    }
  } finally {
    await others.return(undefined);
  }
}

/** Sends a request. Yields what arrives; each piece overwrites the one before. @throws the connection's error */
async function* exchange(
  { hostname, port }: URL,
  request: string,
  silenceMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, undefined, undefined> {
  const buffer = Buffer.allocUnsafeSlow(bufferBytes);
  const socket = connect({
    host: withoutBrackets(hostname),
    port: port === '' ? 80 : Number(port),
    ...(signal !== undefined && { signal }),
    onread: {
      buffer,
      callback: (count) => {
        socket.emit('piece', count);
        // Reading pauses until the piece is used.
        return false;
      },
    },
  });
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`nothing came or went for ${silenceMs / 1000} s`)));
  // Of a connection that is not needed any more.
  socket.on('error', () => undefined);
  socket.write(request, 'latin1');
  try {
    for await (const [count] of on(socket, 'piece', { close: ['close'] }) as AsyncIterable<[number]>) {
      yield buffer.subarray(0, count);
      socket.resume();
    }
  } finally {
    socket.destroy();
  }
}

/** Whether the head of an answer announces exactly the bytes from `start` on, neither compressed nor in chunks. */
function isRest(head: string, start: number, bytes: number): boolean {
  const hasLine = (line: string): boolean => new RegExp(`^${line}\\s*$`, 'im').test(head);
  if (/^(transfer|content)-encoding:/im.test(head) || !hasLine(`content-length:\\s*${bytes - start}`)) return false;
  const status = /^HTTP\/1\.[01] (\d{3})( |\r|$)/.exec(head)?.[1];
  if (status === '200') return start === 0;
  return status === '206' && hasLine(`content-range:\\s*bytes ${start}-${bytes - 1}/${bytes}`);
}
