import { startScript } from '../../queue/child.js';
import type { LoadPlan } from './plan.js';
import type { LoadReport } from './report.js';

/** Puts a load on a server from a process of its own, so that neither slows the other's event loop. */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
  const child = startScript(new URL('./main.ts', import.meta.url).href, plan);
  // Its own kind, from the same files.
  return (await child.said) as LoadReport;
}
