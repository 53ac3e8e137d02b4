const ratio = 3;

/**
 * A limited resource that clients share: bytes, requests. A client may hold at most three times what stays free, so a client
 * alone gets three quarters, and a newcomer always finds a part (dynamic thresholds: Choudhury and Hahne, IEEE/ACM
 * Transactions on Networking 6(2), 1998).
 */
export class Shares {
  private readonly held = new Map<string, number>();
  private used = 0;

  constructor(readonly total: number) {}

  get free(): number {
    return this.total - this.used;
  }

  /** Largest amount that a client without others can hold. */
  get largest(): number {
    return Math.floor((this.total * ratio) / (ratio + 1));
  }

  of(client: string): number {
    return this.held.get(client) ?? 0;
  }

  /** Takes an amount, or nothing when the client's share does not allow it. */
  take(client: string, amount: number): boolean {
    const mine = this.of(client) + amount;
    if (mine > ratio * (this.free - amount)) return false;
    this.used += amount;
    this.held.set(client, mine);
    return true;
  }

  give(client: string, amount: number): void {
    this.used -= amount;
    const mine = this.of(client) - amount;
    if (mine > 0) this.held.set(client, mine);
    else this.held.delete(client);
  }
}
