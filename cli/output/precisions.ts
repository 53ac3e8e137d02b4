import {
  objectiveTitle,
  objectiveValue,
  type ReportMember,
  type ReportVariant,
} from '../../experiments/report/index.js';
import { renderTable, type Column } from './table.js';
import type { Colors } from './terminal.js';

const share = (value: number | null | undefined): string => objectiveValue('accuracy', value);

/** A trial's network in each precision that was tried, with the verdicts; nothing where a run knows fp32 only. */
export function precisionsListing(member: ReportMember, colors: Colors): string {
  const { variants = [], kept = {} } = member;
  if (variants.length === 0) return '';
  const names = [...new Set(variants.flatMap(({ values }) => Object.keys(values)))];
  const paint = ({ accepted }: ReportVariant) =>
    accepted === null ? colors.dim : accepted ? colors.green : colors.yellow;
  const columns: Column<ReportVariant>[] = [
    { title: 'precision', cell: ({ precision }) => precision },
    ...names.map((name): Column<ReportVariant> => ({
      title: objectiveTitle(name),
      numeric: true,
      cell: ({ values, provenance }) => {
        const text = objectiveValue(name, values[name]);
        return name === 'latency_ms' && name in values ? `${text} ${provenance[name]}` : text;
      },
    })),
    ...(Object.values(kept).some(({ final }) => final !== null)
      ? [
          {
            title: 'final accuracy',
            numeric: true,
            cell: ({ precision }: ReportVariant) => share(kept[precision]?.final?.accuracy),
          },
          {
            title: 'test accuracy',
            numeric: true,
            cell: ({ precision }: ReportVariant) => share(kept[precision]?.final?.testAccuracy),
          },
        ]
      : []),
    { title: 'verdict', cell: (variant) => paint(variant)(variant.verdict) },
  ];
  return `\n${colors.bold('Precisions')}\n${renderTable(columns, variants, colors)}`;
}

/** The files of all precisions, each once. */
export function filesOf({ files, kept = {} }: ReportMember): ReportMember['files'] {
  const others = Object.values(kept).flatMap((each) => each.files);
  return [...new Map([...files, ...others].map((file) => [file.path, file])).values()];
}
