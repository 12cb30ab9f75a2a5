using Dbos.Fluent.Tests.Worker.Chaos;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Thousands of workflows of every kind in several processes, under every fault at once.</summary>
/// <remarks>
/// The clocks of two processes jump by up to three seconds; the machine's own clock, which the server and the other tests share, cannot be
/// moved. On a slow machine many workflows end only after the last fault, and the run takes longer by that.
/// </remarks>
// Alone: beside other tests its processes would take the time that those have for their leases.
[Collection("chaos")]
[CollectionDefinition("chaos", DisableParallelization = true)]
public sealed class PostgresChaosTests(SharedPostgres shared)
{
    private const int WorkflowCount = 5000;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Thirty_seconds_of_chaos_lose_nothing_double_nothing_and_leave_nothing_over()
    {
        // Tells whether there is an installation; the run itself has a server of its own, which it restarts.
        await shared.ConnectAsync();
        _ = Seeds.Next(out var seed);
        var output = TestContext.Current.TestOutputHelper;

        var verdict = await ChaosRun.RunAsync(
            new ChaosOptions(seed, WorkflowCount, Duration),
            line => output?.WriteLine(line),
            TestContext.Current.CancellationToken);

        output?.WriteLine(verdict.Summary);
        Breaches.None(verdict.Breaches);
    }
}
