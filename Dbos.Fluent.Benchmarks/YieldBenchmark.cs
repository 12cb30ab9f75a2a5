using BenchmarkDotNet.Attributes;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Replays a recorded workflow of many steps in memory.</summary>
[MemoryDiagnoser]
public class YieldBenchmark
{
    private const int Yields = 1000;

    private Replayer replayer = null!;

    /// <summary>Records the history.</summary>
    [GlobalSetup]
    public void Record() => replayer = new Replayer(Yields);

    /// <summary>One yield of a run that is replayed from the first step to the last.</summary>
    [Benchmark(OperationsPerInvoke = Yields)]
    public Task Restored() => replayer.ReplayAsync();

    /// <summary>The part of it that is deserialization.</summary>
    [Benchmark(OperationsPerInvoke = Yields)]
    public int DecodedOnly() => replayer.DecodeAll();

    /// <summary>The iterator and its descriptors alone, driven by a loop.</summary>
    [Benchmark(OperationsPerInvoke = Yields)]
    public Task IteratedOnly() => Replayer.IterateAsync(Yields);
}
