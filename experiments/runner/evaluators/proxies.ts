import { messageOf } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import type { ProxyName } from '../../../trainers/index.js';
import { valuesFrom } from '../../schema/measures.js';
import type { TrainingContext } from '../plan.js';
import { JobFailed } from '../jobs/job-runner.js';
import type { SeededNetwork, ProxyResult } from '../jobs/jobs.js';

/** Has zero-cost proxies computed in worker processes, and keeps those of trials. */
export class ProxyService {
  constructor(private readonly context: TrainingContext) {}

  /**
   * The proxies that are kept of a trial: computed now unless they are known. Undefined when the user stopped the run.
   */
  async of(
    trial: TrialRecord,
  ): Promise<{ readonly values: ObjectiveValues } | { readonly failed: string } | undefined> {
    const { plan, store, candidates, stopping } = this.context;
    const { number, genotype, seed } = trial;
    const known = this.known(trial);
    if (plan.proxies.every((name) => name in known)) return { values: known };
    const [result] = await this.compute([{ network: candidates.network(genotype), seed }], plan.proxies);
    if (stopping()) return undefined;
    if ('failed' in result) return { failed: `zero-cost proxies: ${result.failed}` };
    const values = valuesFrom('proxy', result.values);
    // Kept at once, for when the trial goes on after a pause or a kill.
    store.trials.revise(number, values);
    return { values };
  }

  /** The proxies of a trial, as far as they were computed. */
  known({ number }: TrialRecord): ObjectiveValues {
    const { plan, store } = this.context;
    const values = store.trials.get(number)?.values ?? {};
    return Object.fromEntries(Object.entries(values).filter(([name]) => plan.proxies.some((proxy) => proxy === name)));
  }

  /**
   * Proxies of untrained networks, in their order; where the job dies of them, all have failed.
   * @throws NasError when no network is to blame: the data set is damaged.
   */
  async compute(networks: readonly SeededNetwork[], names: readonly ProxyName[]): Promise<readonly ProxyResult[]> {
    const { jobs, plan } = this.context;
    const { dataset, engine } = plan;
    const { seed: imageSeed } = plan.experiment;
    const job = { kind: 'proxies', candidates: networks, names, dataset, imageSeed, engine } as const;
    const id = `proxies/${contentHash(networks, names)}`;
    try {
      return await jobs.submit({ id, job, sharing: 'shared' }).result;
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error;
      return networks.map(() => ({ failed: messageOf(error) }));
    }
  }
}
