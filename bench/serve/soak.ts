import { readFileSync } from 'node:fs';
import { choiceName } from '../../serve/models/model.js';
import { median } from '../../latency-models/statistics.js';
import { frontierSubjects, writeModels } from './networks.js';
import { imageRequests, pixelRequests } from './requests.js';
import { capacityOf, goodput, takeTurn, type Turn } from './rounds.js';
import { startNas } from './server-process.js';
import { closedLoad, folderOf, oneWorker, openLoad, type Setting } from './setting.js';

/** Memory of a process that is in RAM, in MB; Linux alone tells. */
const residentMegabytes = (pid: number): number =>
  Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Of the last third relative to the middle one, from medians: the first third is what a server needs to warm up. */
function growth(figures: readonly number[]): number {
  const third = Math.max(1, Math.floor(figures.length / 3));
  return median(figures.slice(-third)) / median(figures.slice(third, 2 * third));
}

/** A frontier at 0.8 of its capacity for long, tensors and images in turn: whether memory and p99 stay where they are. */
export async function soak(setting: Setting): Promise<void> {
  const folder = folderOf(setting, 'soak');
  const subjects = await frontierSubjects();
  writeModels(folder, subjects);
  const pixels = pixelRequests(folder, subjects[0].network.input, choiceName).ours;
  const requests = [pixels, (await imageRequests(folder)).ours];
  const server = await startNas(folder, ...oneWorker);
  try {
    // Where answers may take long, the scheduler has the largest network give them: that is its capacity.
    const perSecond = 0.8 * (await capacityOf({ server, plan: closedLoad(requests, setting, 8) }));
    const minutes: { readonly turn: Turn; readonly megabytes: number }[] = [];
    for (let minute = 1; minute <= setting.minutes; minute++) {
      const turn = await takeTurn({ server, plan: openLoad(requests, { seconds: 60 }, { perSecond, seed: minute }) });
      const megabytes = residentMegabytes(server.pid);
      minutes.push({ turn, megabytes });
      const { counts, ms } = turn.report;
      setting.say(
        `soak: minute ${minute}: ${megabytes.toFixed(0)} MB, ${goodput(turn).toFixed(0)} of ${perSecond.toFixed(0)}/s in time, ` +
          `p99 ${ms?.p99.toFixed(1) ?? '-'} ms, ${counts.late} late, ${counts.refused} refused, ${counts.failed + counts.broken} failed`,
      );
    }
    const memory = growth(minutes.map(({ megabytes }) => megabytes));
    const p99 = growth(minutes.map(({ turn }) => turn.report.ms?.p99 ?? NaN));
    setting.say(
      `soak: the last third relative to the one before: memory ${memory.toFixed(3)}, p99 ${p99.toFixed(2)} (bar: level)`,
    );
  } finally {
    await server.end();
  }
}
