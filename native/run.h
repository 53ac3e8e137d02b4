/* Runs passes: parts over threads, a barrier after each pass. */
#ifndef NAS_RUN_H
#define NAS_RUN_H

#include "maps.h"
#include <pthread.h>
#include <sched.h>

/* How a pass is done. */
struct operation {
  void (*run)(const struct nas_pass *, const struct work *);
  int64_t (*scratch)(const struct nas_pass *); /* floats that a thread needs; NULL: none */
};

/* A barrier for a few threads that arrive at about the same time. Threads wait some tenths of a millisecond before they offer their
   core to others: beside a busy program, the core comes back only after a time slice. */
struct barrier {
  int threads; /* 0 until it is known how many could be started */
  int waiting, round;
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
    if (spins > 400000) sched_yield();
}

#ifdef __linux__
/* Cores that the caller may use. Some systems queue a new thread behind its creator for a time slice (3 ms) while another core is
   idle. So a thread begins on another core, and is free to move from there. */
struct cores {
  int count; /* 0: unknown */
  cpu_set_t set;
};

static void find_cores(struct cores *cores) {
  cores->count = sched_getaffinity(0, sizeof cores->set, &cores->set) == 0 ? CPU_COUNT(&cores->set) : 0;
}

/* Lets a new thread begin `steps` cores after this one. */
static void choose_core(const struct cores *cores, int steps, pthread_attr_t *attributes) {
  const int here = sched_getcpu();
  if (cores->count == 0 || here < 0) return;
  int core = here;
  while (steps > 0) {
    core = (core + 1) % CPU_SETSIZE;
    if (CPU_ISSET(core, &cores->set)) steps--;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  pthread_attr_setaffinity_np(attributes, sizeof one, &one);
}

static void allow_all_cores(const struct cores *cores) {
  if (cores->count > 0) sched_setaffinity(0, sizeof cores->set, &cores->set);
}
#else
struct cores {
  int count;
};
static void find_cores(struct cores *cores) { cores->count = 0; }
static void choose_core(const struct cores *cores, int steps, pthread_attr_t *attributes) { (void)cores, (void)steps, (void)attributes; }
static void allow_all_cores(const struct cores *cores) { (void)cores; }
#endif

struct runner {
  const struct nas_call *call;
  const struct operation *operations;
  struct barrier *barrier;
  const struct cores *cores;
  int thread;
};

/* Floats of scratch of each thread: rows begin at multiples of 64 bytes. */
INLINE int64_t scratch_row(const struct nas_call *call) { return call->scratch_floats / 16 * 16; }

/* A part of one pass. */
static void run_part(const struct runner *runner, int64_t pass, int part, int parts, int first, int last, int begins) {
  const struct nas_call *call = runner->call;
  const struct work work = {call->arena, call->scratch + runner->thread * scratch_row(call), part, parts, first, last, begins,
                            call->images, call->chunks};
  runner->operations[call->passes[pass].op].run(&call->passes[pass], &work);
}

/* Images of a group's step: one, or so many small ones that a tile of pixels is full. */
static int images_together(const struct nas_pass *pass) {
  const int64_t pixels = (int64_t)pass->h * pass->w;
  return pixels > 0 && pixels < 128 ? (int)(128 / pixels) : 1;
}

/* This thread's parts of the passes begin <= i < end, image by image where there are several. */
static void run_chunks(const struct runner *runner, int threads, int64_t begin, int64_t end) {
  const int64_t images = runner->call->images, chunks = runner->call->chunks;
  /* Neighbouring chunks of a thread: always the same ones, whose images are in its cache. */
  const int most = (int)(chunks * (runner->thread + 1) / threads);
  for (int chunk = (int)(chunks * runner->thread / threads); chunk < most; chunk++) {
    const int first = (int)(images * chunk / chunks), last = (int)(images * (chunk + 1) / chunks);
    const int step = end - begin > 1 ? images_together(&runner->call->passes[begin]) : last - first;
    int from = first;
    do { /* once without images, too: partial sums begin at 0 */
      const int to = from + step < last ? from + step : last;
      for (int64_t i = begin; i < end; i++) run_part(runner, i, chunk, (int)chunks, from, to, from == first);
      from += step;
    } while (from < last);
  }
}

static void *run_thread(void *argument) {
  const struct runner *runner = argument;
  const struct nas_call *call = runner->call;
  if (runner->thread > 0) allow_all_cores(runner->cores);
  int threads;
  while ((threads = __atomic_load_n(&runner->barrier->threads, __ATOMIC_ACQUIRE)) == 0) sched_yield();
  for (int64_t i = 0, next; i < call->count; i = next) {
    const int group = call->passes[i].group;
    for (next = i + 1; group != 0 && next < call->count && call->passes[next].group == group;) next++;
    if (group < 0) {
      for (int64_t p = i + runner->thread; p < next; p += threads) run_part(runner, p, 0, 1, 0, call->images, 1);
    } else {
      run_chunks(runner, threads, i, next);
    }
    wait_for_all(runner->barrier);
  }
  return 0;
}

static int start_thread(pthread_t *thread, struct runner *runner) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return 0;
  choose_core(runner->cores, runner->thread, &attributes);
  const int started = pthread_create(thread, &attributes, run_thread, runner) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}

enum { MOST_THREADS = 64 };

/* Runs all passes on `threads` threads, or on fewer where there are fewer cores or threads cannot be started: with the same results. */
static inline void run_all(const struct nas_call *call, const struct operation *operations) {
  struct runner runners[MOST_THREADS];
  pthread_t threads[MOST_THREADS];
  int wanted = call->threads < call->chunks ? call->threads : call->chunks, started = 1;
  if (wanted > MOST_THREADS) wanted = MOST_THREADS;
  struct barrier barrier = {0, 0, 0};
  struct cores cores;
  find_cores(&cores);
  if (cores.count > 0 && wanted > cores.count) wanted = cores.count;
  for (int t = 0; t < wanted; t++) runners[t] = (struct runner){call, operations, &barrier, &cores, t};
  while (started < wanted && start_thread(&threads[started], &runners[started])) started++;
  __atomic_store_n(&barrier.threads, started, __ATOMIC_RELEASE);
  run_thread(&runners[0]);
  for (int t = 1; t < started; t++) pthread_join(threads[t], 0);
}

#endif
