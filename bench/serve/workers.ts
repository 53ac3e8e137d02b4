import { large, writeModels } from './networks.js';
import { pixelRequests } from './requests.js';
import { interleave, medianOf } from './rounds.js';
import { startNas, type ServerProcess } from './server-process.js';
import { closedLoad, folderOf, type Setting } from './setting.js';

/** Two inference threads beside one. It needs two quiet cores. */
export async function workers(setting: Setting): Promise<void> {
  const folder = folderOf(setting, 'workers');
  const [model] = writeModels(folder, [large]);
  const plan = closedLoad([pixelRequests(folder, large.network.input, large.name).ours], setting, 8);
  const servers: ServerProcess[] = [];
  try {
    for (const count of [1, 2]) servers.push(await startNas(model, '--workers', String(count)));
    const [one, two] = servers;
    const turns = await interleave({ one: { server: one, plan }, two: { server: two, plan } }, setting.rounds);
    const [slow, fast] = [turns.one, turns.two].map((each) => medianOf(each, ({ rate }) => rate));
    setting.say(
      `workers: ${slow.toFixed(0)}/s by one, ${fast.toFixed(0)}/s by two: ${(fast / slow).toFixed(2)} (bar: 1.8)`,
    );
  } finally {
    for (const server of servers) await server.end();
  }
}
