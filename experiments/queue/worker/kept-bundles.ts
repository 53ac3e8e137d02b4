import { statSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../../base/hash.js';
import type { Bundle } from '../artifacts/artifact.js';
import type { Artifacts, TransferOptions } from '../artifacts/artifacts.js';
import type { UsedBundle } from '../artifacts/bundle-cache.js';
import { stampOf } from '../artifacts/hashes.js';

/** Where jobs have bundles from. */
export interface Bundles {
  use(bundle: Bundle, artifacts: Artifacts, options?: TransferOptions): Promise<UsedBundle>;
}

/** So long a bundle is kept for the next job, in ms. */
const idleMs = 5000;

/**
 * Keeps bundles of a cache for the jobs of this process: what one uses, or has used a moment ago, the next one has without
 * asking the cache, which locks and reads. Before it asks for another one it gives back what nobody uses, as that is room.
 */
export class KeptBundles implements Bundles {
  private readonly kept = new Map<string, KeptBundle>();

  /** @param keptMs how long a bundle is kept that nobody uses */
  constructor(
    private readonly cache: Bundles,
    private readonly keptMs = idleMs,
  ) {}

  /** As the cache's. */
  async use(bundle: Bundle, artifacts: Artifacts, options: TransferOptions = {}): Promise<UsedBundle> {
    const key = contentHash(bundle.kind, bundle.files);
    const known = this.intact(key);
    if (known !== null) return known.share();
    this.close();
    const used = await this.cache.use(bundle, artifacts, options);
    const other = this.intact(key);
    if (other === null) return this.keep(key, bundle, used).share();
    // Another job was quicker.
    used.release();
    return other.share();
  }

  /** Gives back what nobody uses. */
  close(): void {
    for (const bundle of this.kept.values()) if (bundle.isIdle) bundle.giveBack();
  }

  private intact(key: string): KeptBundle | null {
    const bundle = this.kept.get(key);
    if (bundle === undefined || bundle.isIntact()) return bundle ?? null;
    // Those who use it have it until they are done.
    this.kept.delete(key);
    bundle.retire();
    return null;
  }

  private keep(key: string, bundle: Bundle, used: UsedBundle): KeptBundle {
    const kept = new KeptBundle(bundle, used, this.keptMs, () => {
      if (this.kept.get(key) === kept) this.kept.delete(key);
    });
    this.kept.set(key, kept);
    return kept;
  }
}

/** A bundle of the cache, and how many use it. */
class KeptBundle {
  private readonly stamps: string | null;
  private users = 0;
  private isRetired = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly bundle: Bundle,
    private readonly used: UsedBundle,
    private readonly keptMs: number,
    private readonly onGone: () => void,
  ) {
    this.stamps = stampsOf(bundle, used.path);
  }

  get isIdle(): boolean {
    return this.users === 0;
  }

  /** Whether its files are those that the cache gave, as far as the file system says. */
  isIntact(): boolean {
    return this.stamps !== null && this.stamps === stampsOf(this.bundle, this.used.path);
  }

  share(): UsedBundle {
    this.users++;
    clearTimeout(this.timer);
    let isReleased = false;
    return {
      path: this.used.path,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.leave();
      },
    };
  }

  /** Nobody is to have it any more. */
  retire(): void {
    this.isRetired = true;
    if (this.isIdle) this.giveBack();
  }

  giveBack(): void {
    clearTimeout(this.timer);
    this.used.release();
    this.onGone();
  }

  private leave(): void {
    this.users--;
    if (!this.isIdle) return;
    if (this.isRetired) this.giveBack();
    else this.timer = setTimeout(() => this.giveBack(), this.keptMs).unref();
  }
}

/** What tells whether files were touched; null when one of them is not there. */
function stampsOf({ kind, files }: Bundle, path: string): string | null {
  const stamps: string[] = [];
  for (const file of files) {
    const stats = statSync(kind === 'file' ? path : join(path, file.path), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return null;
    stamps.push(stampOf(stats));
  }
  return stamps.join('\n');
}
