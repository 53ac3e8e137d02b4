import type { z } from 'zod';
import type { QueueConnection } from './connection.js';

/** Those of a list whose entries have not lapsed; the others are taken out of it. */
const listScript = `
local there = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local value = redis.call('GET', ARGV[1] .. id)
  if value then there[#there + 1] = value else redis.call('SREM', KEYS[1], id) end
end
return there`;

/** Records under keys that lapse when nobody renews them, and a list of them. */
export class RegistryKeys<S extends z.ZodType> {
  private readonly list: string;

  constructor(
    private readonly connection: QueueConnection,
    /** `worker`, `run`. */
    private readonly kind: string,
    private readonly schema: S,
  ) {
    this.list = connection.key(`${kind}s`);
  }

  key(id: string): string {
    return this.connection.key(this.kind, id);
  }

  async put(id: string, record: z.output<S>, ttlMs: number): Promise<void> {
    await this.connection.redis
      .multi()
      .set(this.key(id), JSON.stringify(record), 'PX', ttlMs)
      .sadd(this.list, id)
      .exec();
  }

  async remove(id: string): Promise<void> {
    await this.connection.redis.multi().del(this.key(id)).srem(this.list, id).exec();
  }

  async find(id: string): Promise<z.output<S> | null> {
    return this.parsed(await this.connection.redis.get(this.key(id)));
  }

  /** All that are there and that this version can read. */
  async all(): Promise<z.output<S>[]> {
    const values = (await this.connection.redis.eval(listScript, 1, this.list, this.key(''))) as string[];
    return values.map((value) => this.parsed(value)).filter((record) => record !== null);
  }

  parsed(text: string | null): z.output<S> | null {
    if (text === null) return null;
    const { data, success } = this.schema.safeParse(JSON.parse(text));
    return success ? data : null;
  }
}
