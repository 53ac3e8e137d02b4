import { useRun } from '../../app/current-run.js';

export default function ProvenancePage() {
  const { info } = useRun();
  return (
    <section>
      <h2>Provenance</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
