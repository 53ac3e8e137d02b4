import { connect } from 'node:net';
import { withoutBrackets } from '../../base/server.js';

/**
 * Downloads of large files over plain HTTP. Node's client allocates memory for each 64 KiB, so half of a download's CPU time
 * goes to garbage collection. Here all bytes arrive in one buffer. It understands only answers of the run's own server; other
 * answers are left to Node's client.
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
 * Downloads the rest of a content.
 * @param take gets the pieces, each of which overwrites the one before
 * @returns false, before any piece, when the answer is not exactly these bytes
 * @throws the connection's error, and errors of `take`
 */
export async function downloadPlain(
  { url, token }: { readonly url: string; readonly token: string },
  { path, start, bytes, silenceMs, signal }: Download,
  take: (pieces: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<boolean> {
  const target = new URL(url.replace(/\/+$/, '') + path);
  const request = [
    `GET ${target.pathname} HTTP/1.1`,
    `Host: ${target.host}`,
    `Authorization: Bearer ${token}`,
    ...(start === 0 ? [] : [`Range: bytes=${start}-`]),
    'Connection: close',
  ];
  const received = exchange(target, `${request.join('\r\n')}\r\n\r\n`, silenceMs, signal);
  try {
    let head = Buffer.alloc(0);
    for (let end = -1; end < 0; end = head.indexOf('\r\n\r\n')) {
      if (head.byteLength > longestHead) return false;
      const { value, done } = await received.next();
      if (done === true) throw new Error('the connection was closed');
      head = Buffer.concat([head, value]);
    }
    const end = head.indexOf('\r\n\r\n');
    if (!isRest(head.toString('latin1', 0, end), start, bytes)) return false;
    await take(exactly(bytes - start, head.subarray(end + 4), received));
    return true;
  } finally {
    await received.return();
  }
}

/** So many bytes. @throws Error when there are fewer */
async function* exactly(missing: number, first: Uint8Array, others: AsyncIterable<Uint8Array>) {
  const wanted = first.subarray(0, missing);
  if (wanted.byteLength > 0) yield wanted;
  missing -= wanted.byteLength;
  if (missing === 0) return;
  for await (const piece of others) {
    const rest = piece.subarray(0, missing);
    yield rest;
    missing -= rest.byteLength;
    if (missing === 0) return;
  }
  throw new Error('the connection was closed');
}

/** Sends a request. Yields what arrives; each piece overwrites the one before. @throws the connection's error */
async function* exchange(
  { hostname, port }: URL,
  request: string,
  silenceMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const state: { piece: Uint8Array | null; isClosed: boolean; failure: Error | null } = {
    piece: null,
    isClosed: false,
    failure: null,
  };
  let wake = (): void => undefined;
  const socket = connect({
    host: withoutBrackets(hostname),
    port: port === '' ? 80 : Number(port),
    ...(signal !== undefined && { signal }),
    onread: {
      buffer: Buffer.allocUnsafeSlow(bufferBytes),
      callback: (count, buffer) => {
        state.piece = buffer.subarray(0, count);
        wake();
        // Reading pauses until the piece is used.
        return false;
      },
    },
  });
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`nothing came or went for ${silenceMs / 1000} s`)));
  socket.on('error', (error) => (state.failure = error));
  socket.on('close', () => {
    state.isClosed = true;
    wake();
  });
  socket.write(request, 'latin1');
  try {
    for (;;) {
      if (state.piece === null && !state.isClosed)
        await new Promise<void>((resolve) => {
          wake = resolve;
          socket.resume();
        });
      const { piece } = state;
      state.piece = null;
      if (piece !== null) yield piece;
      else if (state.failure !== null) throw state.failure;
      else if (state.isClosed) return;
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
