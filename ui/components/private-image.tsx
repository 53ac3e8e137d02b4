import { useEffect, useState } from 'preact/hooks';
import { urlOf } from '../data/files.js';
import { useAnswer } from '../data/use-answer.js';

/** An image that needs the token. Without it, the browser shows its name. */
export function PrivateImage({ address, name }: { readonly address: string; readonly name: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const gone = new AbortController();
    const shown = urlOf(address, gone.signal);
    shown.then(setUrl, () => undefined);
    return () => {
      gone.abort();
      shown.then(
        (made) => URL.revokeObjectURL(made),
        () => undefined,
      );
    };
  }, [address]);
  return <img src={url} alt={name} />;
}

/** The name of an image of a data set. */
export const nameOf = ({ path, row }: { readonly path?: string | undefined; readonly row: number }): string =>
  path ?? `image ${row} of the data set`;

/** Whether this browser may see images of data sets. */
export const useMayShow = (): boolean => useAnswer({ address: '/api/access', parameters: {} }).answer?.images ?? false;

export const needsToken = 'Images are shown to browsers that opened the printed address with its token.';
