/** Of a run that goes on, what depends on the time is told anew after so many ms, though nothing was written. */
export const pacing = 10_000;

/**
 * A run is not looked at for this many times what the last look took of a processor, which the search needs: watching many
 * long runs stays a light load.
 */
export const rest = 50;
