import { CopyButton } from '../../components/copy-button.js';

/** A command that can be copied. */
export function CommandLine({ title, line }: { readonly title: string; readonly line: string }) {
  return (
    <div class="command">
      <span>{title}</span>
      <code>{line}</code>
      <CopyButton text={line} label={title} />
    </div>
  );
}
