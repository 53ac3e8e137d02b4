import { useRun } from '../../app/current-run.js';

export default function TrialsPage() {
  const { info } = useRun();
  return (
    <section>
      <h2>Trials</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
