namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Two applications in one database: whatever one of them has left overdue is nobody else's. Scenarios RC, VP.</summary>
public abstract class NeighbourSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const string Theirs = "another application";

    // In each state in which an engine would take it up, wake it, end it or delete it, were it of its own application; {0} is whose it is.
    private static readonly (string Id, string Status, string Columns)[] Left =
    [
        ("enqueued", "ENQUEUED", "queue_name = '{0} queue'"),
        ("drained", "ENQUEUED", "queue_name = '_dbos_internal_queue', recovery_attempts = 1"),
        ("delayed", "DELAYED", "queue_name = '{0} queue', delay_until_epoch_ms = 1"),
        ("parked", "DELAYED", "queue_name = '_dbos_internal_queue', delay_until_epoch_ms = 1, recovery_attempts = 1"),
        ("running", "PENDING", "owner_xid = 'lost', executor_id = 'dead', recovery_attempts = 1"),
        ("expired", "PENDING", "owner_xid = 'lost', executor_id = 'dead', workflow_deadline_epoch_ms = 1, recovery_attempts = 1"),
        ("ended", "SUCCESS", "completed_at = 1"),
    ];

    [Fact]
    public async Task What_an_application_left_in_any_state_is_touched_by_no_engine_of_another()
    {
        var quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("ours queue") { Concurrency = 5 }), quick);
        await engine.RunAsync(quick, 7, "seed");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await LeaveAsync("theirs", Theirs);
        await LeaveAsync("ours", "tests");
        var before = await RowsAsync("theirs");

        engine = await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(1), quick);
        foreach (var id in new[] { "enqueued", "drained", "delayed", "parked", "running" })
        {
            Assert.Equal(7, await engine.ResultAsync<int>($"ours {id}"));
        }

        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<int>("ours expired").CancellationAsync());
        Assert.Equal(0, await engine.RecoverAsync(cancellationToken: Cancel));
        Assert.Equal(0, await engine.RecoverAsync(["dead"], Cancel));
        Assert.Equal(8, (await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.Zero }, Cancel)).Workflows);
        Assert.Equal(before, await RowsAsync("theirs"));
        Assert.Equal("", await RowsAsync("ours"));

        // Their own engine does with them what ours did with ours.
        var their = await LaunchAsync(
            options =>
            {
                (options.ApplicationName, options.ExecutorId, options.Lease) = (Theirs, "theirs", TimeSpan.FromSeconds(1));
                options.Add(new WorkflowQueue("theirs queue") { Concurrency = 5 });
            },
            quick);
        foreach (var id in new[] { "enqueued", "drained", "delayed", "parked", "running" })
        {
            Assert.Equal(7, await their.ResultAsync<int>($"theirs {id}"));
        }
    }

    private async Task LeaveAsync(string whose, string application)
    {
        foreach (var (id, status, columns) in Left)
        {
            await Database.ExecuteAsync(
                $"""
                INSERT INTO workflow_input (workflow_uuid, inputs)
                SELECT '{whose} {id}', inputs FROM workflow_input WHERE workflow_uuid = 'seed'
                """);
            await Database.ExecuteAsync(
                $"""
                INSERT INTO workflow_status (workflow_uuid, status, name, application_name, application_version, serialization, priority,
                       recovery_attempts, created_at, updated_at)
                SELECT '{whose} {id}', '{status}', name, '{application}', application_version, serialization, priority, 0, created_at, 1
                  FROM workflow_status WHERE workflow_uuid = 'seed'
                """);
            var changes = columns.Replace("{0}", whose, StringComparison.Ordinal);
            await Database.ExecuteAsync($"UPDATE workflow_status SET {changes} WHERE workflow_uuid = '{whose} {id}'");
        }

        await Database.ExecuteAsync(
            "INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token) "
            + $"VALUES ('{whose} parked', 0, 0, 'time', '', '', '', 1, 't')");
    }

    private async Task<string> RowsAsync(string whose) => string.Join(
        '\n',
        (await Database.QueryAsync($"SELECT * FROM workflow_status WHERE workflow_uuid LIKE '{whose} %' ORDER BY workflow_uuid"))
        .Concat(await Database.QueryAsync($"SELECT * FROM fluent_waits WHERE workflow_uuid LIKE '{whose} %'"))
        .Select(row => string.Join('|', row)));
}
