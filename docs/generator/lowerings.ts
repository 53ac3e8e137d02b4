import { readFileSync } from 'node:fs';
import { gainsSchema, type Gains } from '../../bench/train/report.js';
import { lowerings } from '../../compiler/lowerings.js';
import { page, table } from './markdown.js';

const measured = new URL('../../bench/lowerings.json', import.meta.url);

/** Step time without the lowering relative to the full step, one number per network. */
const gainOf = (gains: Gains, name: string): string =>
  Object.values(gains)
    .map((own) => own[name]?.toFixed(2) ?? '–')
    .join(' · ');

/** docs/lowerings.md: how the compiler makes training fast. */
export function loweringsPage(): string {
  const gains = gainsSchema.parse(JSON.parse(readFileSync(measured, 'utf8')));
  const networks = Object.keys(gains).map((name) => `\`${name}\``);
  return page(
    '# How the compiler makes training fast',
    `A training step is traced from TF.js and recorded as ONNX operators. These are the places where the compiler does
better than the literal translation. _Blocked_ lowerings use operators of ONNX Runtime's CPU provider that are not a public
contract; they are used where a self-test passes (once per process), and \`blocked: false\` turns them off. Formulas are
in the files, which are in \`compiler/\`.`,
    `_Gain_ is how many times as much CPU time a training step takes when only this lowering is left out, for
${networks.join(', ')} ([benchmarks](benchmarks.md)); – where it changes nothing. Measured by
\`npm run bench:lowerings\` as a search trains: two processes of one thread at once on the two cores of an AMD EPYC (Zen 5), good to
about 2 %. Where a lowering is left out, the next best takes its place: what two gain together can be more than both gains.`,
    table(
      ['lowering', 'what it does', 'where it applies', 'gain', 'needs', 'file'],
      lowerings.map(({ name, what, where, needs, file }) => [
        name,
        what,
        where,
        gainOf(gains, name),
        needs,
        `\`${file}\``,
      ]),
    ),
  );
}
