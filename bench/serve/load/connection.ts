import { connect, type Socket } from 'node:net';

/** Outcome of a request: a response, a connection that closed before the response, or no connection. */
export type Outcome = Response | 'broken' | 'unreached';

/** A connection that carries one request at a time and reconnects after the server closes it. */
export class Connection {
  private socket: Socket | null = null;
  private onOutcome: ((outcome: Outcome) => void) | null = null;

  constructor(private readonly port: number) {}

  /** Sends a request. The previous request must have its outcome. */
  send(request: Buffer, onOutcome: (outcome: Outcome) => void): void {
    this.onOutcome = onOutcome;
    this.socket ??= this.open();
    this.socket.write(request);
  }

  /** Closes the connection. A pending request gets no outcome. */
  destroy(): void {
    this.onOutcome = null;
    this.socket?.destroy();
  }

  private open(): Socket {
    const reader = new ResponseReader();
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    let isConnected = false;
    socket.once('connect', () => (isConnected = true));
    socket.on('data', (piece) => {
      for (const response of reader.push(piece)) {
        if (response.closes) this.forget(socket);
        this.report(response);
      }
    });
    // 'close' follows and reports the outcome.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.report(isConnected ? 'broken' : 'unreached');
    });
    return socket;
  }

  private forget(socket: Socket): void {
    this.socket = null;
    socket.end();
  }

  private report(outcome: Outcome): void {
    const { onOutcome } = this;
    this.onOutcome = null;
    onOutcome?.(outcome);
  }
}

/** An HTTP/1.1 response. */
interface Response {
  readonly status: number;
  /** Whether the server closes the connection afterwards. */
  readonly closes: boolean;
  readonly body: Buffer;
}

const headEnd = '\r\n\r\n';

/** Statuses without a body, whose responses may lack a Content-Length. */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

function readHead(head: string): { readonly status: number; readonly closes: boolean; readonly length: number } {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? (bodiless.has(status) ? 0 : NaN));
  if (Number.isNaN(status + length)) throw new Error(`not an HTTP/1.1 response with a Content-Length: ${head}`);
  return { status, closes: /\r\nconnection: *close/i.test(head), length };
}

/** Parses consecutive responses from chunks of bytes. It supports only the HTTP that the benchmark needs, to stay cheap. */
export class ResponseReader {
  private pending: Buffer | null = null;

  /** @throws Error for anything but HTTP/1.1 with a Content-Length (for example, chunked responses). */
  push(piece: Buffer): Response[] {
    let bytes = this.pending === null ? piece : Buffer.concat([this.pending, piece]);
    const responses: Response[] = [];
    for (;;) {
      const end = bytes.indexOf(headEnd);
      if (end === -1) break;
      const { status, closes, length } = readHead(bytes.toString('latin1', 0, end));
      const from = end + headEnd.length;
      if (bytes.length < from + length) break;
      responses.push({ status, closes, body: bytes.subarray(from, from + length) });
      bytes = bytes.subarray(from + length);
    }
    this.pending = bytes.length === 0 ? null : bytes;
    return responses;
  }
}
