import { sum } from '../../base/statistics.js';
import { choiceName } from '../../serve/models/model.js';
import { frontierSubjects, subjectText, writeModels, type Subject } from './networks.js';
import { pixelRequests } from './requests.js';
import { capacityOf, lagWarning, interleave, medianOf, validOf, type LoadCase, type Measurement } from './rounds.js';
import { startNas, type ServerProcess } from './server-process.js';
import { closedLoad, folderOf, oneWorker, openLoad, type Setting } from './setting.js';

/** Goodput per second, weighted by each network's accuracy. */
const weighted =
  (subjects: readonly Subject[]) =>
  ({ report }: Measurement): number =>
    subjects.reduce((total, { name, accuracy }) => total + accuracy * (report.networks[name] ?? 0), 0) / report.seconds;

const lateShare = ({ report: { counts } }: Measurement): number => counts.late / Math.max(1, counts.late + counts.good);

/** Shares of networks in the goodput. */
function mixText(measurements: readonly Measurement[], subjects: readonly Subject[]): string {
  const counts = subjects.map(({ name }) =>
    measurements.reduce((total, { report }) => total + (report.networks[name] ?? 0), 0),
  );
  const all = Math.max(1, sum(counts));
  return counts.map((count, i) => `${((100 * count) / all).toFixed(0)} % ${subjects[i].name}`).join(', ');
}

/** Load → target ratio of the frontier's weighted goodput to that of its largest network alone. */
const bars = { 2: 1.9, 4: 2.8 } as const;

/** Six networks for the scheduler to choose from beside the largest alone, at loads beyond the capacity of the largest. */
export async function frontier(setting: Setting): Promise<void> {
  const folder = folderOf(setting, 'frontier');
  const subjects = frontierSubjects();
  for (const subject of subjects) setting.print(`frontier: ${subjectText(subject)} (published)`);
  const files = writeModels(folder, subjects);
  const { input } = subjects[0].network;
  const request = pixelRequests(folder, input, choiceName).ours;
  const servers: ServerProcess[] = [];
  try {
    const six = await startNas(folder, ...oneWorker);
    servers.push(six);
    const alone = await startNas(files[files.length - 1], ...oneWorker);
    servers.push(alone);
    const capacity = await capacityOf({ server: alone, plan: closedLoad([request], setting, 8) });
    setting.print(`frontier: capacity of the largest alone ${capacity.toFixed(0)}/s`);
    const at = (server: ServerProcess, load: number): LoadCase => ({
      server,
      plan: openLoad([request], setting, { perSecond: load * capacity, seed: load }),
    });
    const measurements = await interleave(
      { 'six 2': at(six, 2), 'alone 2': at(alone, 2), 'six 4': at(six, 4), 'alone 4': at(alone, 4) },
      setting.rounds,
    );
    for (const load of [2, 4] as const) {
      const [ours, theirs] = [validOf(measurements[`six ${load}`]), validOf(measurements[`alone ${load}`])];
      const worth = weighted(subjects);
      const [of6, of1] = [medianOf(ours, worth), medianOf(theirs, worth)];
      setting.print(
        `frontier: ${load} x: ${of6.toFixed(1)} accuracy-weighted goodput per second (${mixText(ours, subjects)}), ` +
          `${of1.toFixed(1)} alone: ${(of6 / of1).toFixed(2)} (bar: ${bars[load]}); ` +
          `${(100 * medianOf(ours, lateShare)).toFixed(1)} % late (bar: 3)${lagWarning([...measurements[`six ${load}`], ...measurements[`alone ${load}`]])}`,
      );
    }
  } finally {
    for (const server of servers) await server.end();
  }
}
