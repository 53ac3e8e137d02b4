import { useEffect, useState } from 'preact/hooks';

interface Props {
  readonly text: string;
  /** What is copied, for those who do not see where the button stands. */
  readonly label: string;
}

/** Puts a text on the clipboard; not there where the browser has none for this page (without TLS, beyond loopback). */
export function CopyButton({ text, label }: Props) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  if (!isSecureContext) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('Not allowed'),
    );
  return (
    <button type="button" aria-label={`Copy ${label}`} onClick={() => void copy()}>
      <span aria-live="polite">{said ?? 'Copy'}</span>
    </button>
  );
}
