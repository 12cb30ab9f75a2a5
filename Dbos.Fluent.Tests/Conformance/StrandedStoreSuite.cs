using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Unfinished work that no live engine would take is found, wherever it stands. Scenarios RC-07 and VP-02.</summary>
public abstract class StrandedStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Work_that_nobody_takes_is_found_in_every_state_and_behind_any_backlog()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line);
        await RegisterAsync(bed, A.ExecutorId, A.Version, ("checkout", "new"), ("kept", "same"));
        await RegisterAsync(bed, "expired", "v0", ("checkout", "old"), ("kept", "same"), ("dropped", "old"));
        await bed.Store.Executors.ExpireAsync("expired", "first launch", Cancel);
        var (waiting, delayed) = (A.Enqueued("taken"), Queueing.Delayed("delayed"));
        await EnqueueAsync(
            bed,
            [
                .. Enumerable.Range(1, 4).Select(number => waiting with { Id = $"taken {number}" }),
                waiting with { Id = "same code", Name = "kept", ApplicationVersion = "v0" },
                waiting with { Id = "old 1", ApplicationVersion = "v0" },
                waiting with { Id = "of none", Name = "unknown", ApplicationName = null, ApplicationVersion = null },
                waiting with { Id = "of none, elsewhere", Name = "unknown", ApplicationName = null, Queue = "theirs" },
                waiting with { Id = "theirs", Name = "unknown", ApplicationName = A.OtherApplication },
                waiting with { Id = "old 2", ApplicationVersion = "v0" },
            ]);
        await EnqueueAsync(bed, delayed, delayed with { Id = "long", Name = "dropped", ApplicationVersion = "v0" });
        await RunningAsync(bed, "running");
        await RunningAsync(bed, A.Direct("left") with { Name = "dropped", ApplicationVersion = "v0", ExecutorId = "expired" });
        await RunningAsync(bed, A.Direct("left by them") with { Name = "dropped", ApplicationName = A.OtherApplication });

        Assert.Equal("v0 checkout 2 old 1, any unknown 1 of none", await ReadAsync(bed, WorkflowState.Enqueued));
        Assert.Equal("v0 dropped 1 long", await ReadAsync(bed, WorkflowState.Delayed));
        Assert.Equal("v0 dropped 1 left", await ReadAsync(bed, WorkflowState.Pending));
    }

    private static Task<RegisterResult> RegisterAsync(
        StoreBed bed, string id, string version, params (string Name, string Fingerprint)[] code) =>
        bed.Store.Executors.RegisterAsync(
            A.Executor(id) with
            {
                ApplicationVersion = version,
                Workflows = [.. code.Select(one => new WorkflowCode(one.Name, one.Fingerprint))],
            },
            Cancel);

    // In the smallest pages there are, so that each begins behind the last.
    private static async Task<string> ReadAsync(StoreBed bed, WorkflowState state)
    {
        var found = new List<StrandedRow>();
        for (PageKey? after = PageKey.BeforeAll; after is { } place;)
        {
            var page = await bed.Store.Versions.ReadStrandedAsync(new(A.Application, state, place, 1), Cancel);
            found.AddRange(page.Rows);
            after = page.Last;
        }

        return string.Join(
            ", ",
            found.GroupBy(row => (row.Version, row.Name))
                .Select(kind => $"{kind.Key.Version ?? "any"} {kind.Key.Name} {kind.Sum(row => row.Count)} {kind.First().ExampleId}"));
    }
}
