import type { Server } from 'node:http';
import type { Socket } from 'node:net';

interface Connection {
  readonly address: string;
  /** Requests without an answer. */
  requests: number;
}

/**
 * Bounds the connections of a server. A new connection above the limit replaces one of the client that has the most: one
 * without a request if there is one, the longest silent first.
 */
export class Connections {
  /** In the order of their last requests. */
  private readonly open = new Map<Socket, Connection>();
  private readonly counts = new Map<string, number>();
  private readonly late = new WeakSet<Socket>();

  constructor(
    server: Server,
    private readonly limit: number,
  ) {
    server.on('connection', (socket) => this.add(socket));
  }

  get size(): number {
    return this.open.size;
  }

  /** Reports a request on a connection, whose answer `ended` reports. */
  began(socket: Socket): void {
    const connection = this.open.get(socket);
    if (connection !== undefined) connection.requests++;
  }

  ended(socket: Socket): void {
    const connection = this.open.get(socket);
    if (connection === undefined) return;
    connection.requests--;
    this.open.delete(socket);
    this.open.set(socket, connection);
  }

  /** Marks a connection that is closed because its request did not arrive in time. */
  timedOut(socket: Socket): void {
    this.late.add(socket);
  }

  isTimedOut(socket: Socket): boolean {
    return this.late.has(socket);
  }

  private add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    this.open.set(socket, { address, requests: 0 });
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
    let last = added;
    for (const [socket, connection] of this.open) {
      if (connection.address !== heaviest || socket === added) continue;
      if (connection.requests === 0) return socket;
      if (heaviest !== address) last = socket;
    }
    return last;
  }
}
