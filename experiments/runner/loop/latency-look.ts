import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import type { Compression } from '../compress/compression.js';
import type { TrainingContext } from '../context.js';
import type { LatencyService } from '../latency/latency.js';
import type { Look, Looked } from './looks.js';

/**
 * Measures a trial's network. Where candidates have several precisions, its latency is that of the one that it is judged in,
 * and so are the costs that depend on it.
 */
export class LatencyLook implements Look {
  constructor(
    private readonly context: TrainingContext,
    private readonly latency: LatencyService,
    private readonly compression: Compression | null,
  ) {}

  async of(trial: TrialRecord): Promise<Looked> {
    const { number, genotype, seed } = trial;
    const candidate = { network: this.context.candidates.network(genotype), seed };
    const found = await this.latency.ofTrial({ genotype, candidate, trial: number });
    if (found === undefined || 'failed' in found) return found;
    return { values: this.compression?.measured(trial, found) ?? this.known(trial) };
  }

  known({ number }: TrialRecord): ObjectiveValues {
    if (this.compression !== null) return this.compression.known(number);
    const latency = this.latency.known(number)?.fp32;
    return latency === undefined ? {} : { latency_ms: latency };
  }
}
