"""scikit-learn's logistic regression on the features of bench/head.ts; prints accuracies of the test images and CPU seconds."""

import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy  # noqa: E402
import sklearn  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

folder, ridge = sys.argv[1], float(sys.argv[2])
read = lambda name: numpy.load(os.path.join(folder, name + ".npy"))
scaler = StandardScaler()
train, test = scaler.fit_transform(read("train")), scaler.transform(read("test"))
own, other = read("train-targets").argmax(1), read("test-targets").argmax(1)
models = {
    "scikit-learn, the same ridge": LogisticRegression(C=1 / (ridge * len(train)), max_iter=1000),
    "scikit-learn, its default C": LogisticRegression(max_iter=1000),
}
rows = []
for name, model in models.items():
    start = time.process_time()
    model.fit(train, own)
    seconds = time.process_time() - start
    rows.append({"name": name, "accuracy": float((model.predict(test) == other).mean()), "seconds": seconds})
print(json.dumps({"version": sklearn.__version__, "rows": rows}))
