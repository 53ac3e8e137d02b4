import { useRun } from '../../app/current-run.js';

export default function CompareTrialsPage() {
  const { info } = useRun();
  return (
    <section>
      <h2>Compare trials</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
