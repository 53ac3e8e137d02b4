/** Remembers what is computed for a key. A full cache is emptied. */
export class BoundedCache<T> {
  private readonly known = new Map<string, T>();

  constructor(private readonly limit: number) {}

  of(key: string, compute: () => T): T {
    const found = this.known.get(key);
    if (found !== undefined) return found;
    if (this.known.size >= this.limit) this.known.clear();
    const computed = compute();
    this.known.set(key, computed);
    return computed;
  }
}
