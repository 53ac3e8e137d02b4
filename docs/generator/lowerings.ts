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
    `A training step is traced from TF.js and recorded as ONNX operators. Lowerings improve on the literal translation.
_Blocked_ lowerings use operators of ONNX Runtime's CPU provider outside its public contract; they are used where a self-test
passes (once per process), and \`blocked: false\` turns them off. The files, in \`compiler/\`, have the formulas.`,
    `_Gain_ is the factor of a training step's CPU time without this lowering, for
${networks.join(', ')} ([benchmarks](benchmarks.md)); – means no effect. Measured by
\`npm run bench:lowerings\` as in a search: two processes of one thread on the two cores of an AMD EPYC (Zen 5), accurate to
about 2 %. Without a lowering, the next best one applies: the gain of two together can exceed the sum of their gains.`,
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
