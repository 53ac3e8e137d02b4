/* Runs passes: parts over threads, a barrier after each pass. */
#ifndef NAS_RUN_H
#define NAS_RUN_H

#include "maps.h"
#include <pthread.h>
#include <sched.h>

typedef void operation(const struct nas_pass *, const struct work *);

/* A barrier for a few threads that arrive at about the same time. */
struct barrier {
  int threads, waiting, round;
};

static void wait_for_all(struct barrier *barrier) {
  if (barrier->threads == 1) return;
  const int round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&barrier->waiting, 1, __ATOMIC_ACQ_REL) == barrier->threads) {
    __atomic_store_n(&barrier->waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int spins = 0; __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) == round; spins++)
    if (spins > 4000) sched_yield(); /* others may need this core */
}

struct runner {
  const struct nas_call *call;
  operation *const *operations;
  struct barrier *barrier;
  int thread;
};

static void *run_thread(void *argument) {
  const struct runner *runner = argument;
  const struct nas_call *call = runner->call;
  const int chunks = call->chunks;
  /* Neighbouring chunks of a thread: always the same ones, whose images are in its cache. */
  const int begin = (int)((int64_t)chunks * runner->thread / call->threads);
  const int end = (int)((int64_t)chunks * (runner->thread + 1) / call->threads);
  for (int64_t i = 0, next; i < call->count; i = next) {
    for (next = i + 1; next < call->count && call->passes[i].group > 0 && call->passes[next].group == call->passes[i].group;) next++;
    for (int chunk = begin; chunk < end; chunk++) {
      const int first = (int)((int64_t)call->images * chunk / chunks);
      const int last = (int)((int64_t)call->images * (chunk + 1) / chunks);
      const int step = next - i > 1 ? 1 : last - first;
      int from = first;
      do { /* once without images, too: partial sums begin at 0 */
        for (int64_t p = i; p < next; p++) {
          const struct work work = {call->arena, call->scratch + runner->thread * call->scratch_floats, chunk, chunks,
                                    from, from + step < last ? from + step : last, from == first, call->images, chunks};
          runner->operations[call->passes[p].op](&call->passes[p], &work);
        }
        from += step;
      } while (from < last);
    }
    wait_for_all(runner->barrier);
  }
  return 0;
}

enum { MOST_THREADS = 64 };

/* Runs all passes on `threads` threads, or on fewer where threads cannot be started. */
static void run_all(struct nas_call call, operation *const *operations) {
  struct runner runners[MOST_THREADS];
  pthread_t threads[MOST_THREADS];
  if (call.threads > call.chunks) call.threads = call.chunks;
  if (call.threads > MOST_THREADS) call.threads = MOST_THREADS;
  struct barrier barrier = {call.threads, 0, 0};
  int started = 1;
  /* TODO threads that do not start: every started thread reads call.threads only after all have started. */
  for (int t = 0; t < call.threads; t++) runners[t] = (struct runner){&call, operations, &barrier, t};
  for (; started < call.threads; started++)
    if (pthread_create(&threads[started], 0, run_thread, &runners[started]) != 0) break;
  run_thread(&runners[0]);
  for (int t = 1; t < started; t++) pthread_join(threads[t], 0);
}

#endif
