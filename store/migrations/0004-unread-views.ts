/** Drops views that nothing reads. */
export const migration4 = {
  version: 4,
  statements: ['pareto_values', 'further_candidates', 'current_verdicts', 'current_variant_values'].map(
    (view) => `DROP VIEW ${view}`,
  ),
};
