import { qemuCores } from '../../../deploy/edge/c/machines.js';
import { count } from '../../../reports/index.js';
import { command, jsonOption } from '../../command.js';
import { json, renderFacts, type Fact } from '../../output/terminal.js';
import { withSubject } from './measure.js';

export const instructions = command({
  usage: 'instructions <model> [trial]',
  summary: 'Count the instructions of an image in int8 C on a Cortex-M, under QEMU',
  examples: [
    ['latency instructions model.onnx', 'on Cortex-M4'],
    ['latency instructions runs/quickstart 7 --core cortex-m55', "a trial's network, with Helium"],
  ],
  options: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: "ONNX file, or a run's folder" })
      .positional('trial', { type: 'number', describe: 'Number of a trial of that run' })
      .option('core', { choices: qemuCores, default: 'cortex-m4' as const, describe: 'Core of the board' })
      .option('json', jsonOption),
  run: async ({ model, trial, core, json: asJson }, { out, colors }) => {
    const { countInstructions, qemuTools, requireQemu, timedProgram } = await import('../../../deploy/index.js');
    const { modelOf } = await import('../../../latency-models/index.js');
    requireQemu();
    const executed = await withSubject(model, trial, async (subject) =>
      countInstructions(await timedProgram(await modelOf(subject), model), core),
    );
    const tools = qemuTools();
    if (asJson) out(json({ model, trial: trial ?? null, core, instructions: executed, tools }));
    else
      out(
        renderFacts(
          [
            ['model', trial === undefined ? model : `trial ${trial} of ${model}`],
            ['core', `${core}, int8, -O2`],
            ['instructions', `${executed.toLocaleString('en-US')} (${count(executed)}) an image: a count, not a time`],
            ...Object.entries(tools).map(([name, version]): Fact => [name, version ?? 'missing']),
          ],
          colors,
        ),
      );
  },
});
