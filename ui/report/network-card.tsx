import { worstTitle } from '../../base/seen-images.js';
import type { TaskType } from '../../base/task.js';
import { count, duration } from '../../base/number-text.js';
import type { NetworkMember, ReportData, ReportMember, SheetImage } from '../../reports/page/api.js';
import { Classes } from '../components/classes.js';
import { Card, Decisions, type Fact, Facts } from '../components/elements.js';
import {
  lastText,
  latencyFacts,
  NetworkDrawing,
  NetworkParts,
  sizeFacts,
  verdictFacts,
} from '../components/network.js';
import { SeenLegend } from '../components/seen-legend.js';
import { textOf, titleOf } from '../data/measures.js';
import { cssTheme } from '../report-style.js';
import { Drawn, renderPrecisionRecall } from './pictures.js';

export const cardId = ({ number, precision }: Pick<ReportMember, 'number' | 'precision'>): string =>
  `trial-${number}${precision ? `-${precision}` : ''}`;

const fileFacts = ({ files }: ReportMember): Fact[] =>
  files.map(({ kind, path, sha256 }) => [
    kind,
    <>
      <a href={path}>{path}</a> (SHA-256 {sha256.slice(0, 16)}…)
    </>,
  ]);

const SeenPictures = ({ task, pictures }: Pick<NetworkCardProps, 'task' | 'pictures'>) => (
  <>
    <h3>{worstTitle(task)}</h3>
    <SeenLegend task={task} />
    <div class="seen-pictures">
      {pictures.map(({ path, detail, webp }, i) => (
        <figure key={i}>
          <img src={`data:image/webp;base64,${webp}`} alt={`${path}: ${detail}`} />
          <figcaption>
            {detail}
            <br />
            {path}
          </figcaption>
        </figure>
      ))}
    </div>
  </>
);

interface NetworkCardProps {
  readonly task: TaskType;
  readonly member: NetworkMember;
  /** Images with the boxes of a detector, or the pixels of a segmenter. */
  readonly pictures: readonly SheetImage[];
}

export function NetworkCard({ task, member, pictures }: NetworkCardProps) {
  const { number, precision, costs, curves, final, network, parts } = member;
  const chart = member.classes === undefined ? null : renderPrecisionRecall(member.classes, cssTheme);
  const facts: readonly Fact[] = [
    ['why it was tried', member.reason],
    ...verdictFacts(member),
    ...latencyFacts(member),
    ['search', lastText(task, curves.search)],
    ['final training', final?.message ?? lastText(task, curves.final)],
    ...sizeFacts(member),
    ['genotype', member.genotypeId],
    ...fileFacts(member),
  ];
  return (
    <Card
      id={cardId(member)}
      title={`Trial ${number}${precision === undefined ? '' : `, ${precision ?? '-'}`}`}
      summary={`${count(costs.macs)} MACs, ${count(costs.params)} parameters, ${network.input.join(' x ')} input`}
    >
      <Facts entries={facts} />
      <h3>Architecture</h3>
      <NetworkDrawing parts={parts} />
      <NetworkParts parts={parts} />
      {member.classes !== undefined && <Classes report={member.classes} />}
      {chart !== null && <Drawn svg={chart} />}
      {pictures.length > 0 && <SeenPictures task={task} pictures={pictures} />}
      <h3>Decisions</h3>
      <Decisions choices={member.choices} />
    </Card>
  );
}

/** A trial from a table, which has no network. */
export function RowCard({ member, measures }: { readonly member: ReportMember } & Pick<ReportData, 'measures'>) {
  const { number, genotypeId, choices, values, finishedAfter } = member;
  const summary = Object.entries(values).map(
    ([name, value]) => `${titleOf(measures, name)} ${textOf(measures, name, value)}`,
  );
  const finished: Fact[] = finishedAfter === null ? [] : [['evaluated', `after ${duration(finishedAfter)}`]];
  return (
    <Card id={cardId(member)} title={`Trial ${number}`} summary={summary.join(', ')}>
      <Facts entries={[['genotype', genotypeId], ...finished]} />
      <h3>Decisions</h3>
      <Decisions choices={choices} />
    </Card>
  );
}
