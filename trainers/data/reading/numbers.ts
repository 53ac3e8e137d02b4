import { invalidInput, type NasError } from '../../../base/errors.js';

/** A cell with a number, and where it stands, for messages. */
interface NumberCell {
  readonly text: string;
  readonly where: string;
}

/** A column of numbers as it was understood. */
export interface NumberColumn {
  readonly valueOf: (text: string) => number;
  /** A sentence for the report; undefined: all numbers are written as programs write them. */
  readonly note: string | undefined;
}

/** Spaces of spreadsheets and Swiss apostrophes separate thousands in every notation. */
const gaps = /[ \u00a0\u2009\u202f'’]/g;

/** Numbers with this decimal sign. The first of several groups of three digits does not begin with 0. */
function patternOf(decimal: string, thousands: string): RegExp {
  const grouped = String.raw`[1-9]\d{0,2}(?:(?:[${thousands}]\d{3})+|(?:${gaps.source}\d{3})+)`;
  const mantissa = String.raw`(?:(?:${grouped}|\d+)(?:[${decimal}]\d+|[.])?|[${decimal}]\d+)`;
  return new RegExp(String.raw`^[+-]?${mantissa}(?:e[+-]?\d+)?$`, 'i');
}

const withPoints = patternOf('.', ',');
const withCommas = patternOf(',', '.');

function readAs(pattern: RegExp, text: string): number | null {
  const plain = text.replaceAll('−', '-');
  if (!pattern.test(plain)) return null;
  const digits = plain.replaceAll(gaps, '').replaceAll(pattern === withPoints ? ',' : '.', '');
  const value = Number(digits.replace(',', '.'));
  return Number.isFinite(value) ? value : null;
}

/**
 * How a column writes its numbers. A sign that cannot separate thousands marks decimals; a comma that can do either separates
 * thousands where other numbers of the column have points alone.
 * @param cells of the column that are not empty
 * @throws NasError `invalid-input` with the line of a text that is no number, or may be one of two
 */
export function numberColumn(name: string, cells: readonly NumberCell[]): NumberColumn {
  const read = cells.map(({ text, where }) => ({
    ...{ text, where },
    pointed: readAs(withPoints, text),
    commaed: readAs(withCommas, text),
  }));
  const wrong = read.find(({ pointed, commaed }) => pointed === null && commaed === null);
  if (wrong !== undefined) throw noNumber(name, wrong);
  const hasPoint = read.some(({ commaed }) => commaed === null);
  const hasComma = read.some(({ pointed }) => pointed === null);
  const doubtful = read.find(({ text, pointed, commaed }) => {
    if (pointed === null || commaed === null || pointed === commaed) return false;
    // Programs write 1.234 for a number between 1 and 2: it is doubtful beside decimal commas only.
    return text.includes(',') ? hasComma === hasPoint : hasComma;
  });
  if (doubtful !== undefined) throw unclear(name, doubtful);
  const [first, second] = hasComma && !hasPoint ? [withCommas, withPoints] : [withPoints, withCommas];
  const valueOf = (text: string): number => readAs(first, text) ?? readAs(second, text) ?? NaN;
  const written = cells.find(({ text }) => Number.isNaN(Number(text)));
  return { valueOf, note: written && `${name}: ${JSON.stringify(written.text)} is read as ${valueOf(written.text)}.` };
}

const unclear = (
  name: string,
  { text, where, pointed, commaed }: NumberCell & Record<'pointed' | 'commaed', number | null>,
): NasError =>
  invalidInput(
    `${where}: ${name} is ${JSON.stringify(text)}, which is ${String(pointed)} with a decimal point and ${String(commaed)} with a decimal comma`,
    { hint: 'Write all numbers of the column with decimal points, and nothing between thousands: 1234.5.' },
  );

const noNumber = (name: string, { text, where }: NumberCell): NasError =>
  invalidInput(`${where}: ${name} is ${JSON.stringify(text)}, which is no number`, {
    hint: 'Write numbers without units (0.5, not 50 % or 5 €), and leave the cell empty for an image without a value; for names of classes, leave data.task out.',
  });
