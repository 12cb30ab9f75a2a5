using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Dbos.Fluent.Benchmarks;

/// <summary>What a yield costs whose outcome is restored from history: time and memory for each, deserialization included.</summary>
internal static class YieldMode
{
    public static int Run()
    {
        var config = ManualConfig.Create(DefaultConfig.Instance)
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .WithOptions(ConfigOptions.DisableOptimizationsValidator | ConfigOptions.JoinSummary);
        BenchmarkRunner.Run<YieldBenchmark>(config);
        return 0;
    }
}
