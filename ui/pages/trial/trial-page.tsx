import { useRun } from '../../app/current-run.js';

export default function TrialPage() {
  const { info } = useRun();
  return (
    <section>
      <h2>Trial</h2>
      <p>{info.run.name}</p>
    </section>
  );
}
