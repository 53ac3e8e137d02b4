import { connect, type Socket } from 'node:net';
import { ResponseReader, type Response } from './response-reader.js';

/** What became of a request: an answer, a connection that broke before there was one, or no connection at all. */
export type Outcome = Response | 'broken' | 'unreached';

/** A connection that carries one request at a time, and is made anew when the server has closed it. */
export class Connection {
  private socket: Socket | null = null;
  private onOutcome: ((outcome: Outcome) => void) | null = null;

  constructor(private readonly port: number) {}

  /** Sends a request; the one before must have its outcome. */
  send(request: Buffer, onOutcome: (outcome: Outcome) => void): void {
    this.onOutcome = onOutcome;
    this.socket ??= this.open();
    this.socket.write(request);
  }

  /** A request that is under way has no outcome then. */
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
        this.tell(response);
      }
    });
    // 'close' follows, which tells.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.tell(isConnected ? 'broken' : 'unreached');
    });
    return socket;
  }

  private forget(socket: Socket): void {
    this.socket = null;
    socket.end();
  }

  private tell(outcome: Outcome): void {
    const { onOutcome } = this;
    this.onOutcome = null;
    onOutcome?.(outcome);
  }
}
