import { useRef, useState } from 'preact/hooks';

/** A command that can be copied. */
export function CommandLine({ title, line }: { readonly title: string; readonly line: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(line);
      setSaid('Copied');
    } catch {
      // Pages that are not on this machine may not write there: what is selected can be copied by hand.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current);
      setSaid('Selected: copy it with Ctrl C');
    }
    setTimeout(() => setSaid(''), 3000);
  };
  return (
    <div class="command">
      <span>{title}</span>
      <code ref={code}>{line}</code>
      <button type="button" aria-label={`Copy: ${title}`} onClick={() => void copy()}>
        Copy
      </button>
      <span role="status" class="note">
        {said}
      </span>
    </div>
  );
}
