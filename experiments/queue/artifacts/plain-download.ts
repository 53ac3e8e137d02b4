import { connect, type Socket } from 'node:net';
import { withoutBrackets } from '../../../base/server.js';
import type { HttpAddress } from './requests.js';

/**
 * Downloads of large files over plain HTTP. Node's client gives each 64 KiB as two new buffers, which a download of hundreds
 * of MB pays for with half of its processor time; here all bytes come through the same memory. What is sent and understood
 * is the little that the run's own server needs: whatever else answers is left to Node's client.
 */

export interface WantedBytes {
  /** Below the server's address. */
  readonly path: string;
  /** The first byte that is wanted. */
  readonly start: number;
  /** Of the whole content: all from `start` on are wanted. */
  readonly bytes: number;
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** At once from the network. */
const pieceBytes = 2 ** 19;
/** An answer's status and headers are shorter than this. */
const longestHead = 2 ** 14;

/** Whether a server is addressed without TLS, as this module does. */
export const isPlain = ({ url }: HttpAddress): boolean => url.startsWith('http:');

/**
 * Downloads the rest of a content. `take` has each piece until what it gives resolves, and then it is overwritten.
 * @returns false, before anything was taken, when the answer is another one than exactly these bytes
 * @throws the connection's error, and what `take` throws
 */
export async function downloadPlain(
  { url, token }: HttpAddress,
  { path, start, bytes, silenceMs, signal }: WantedBytes,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<boolean> {
  const target = new URL(url.replace(/\/+$/, '') + path);
  const pieces = new Pieces(target, silenceMs, signal);
  try {
    const range = start === 0 ? [] : [`Range: bytes=${start}-`];
    const lines = [
      `GET ${target.pathname}${target.search} HTTP/1.1`,
      `Host: ${target.host}`,
      `Authorization: Bearer ${token}`,
      ...range,
      'Connection: close',
    ];
    pieces.send(`${lines.join('\r\n')}\r\n\r\n`);
    const answer = await headOf(pieces);
    if (answer === null || !isExactly(answer.head, start, bytes)) return false;
    let missing = bytes - start;
    for (let piece: Uint8Array = answer.rest; ; piece = await pieces.next()) {
      const wanted = piece.subarray(0, missing);
      missing -= wanted.byteLength;
      if (wanted.byteLength > 0) await take(wanted);
      if (missing === 0) return true;
    }
  } finally {
    pieces.close();
  }
}

/** What comes over a connection, one piece after the other, each in the place of the one before. */
class Pieces {
  private readonly socket: Socket;
  /** Has come before anybody asked. */
  private arrived: Uint8Array | null = null;
  private failure: Error | null = null;
  private waiting: { resolve(piece: Uint8Array): void; reject(error: Error): void } | null = null;

  constructor({ hostname, port }: URL, silenceMs: number, signal: AbortSignal | undefined) {
    this.socket = connect({
      host: withoutBrackets(hostname),
      port: port === '' ? 80 : Number(port),
      ...(signal && { signal }),
      onread: {
        buffer: Buffer.allocUnsafeSlow(pieceBytes),
        callback: (count, buffer) => {
          this.arrive(buffer.subarray(0, count));
          // No more until it is asked for.
          return false;
        },
      },
    });
    this.socket.setTimeout(silenceMs, () =>
      this.socket.destroy(new Error(`nothing came or went for ${silenceMs / 1000} s`)),
    );
    this.socket.on('error', (error) => this.fail(error));
    this.socket.once('end', () => this.fail(new Error('the connection was closed')));
    this.socket.once('close', () => this.fail(new Error('the connection was closed')));
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** @throws the connection's error, also when it was closed */
  next(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { arrived, failure } = this;
      this.arrived = null;
      if (arrived !== null) resolve(arrived);
      else if (failure !== null) reject(failure);
      else {
        this.waiting = { resolve, reject };
        this.socket.resume();
      }
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private arrive(piece: Uint8Array): void {
    if (this.waiting === null) this.arrived = piece;
    else this.waiting.resolve(piece);
    this.waiting = null;
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.waiting?.reject(this.failure);
    this.waiting = null;
  }
}

interface Head {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Reads up to the end of an answer's head; null when that is no HTTP. `rest`: what has come after it. */
async function headOf(pieces: Pieces): Promise<{ readonly head: Head; readonly rest: Uint8Array } | null> {
  let begun = Buffer.alloc(0);
  while (begun.byteLength < longestHead) {
    const piece = await pieces.next();
    // A copy, as the next piece comes where this one is; one is enough for all that a server says first.
    begun = Buffer.concat([begun, piece]);
    const end = begun.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const head = parsedHead(begun.toString('latin1', 0, end));
    return head === null ? null : { head, rest: begun.subarray(end + 4) };
  }
  return null;
}

function parsedHead(text: string): Head | null {
  const [first, ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(first)?.[1];
  if (status === undefined) return null;
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers: new Map(headers) };
}

/** Whether an answer is the bytes from `start` on, as they are. */
function isExactly({ status, headers }: Head, start: number, bytes: number): boolean {
  if (headers.has('transfer-encoding') || headers.has('content-encoding')) return false;
  if (headers.get('content-length') !== String(bytes - start)) return false;
  if (status === 200) return start === 0;
  return status === 206 && headers.get('content-range') === `bytes ${start}-${bytes - 1}/${bytes}`;
}
