import type { HostShare } from '../stored/workers.js';
import type { ReportGroup, RunWorkers } from './work.js';

/** Machines that are named one by one. */
const named = 6;

const trialsOf = (shares: readonly HostShare[]): number => shares.reduce((sum, { trials }) => sum + trials, 0);

/** `alder`, or `3 hosts (alder 5 trials, birch 3)`; those without a trial are only counted. */
export function hostsText(hosts: readonly HostShare[]): string {
  if (hosts.length === 1) return hosts[0].host;
  const busy = hosts.filter(({ trials }) => trials > 0);
  const others = busy.slice(named);
  const shares = busy.slice(0, named).map(({ host, trials }, i) => {
    const unit = trials === 1 ? 'trial' : 'trials';
    return i === 0 ? `${host} ${trials} ${unit}` : `${host} ${trials}`;
  });
  if (others.length > 0) shares.push(`${others.length} others ${trialsOf(others)}`);
  return `${hosts.length} hosts${shares.length === 0 ? '' : ` (${shares.join(', ')})`}`;
}

/** `0a1b2c3d4e5f (x64 avx2, ...)`. */
const groupText = ({ group, text }: ReportGroup): string => (text === null ? group : `${group} (${text})`);

/** In what the machines of a run are of one kind or not; nothing where that is not known. */
export function groupsText(groups: readonly ReportGroup[]): string {
  if (groups.length < 2) return groups.map((group) => `group ${groupText(group)}`).join('');
  const parts = groups.map((group) => `${groupText(group)} ${group.taken}`).join(', ');
  return `mixed: trainings by ${groups.length} groups, whose results differ in the last bits: ${parts}`;
}

/** Who works for a run, in a line. */
export function workersText({ queue, hosts, groups }: RunWorkers): string {
  const where = queue === null ? 'this machine now, and a queue before' : `through ${queue}`;
  const who = hosts.length === 0 ? 'nobody has taken anything yet' : hostsText(hosts);
  const kinds = groupsText(groups);
  return `${where}: ${who}${kinds === '' ? '' : `; ${kinds}`}`;
}
