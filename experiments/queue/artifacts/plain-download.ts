import { connect } from 'node:net';
import { withoutBrackets } from '../../../base/server.js';
import type { ArtifactsAddress } from '../registry.js';

/**
 * Downloads of large files over plain HTTP. Node's client allocates memory for each 64 KiB, so half of a download's CPU time
 * goes to garbage collection. Here all bytes arrive in one buffer. It understands only answers of the run's own server; other
 * answers are left to Node's client.
 */

type HttpAddress = Extract<ArtifactsAddress, { type: 'http' }>;

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
 * @param take gets each piece, which is overwritten when its promise resolves
 * @returns false, before any piece, when the answer is not exactly these bytes
 * @throws the connection's error, and errors of `take`
 */
export async function downloadPlain(
  { url, token }: Pick<HttpAddress, 'url' | 'token'>,
  { path, start, bytes, silenceMs, signal }: Download,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<boolean> {
  const target = new URL(url.replace(/\/+$/, '') + path);
  const request = [
    `GET ${target.pathname} HTTP/1.1`,
    `Host: ${target.host}`,
    `Authorization: Bearer ${token}`,
    ...(start === 0 ? [] : [`Range: bytes=${start}-`]),
    'Connection: close',
  ];
  let head: Buffer | null = Buffer.alloc(0);
  let missing = bytes - start;
  for await (const received of exchange(target, `${request.join('\r\n')}\r\n\r\n`, silenceMs, signal)) {
    let piece: Uint8Array = received;
    if (head !== null) {
      head = Buffer.concat([head, received]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.byteLength < longestHead) continue;
      if (end < 0 || !isRest(head.toString('latin1', 0, end), start, bytes)) return false;
      piece = head.subarray(end + 4);
      head = null;
    }
    const wanted = piece.subarray(0, missing);
    if (wanted.byteLength > 0) await take(wanted);
    missing -= wanted.byteLength;
    if (missing === 0) return true;
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
  const [statusLine, ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  if (headers.has('transfer-encoding') || headers.has('content-encoding')) return false;
  if (headers.get('content-length') !== String(bytes - start)) return false;
  const status = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(statusLine)?.[1];
  if (status === '200') return start === 0;
  return status === '206' && headers.get('content-range') === `bytes ${start}-${bytes - 1}/${bytes}`;
}
