import type { Server, Socket } from 'node:net';
import { endReading, mostPipelined } from '../../base/pipelining.js';
import { subnetOf } from './client-address.js';
import { clientClosed } from './refusals.js';

/** A request from its headers to the end of its answer. */
interface Request {
  /** Called when the connection closes: Node.js reports it only to the request whose answer is next. */
  readonly end: () => void;
}

export interface Connection {
  readonly address: string;
  readonly subnet: string;
  /** Requests without an answer. */
  readonly requests: Set<Request>;
  /** Bytes read when the last request began, and how many requests began with them. */
  readonly read: { bytes: number; requests: number };
  /** End of its last request, in ms of `performance.now()`. */
  silentSince: number;
  /** Status in metrics of its requests without an answer when it closes. */
  unfinished: number;
}

/** An address with this share of all connections gives up its own before its subnet does. */
const heavyShare = 1 / 16;

/**
 * Bounds the connections of a server and the requests of each. A new connection above the limit replaces another one: of the
 * address, otherwise of the subnet, that has the most; one without a request if there is one, the longest silent first.
 */
export class Connections {
  private readonly open = new Map<Socket, Connection>();
  /** Numbers of connections. */
  private readonly byAddress = new Map<string, number>();
  private readonly bySubnet = new Map<string, number>();

  constructor(private readonly limit: number) {}

  watch(server: Server): void {
    server.on('connection', (socket) => this.add(socket));
  }

  get size(): number {
    return this.open.size;
  }

  of(socket: Socket): Connection | undefined {
    return this.open.get(socket);
  }

  /** Whether a request may begin. Closes a connection that sends many requests without waiting for answers. */
  mayBegin(socket: Socket): boolean {
    const connection = this.open.get(socket);
    if (socket.destroyed || connection === undefined) return false;
    const { requests, read } = connection;
    const bytes = socket.bytesRead;
    if (bytes !== read.bytes) [read.bytes, read.requests] = [bytes, 0];
    const isFew = ++read.requests <= mostPipelined && requests.size < mostPipelined;
    if (!isFew) endReading(socket);
    return isFew;
  }

  private add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const connection: Connection = {
      address,
      subnet: subnetOf(address),
      requests: new Set<Request>(),
      read: { bytes: 0, requests: 0 },
      silentSince: performance.now(),
      unfinished: clientClosed,
    };
    this.open.set(socket, connection);
    this.count(connection, 1);
    socket.once('close', () => this.remove(socket));
    if (this.open.size > this.limit) {
      const replaced = this.replaceable(socket, connection);
      this.remove(replaced);
      replaced.destroy();
    }
  }

  private remove(socket: Socket): void {
    const connection = this.open.get(socket);
    if (connection === undefined) return;
    this.open.delete(socket);
    this.count(connection, -1);
    for (const request of [...connection.requests]) request.end();
  }

  private count({ address, subnet }: Connection, change: 1 | -1): void {
    count(this.byAddress, address, change);
    count(this.bySubnet, subnet, change);
  }

  /** The connection to close for a new one; the new one itself only if its owner has the most, all with requests. */
  private replaceable(added: Socket, own: Connection): Socket {
    const heaviest = most(this.byAddress);
    const isHeavy = (this.byAddress.get(heaviest) ?? 0) > this.limit * heavyShare;
    const owner = isHeavy ? heaviest : most(this.bySubnet);
    const isOwners = ({ address, subnet }: Connection): boolean => (isHeavy ? address : subnet) === owner;
    let [silent, since]: [Socket | null, number] = [null, Infinity];
    let last = added;
    for (const [socket, connection] of this.open) {
      const { requests, silentSince } = connection;
      if (socket === added || !isOwners(connection)) continue;
      if (requests.size === 0 && silentSince < since) [silent, since] = [socket, silentSince];
      if (!isOwners(own)) last = socket;
    }
    return silent ?? last;
  }
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const value = (counts.get(key) ?? 0) + change;
  if (value > 0) counts.set(key, value);
  else counts.delete(key);
}

function most(counts: ReadonlyMap<string, number>): string {
  let [heaviest, highest] = ['', 0];
  for (const [key, value] of counts) if (value > highest) [heaviest, highest] = [key, value];
  return heaviest;
}
