import type { ContactSheet, SheetImage } from '../../reports/page/api.js';
import { pageWithoutScripts } from './page.js';
import { Drawn } from './pictures.js';
import { sheetStyle } from '../report-style.js';

interface SheetProps {
  readonly sheet: ContactSheet;
}

const Pictures = ({ images }: { readonly images: readonly SheetImage[] }) => (
  <div class="pictures">
    {images.map(({ path, detail, webp }, i) => (
      <img key={i} src={`data:image/webp;base64,${webp}`} alt={path} title={`${path}\n${detail}`} />
    ))}
  </div>
);

const Classes = ({ sheet: { rows, rowsTitle, rowsNote } }: SheetProps) => (
  <section>
    <h2>{rowsTitle}</h2>
    {rowsNote !== null && <p class="note">{rowsNote}</p>}
    {rows.map(({ name, detail, images }, i) => (
      <div key={i} class="class-row">
        <div>
          <p>
            <b>{name}</b>
          </p>
          {detail.map((text, j) => (
            <p key={j} class="note">
              {text}
            </p>
          ))}
        </div>
        <Pictures images={images} />
      </div>
    ))}
  </section>
);

const Suspicious = ({ title, note, entries }: ContactSheet['suspicious'][number]) => (
  <section>
    <h2>{title}</h2>
    {note !== null && <p class="note">{note}</p>}
    <div class="entries">
      {entries.map((images, i) => (
        <div key={i} class="entry">
          <Pictures images={images} />
          <div class="names">
            {images.map(({ path, detail }, j) => (
              <p key={j}>
                {path}
                <br />
                <span class="note">{detail}</span>
              </p>
            ))}
          </div>
        </div>
      ))}
    </div>
  </section>
);

function Sheet({ sheet }: SheetProps) {
  const { name, summary, width, height, pixelated, suspicious } = sheet;
  const sizes = `--shown-width:${width}px;--shown-height:${height}px`;
  return (
    <main style={sizes} class={pixelated ? 'pixelated' : ''}>
      <header>
        <h1>{name}</h1>
        {summary.map((text, i) => (
          <p key={i}>{text}</p>
        ))}
      </header>
      {sheet.charts?.map((svg, i) => (
        <Drawn key={i} svg={svg} />
      ))}
      <Classes sheet={sheet} />
      {suspicious.map((group, i) => (
        <Suspicious key={i} {...group} />
      ))}
    </main>
  );
}

/** A contact sheet as one HTML page without scripts or other files. */
export const renderSheet = (sheet: ContactSheet): string =>
  pageWithoutScripts(`${sheet.name}: contact sheet`, sheetStyle(), <Sheet sheet={sheet} />);
