import type { Redis } from 'ioredis';

/** Ends a subscription. */
export type Unsubscribe = () => void;

interface Listener {
  readonly hear: (message: string) => void;
  readonly lost: (() => void) | undefined;
}

/** Milliseconds between two signs of life: a connection that was cut without a word is noticed by them. */
const interval = 5000;

const nothing = (): void => undefined;

/** Those who hear what is published, on one connection of their own. */
export class Subscriptions {
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly alive: NodeJS.Timeout;

  constructor(private readonly redis: Redis) {
    redis.on('message', (channel: string, message: string) => {
      for (const { hear } of this.listeners.get(channel) ?? []) hear(message);
    });
    redis.on('ready', () => {
      for (const listeners of this.listeners.values()) for (const { lost } of listeners) lost?.();
    });
    this.alive = setInterval(() => {
      if (redis.status === 'ready') redis.ping().catch(nothing);
    }, interval);
    this.alive.unref();
  }

  async add(channel: string, hear: Listener['hear'], lost: Listener['lost']): Promise<Unsubscribe> {
    const listeners = this.listeners.get(channel) ?? new Set<Listener>();
    this.listeners.set(channel, listeners);
    const listener: Listener = { hear, lost };
    listeners.add(listener);
    if (listeners.size === 1) await this.redis.subscribe(channel);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.listeners.delete(channel);
      this.redis.unsubscribe(channel).catch(nothing);
    };
  }

  close(): void {
    clearInterval(this.alive);
    this.listeners.clear();
  }
}
