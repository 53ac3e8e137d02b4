/** A part of a random stream's name. */
export type StreamKey = string | number;

/** A 32-bit hash of a seed and counters (MurmurHash3's mixing and finaliser): a stateless random stream. */
export function hash32(seed: number, ...counters: readonly number[]): number {
  let h = seed >>> 0;
  for (const counter of counters) {
    let k = Math.imul(counter, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const hashText = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
};

/**
 * A seeded random stream (sfc32, C. Doty-Humphrey, PractRand). Each purpose has its own named stream, such as
 * `new Random(seed, 'trial', 12, 'weights')`: draws never shift other streams.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, ...keys: readonly StreamKey[]) {
    const numbers = keys.map((key) => (typeof key === 'number' ? key : hashText(key)));
    const high = Math.floor(seed / 0x1_0000_0000);
    this.a = hash32(seed, high, 1, ...numbers);
    this.b = hash32(seed, high, 2, ...numbers);
    this.c = hash32(seed, high, 3, ...numbers);
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const t = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1), with 32 bits. */
  uniform(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)];
  }

  /** Fisher-Yates, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }
}
