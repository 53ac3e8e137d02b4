import { LocalPool } from '../../../runner/jobs/local-pool.js';
import { describeHangingWorkers } from './describe-job-runner.js';

let pool: LocalPool;

describeHangingWorkers('LocalPool', {
  create: (options) => (pool = new LocalPool(options)),
  workers: () => pool.pids(),
});
