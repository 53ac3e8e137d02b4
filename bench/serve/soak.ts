import { readFileSync } from 'node:fs';
import { choiceName } from '../../serve/models/model.js';
import { median } from '../../latency-models/statistics.js';
import { frontierSubjects, writeModels } from './networks.js';
import { imageRequests, pixelRequests } from './requests.js';
import { capacityOf, goodput, measureLoad, type Measurement } from './rounds.js';
import { startNas } from './server-process.js';
import { closedLoad, folderOf, oneWorker, openLoad, type Setting } from './setting.js';

/** Resident memory of a process in MB, on Linux. */
const residentMegabytes = (pid: number): number =>
  Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Median of the last third relative to the middle third. The first third is warm-up. */
function growth(figures: readonly number[]): number {
  const third = Math.max(1, Math.floor(figures.length / 3));
  return median(figures.slice(-third)) / median(figures.slice(third, 2 * third));
}

/** Memory and p99 of a frontier at 0.8 of its capacity over --minutes, with alternating tensors and images. */
export async function soak(setting: Setting): Promise<void> {
  const folder = folderOf(setting, 'soak');
  const subjects = await frontierSubjects();
  writeModels(folder, subjects);
  const pixels = pixelRequests(folder, subjects[0].network.input, choiceName).ours;
  const requests = [pixels, (await imageRequests(folder)).ours];
  const server = await startNas(folder, ...oneWorker);
  try {
    // With long budgets the scheduler always uses the largest network, so this is the capacity of the largest network.
    const perSecond = 0.8 * (await capacityOf({ server, plan: closedLoad(requests, setting, 8) }));
    const minutes: { readonly measurement: Measurement; readonly megabytes: number }[] = [];
    for (let minute = 1; minute <= setting.minutes; minute++) {
      const measurement = await measureLoad({
        server,
        plan: openLoad(requests, { seconds: 60 }, { perSecond, seed: minute }),
      });
      const megabytes = residentMegabytes(server.pid);
      minutes.push({ measurement, megabytes });
      const { counts, ms } = measurement.report;
      setting.print(
        `soak: minute ${minute}: ${megabytes.toFixed(0)} MB, ${goodput(measurement).toFixed(0)} of ${perSecond.toFixed(0)}/s in time, ` +
          `p99 ${ms?.p99.toFixed(1) ?? '-'} ms, ${counts.late} late, ${counts.refused} refused, ${counts.failed + counts.broken} failed`,
      );
    }
    const memory = growth(minutes.map(({ megabytes }) => megabytes));
    const p99 = growth(minutes.map(({ measurement }) => measurement.report.ms?.p99 ?? NaN));
    setting.print(
      `soak: last third relative to the middle third: memory ${memory.toFixed(3)}, p99 ${p99.toFixed(2)} (bar: constant)`,
    );
  } finally {
    await server.end();
  }
}
