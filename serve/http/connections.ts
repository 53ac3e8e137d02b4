import type { Server, Socket } from 'node:net';

export interface Connection {
  readonly address: string;
  /** Requests without an answer. */
  requests: number;
  /** End of its last request, in ms of `performance.now()`. */
  silentSince: number;
  /** Whether it is closed because a request did not arrive in time. */
  isTimedOut: boolean;
}

/**
 * Bounds the connections of a server. A new connection above the limit replaces one of the client that has the most: one
 * without a request if there is one, the longest silent first.
 */
export class Connections {
  private readonly open = new Map<Socket, Connection>();
  private readonly counts = new Map<string, number>();

  constructor(
    server: Server,
    private readonly limit: number,
  ) {
    server.on('connection', (socket) => this.add(socket));
  }

  get size(): number {
    return this.open.size;
  }

  of(socket: Socket): Connection | undefined {
    return this.open.get(socket);
  }

  private add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    this.open.set(socket, { address, requests: 0, silentSince: performance.now(), isTimedOut: false });
    this.counts.set(address, (this.counts.get(address) ?? 0) + 1);
    socket.once('close', () => this.remove(socket));
    if (this.open.size > this.limit) {
      const replaced = this.replaceable(address, socket);
      this.remove(replaced);
      replaced.destroy();
    }
  }

  private remove(socket: Socket): void {
    const connection = this.open.get(socket);
    if (connection === undefined) return;
    this.open.delete(socket);
    const count = (this.counts.get(connection.address) ?? 1) - 1;
    if (count === 0) this.counts.delete(connection.address);
    else this.counts.set(connection.address, count);
  }

  /** The connection to close for a new one; the new one itself if its client has the most, all with requests. */
  private replaceable(address: string, added: Socket): Socket {
    let heaviest = address;
    for (const [other, count] of this.counts) if (count > (this.counts.get(heaviest) ?? 0)) heaviest = other;
    let [silent, since]: [Socket | null, number] = [null, Infinity];
    let last = added;
    for (const [socket, { address: own, requests, silentSince }] of this.open) {
      if (own !== heaviest || socket === added) continue;
      if (requests === 0 && silentSince < since) [silent, since] = [socket, silentSince];
      if (heaviest !== address) last = socket;
    }
    return silent ?? last;
  }
}
