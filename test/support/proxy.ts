import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * - `open`: forwards everything.
 * - `cut`: resets existing and new connections, like a server that is down.
 * - `silent`: keeps connections but forwards nothing, like an unplugged cable; `open` then forwards the held bytes.
 */
export type ProxyState = 'open' | 'cut' | 'silent';

/** The address to which connections are forwarded. */
export interface ProxyTarget {
  readonly host?: string;
  readonly port: number;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** A TCP proxy on loopback that simulates network failures. */
export class Proxy {
  private readonly pairs = new Set<Pair>();
  private state: ProxyState = 'open';
  /** Bytes forwarded so far: to the target, and back. */
  readonly bytes = { there: 0, back: 0 };
  /** Number of connections so far. */
  connections = 0;
  /** Delay of each chunk in ms. */
  delayMs = 0;

  private constructor(
    private readonly server: Server,
    private target: ProxyTarget,
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  static async start(target: ProxyTarget): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, target);
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return address.port;
  }

  set(state: ProxyState): void {
    this.state = state;
    if (state === 'cut') this.breakOff();
    for (const { client, upstream } of this.pairs)
      for (const socket of [client, upstream])
        if (state === 'silent') socket.pause();
        else socket.resume();
  }

  /** Resets existing connections; new ones are forwarded. */
  breakOff(): void {
    for (const { client, upstream } of this.pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  }

  /** Sets the target of new connections. */
  retarget(target: ProxyTarget): void {
    this.target = target;
  }

  async close(): Promise<void> {
    this.set('cut');
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    this.connections++;
    client.on('error', () => undefined);
    if (this.state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: this.target.host ?? '127.0.0.1', port: this.target.port });
    const pair = { client, upstream };
    this.pairs.add(pair);
    this.pass(client, upstream, 'there');
    this.pass(upstream, client, 'back');
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.once('close', () => {
        this.pairs.delete(pair);
        // After the pieces that are late.
        setTimeout(() => other.destroy(), this.delayMs);
      });
    if (this.state === 'silent') upstream.pause();
    else client.resume();
  }

  private pass(from: Socket, to: Socket, direction: 'there' | 'back'): void {
    from.on('error', () => undefined);
    const later = (task: () => void) => (this.delayMs > 0 ? void setTimeout(task, this.delayMs) : task());
    from.on('data', (bytes: Buffer) => {
      this.bytes[direction] += bytes.length;
      later(() => {
        if (to.write(bytes)) return;
        from.pause();
        // Delayed chunks also arrive while the socket is paused.
        if (to.listenerCount('drain') === 0) to.once('drain', () => this.state !== 'silent' && from.resume());
      });
    });
    from.on('end', () => later(() => to.end()));
  }
}

/** Starts a proxy for a test; `close` it afterwards. */
export const startProxy = (target: ProxyTarget): Promise<Proxy> => Proxy.start(target);
