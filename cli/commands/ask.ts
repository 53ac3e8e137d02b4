import { writeFileSync } from 'node:fs';
import type { AskedTrial } from '../../runner/study.js';
import { studyArgument, withStudy } from '../arguments/study.js';
import { command, jsonOption, setOption, flag } from '../command.js';
import { json, renderFacts, type Colors } from '../output/terminal.js';

async function describe({ number, choices, network, epochs, reason }: AskedTrial, colors: Colors): Promise<string> {
  const { describeNetwork } = await import('../../spaces/index.js');
  const facts = [
    ['trial', colors.bold(String(number))],
    ['because', reason],
    ['epochs', String(epochs)],
    ['choices', JSON.stringify(choices)],
  ] as const;
  return `${renderFacts(facts, colors)}${describeNetwork(network)}\n`;
}

export const ask = command({
  usage: 'ask <study>',
  summary: 'Ask a study for the next network to evaluate; nas tell takes its values',
  examples: [
    ['ask study.yaml --json', 'number, choices and layers; begins the study in runs/<name>'],
    ['ask runs/mine --onnx next.onnx', 'and the untrained network as an ONNX file'],
    ['ask runs/mine --pending', 'networks that were asked and not told, after a crash'],
  ],
  options: (yargs) =>
    yargs
      .positional('study', studyArgument)
      .option('workdir', { type: 'string', describe: 'Folder of a new study; default runs/<name>' })
      .option('set', setOption)
      .option('fresh', flag('Delete an earlier run in the workdir'))
      .option('pending', flag('List the networks that wait for their values'))
      .option('onnx', { type: 'string', describe: 'File for the untrained network' })
      .option('json', jsonOption),
  run: ({ pending: onlyPending, onnx, json: asJson, ...args }, { out, colors }) =>
    withStudy(args, true, async (study) => {
      if (onlyPending) {
        const trials = await study.pending();
        const none = 'no network waits for its values\n';
        const texts = await Promise.all(trials.map((trial) => describe(trial, colors)));
        out(asJson ? json(trials) : texts.join('\n') || none);
        return;
      }
      const trial = await study.ask();
      if (trial === null) {
        const pending = (await study.pending()).map(({ number }) => number);
        const { asked, of } = await study.progress();
        const why = pending.length === 0 ? 'the search is over' : `trials ${pending.join(', ')} have to be told first`;
        out(
          asJson
            ? json({ number: null, pending, asked, of })
            : `no network for now: ${why} (${asked} of ${of} asked)\n`,
        );
        return;
      }
      if (onnx !== undefined) writeFileSync(onnx, await study.untrained(trial));
      out(asJson ? json(trial) : await describe(trial, colors));
    }),
});
