/** A picture that was drawn as SVG here, which wrote what users gave as text. */
export const Drawn = ({ svg }: { readonly svg: string }) => (
  <figure class="drawn" dangerouslySetInnerHTML={{ __html: svg }} />
);
