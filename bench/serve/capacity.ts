import { large, writeModels } from './networks.js';
import { pixelRequests } from './requests.js';
import { capacityOf, type LoadCase, lagWarning, goodput, interleave, medianOf, validOf } from './rounds.js';
import { type ServerProcess, startFastify, startNas } from './server-process.js';
import { closedLoad, folderOf, oneWorker, openLoad, type Setting } from './setting.js';

/** Loads as multiples of a server's capacity. Goodput peaks at one of the first three. */
const loads = [0.7, 0.85, 1, 2, 4] as const;
type Load = (typeof loads)[number];

/** Goodput of one network beyond its capacity, beside fastify. */
export async function overload(setting: Setting): Promise<void> {
  const folder = folderOf(setting, 'overload');
  const [model] = writeModels(folder, [large]);
  const requests = pixelRequests(folder, large.network.input, large.name);
  const servers = { nas: await startNas(model, ...oneWorker), fastify: await startFastify(model) };
  try {
    for (const [name, request] of [
      ['nas', requests.ours],
      ['fastify', requests.theirs],
    ] as const) {
      const server = servers[name];
      const capacity = await capacityOf({ server, plan: closedLoad([request], setting, 8) });
      const cases = Object.fromEntries(
        loads.map((load) => [
          load,
          { server, plan: openLoad([request], setting, { perSecond: load * capacity, seed: 100 * load }) },
        ]),
      ) as Record<Load, LoadCase>;
      const measurements = await interleave(cases, setting.rounds);
      const figures = loads.map((load) => medianOf(validOf(measurements[load]), goodput));
      const peak = Math.max(...figures);
      const warning = lagWarning(loads.flatMap((load) => measurements[load]));
      setting.print(
        `overload: ${name}, capacity ${capacity.toFixed(0)}/s; goodput per second: ` +
          loads.map((load, i) => `${figures[i].toFixed(0)} at ${load} x`).join(', ') +
          `; at 2 and 4 x ${(figures[3] / peak).toFixed(2)} and ${(figures[4] / peak).toFixed(2)} of the peak (bar: 0.9)${warning}`,
      );
    }
  } finally {
    await servers.nas.end();
    await servers.fastify.end();
  }
}

/** Rate of two inference threads relative to one. Needs two idle cores. */
export async function workers(setting: Setting): Promise<void> {
  const folder = folderOf(setting, 'workers');
  const [model] = writeModels(folder, [large]);
  const plan = closedLoad([pixelRequests(folder, large.network.input, large.name).ours], setting, 8);
  const servers: ServerProcess[] = [];
  try {
    for (const count of [1, 2]) servers.push(await startNas(model, '--workers', String(count)));
    const [one, two] = servers;
    const measurements = await interleave({ one: { server: one, plan }, two: { server: two, plan } }, setting.rounds);
    const [slow, fast] = [measurements.one, measurements.two].map((each) => medianOf(each, ({ rate }) => rate));
    setting.print(
      `workers: ${slow.toFixed(0)}/s by one, ${fast.toFixed(0)}/s by two: ${(fast / slow).toFixed(2)} (bar: 1.8)`,
    );
  } finally {
    for (const server of servers) await server.end();
  }
}
