using System.Text.RegularExpressions;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A database whose rows a test writes itself, and what a client lists and counts of them.</summary>
public abstract partial class FilledSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private protected static WorkflowDefinition<string, string> Echo { get; } =
        Workflow.Define<string, string>("echo").Step("work", x => Task.FromResult(x.Input)).As(out var made).Return(x => x.Get(made));

    private protected CallFaults Faults { get; } = new();

    private protected static DateTimeOffset At(double ms) => DateTimeOffset.UnixEpoch.AddMilliseconds(ms);

    private protected static async Task<string> IdsAsync(WorkflowClient client, WorkflowFilter? filter) => string.Join(
        ' ', (await client.ListAsync(filter, Cancel).ToListAsync(Cancel).AsTask().Within(Bounded.Limit)).Select(status => status.Id));

    private protected static async Task<string> CountsAsync(
        WorkflowClient client, CountBy by, WorkflowFilter? filter = null) => string.Join(
        ", ",
        (await client.CountAsync(filter, by, Cancel))
        .Select(row => $"{row.Key} {row.Count} {row.Oldest!.Value.ToUnixTimeMilliseconds()}"));

    /// <summary>A client of a database with so many rows, changed as a test asks; <c>n</c> is the number of a row.</summary>
    private protected async Task<WorkflowClient> FilledAsync(int count, params string[] changes)
    {
        // Nobody serves the application of these rows.
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, Faults));
        await Database.ExecuteAsync(
            $"""
            WITH RECURSIVE r (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {count - 1})
            INSERT INTO workflow_status (workflow_uuid, status, name, application_name, created_at, updated_at, serialization, priority)
            SELECT 'w' || n, 'SUCCESS', 'echo', 'elsewhere', 1000, 1000, 'dotnet_msgpack', n FROM r WHERE n < {count}
            """);
        foreach (var change in changes)
        {
            await Database.ExecuteAsync($"UPDATE workflow_status SET {RowNumber().Replace(change, "priority")}");
        }

        return engine;
    }

    [GeneratedRegex(@"\bn\b")]
    private static partial Regex RowNumber();
}
