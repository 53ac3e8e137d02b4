"""Searches a table of results with Optuna. Reads a job (JSON) from standard input, prints one line of JSON per seed.

The job: choices (number of choices per decision), rows (choice indices per row), objectives (values by row, direction),
sampler (nsga2 or tpe), budget and seeds. Storage is in memory. Every trial counts, including repeated ones.
"""

import json
import sys
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)

SAMPLERS = {
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(multivariate=True, seed=seed),
}


def search(job, seed, row_of):
    directions = [objective["direction"] for objective in job["objectives"]]
    study = optuna.create_study(directions=directions, sampler=SAMPLERS[job["sampler"]](seed))
    rows = []
    start = time.perf_counter()
    for _ in range(job["budget"]):
        trial = study.ask()
        # Categorical: the order of operations has no meaning.
        genotype = tuple(
            trial.suggest_categorical(f"decision{i}", list(range(count))) for i, count in enumerate(job["choices"])
        )
        row = row_of[genotype]
        rows.append(row)
        study.tell(trial, [objective["values"][row] for objective in job["objectives"]])
    ms = 1000 * (time.perf_counter() - start) / job["budget"]
    return {"rows": rows, "ms": ms}


def main():
    import warnings

    warnings.simplefilter("ignore")
    job = json.load(sys.stdin)
    row_of = {tuple(genotype): row for row, genotype in enumerate(job["rows"])}
    for seed in job["seeds"]:
        print(json.dumps(search(job, seed, row_of)), flush=True)


main()
