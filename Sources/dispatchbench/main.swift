// Measures the dispatcher: `dispatchbench scale | quality | cost`.
runBench()
