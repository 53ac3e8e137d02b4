import { Gate } from '../../runner/jobs/supervision.js';
import type { LocalPool } from '../../runner/jobs/local-pool.js';

/** Keeps this worker's jobs still while somebody else measures on the machine. */
export class Standstill {
  private gate: Gate | null = null;
  private release: (() => void) | null = null;

  constructor(private readonly pool: Pick<LocalPool, 'standStill'>) {}

  /** Resolves when nothing moves, and no job begins any more. */
  async pause(): Promise<void> {
    this.gate ??= new Gate();
    this.release ??= await this.pool.standStill();
  }

  resume(): void {
    this.release?.();
    this.release = null;
    this.gate?.open();
    this.gate = null;
  }

  /** Resolves when jobs may begin. */
  async over(): Promise<void> {
    while (this.gate !== null) await this.gate.opened;
  }
}
