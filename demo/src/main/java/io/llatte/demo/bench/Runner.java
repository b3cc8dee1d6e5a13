package io.llatte.demo.bench;

/// Does workloads, of those that it was opened for.
interface Runner extends AutoCloseable {

    /// Does as much of a workload as makes the next run as fast as any after it.
    void warmUp(Workload workload);

    /// Does a workload once.
    Sample run(Workload workload);

    /// The memory of the context that does them.
    Footprint footprint();

    @Override
    void close();
}
