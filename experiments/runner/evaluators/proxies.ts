import { messageOf } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import type { ProxyName } from '../../../trainers/index.js';
import { valuesFrom } from '../../schema/measures.js';
import { JobFailed } from '../jobs/job-runner.js';
import type { ProxyResult, SeededNetwork } from '../jobs/jobs.js';
import type { TrainingContext } from '../plan.js';

/** The result of an evaluation step; undefined when the user stopped the run. */
export type StepOutcome = { readonly values: ObjectiveValues } | { readonly failed: string } | undefined;

/** Submits zero-cost proxies to workers and stores the values of trials. */
export class ProxyService {
  constructor(private readonly context: TrainingContext) {}

  /** The proxies of a trial, computed unless they are stored. Undefined when the user stopped the run. */
  async of(trial: TrialRecord): Promise<StepOutcome> {
    const { plan, store, candidates, stopping } = this.context;
    const { number, genotype, seed } = trial;
    const known = this.known(trial);
    if (plan.proxies.every((name) => name in known)) return { values: known };
    const [result] = await this.compute([{ network: candidates.network(genotype), seed }], plan.proxies);
    if (stopping()) return undefined;
    if ('failed' in result) return { failed: `zero-cost proxies: ${result.failed}` };
    const values = valuesFrom('proxy', result.values);
    // Stored at once, for a trial that continues after a pause or a kill.
    store.trials.revise(number, values);
    return { values };
  }

  known({ number }: TrialRecord): ObjectiveValues {
    const { plan, store } = this.context;
    const values = store.trials.get(number)?.values ?? {};
    return Object.fromEntries(Object.entries(values).filter(([name]) => plan.proxies.some((proxy) => proxy === name)));
  }

  /**
   * Proxies of untrained networks, in their order; all fail when the job's workers die.
   * @throws NasError when no network is at fault: a damaged data set.
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
