using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Rewinding, deleting and marking workflows: what becomes of every row that belongs to them. Scenarios DL.</summary>
public abstract class RewindStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    /// <summary>Every table with rows of a workflow.</summary>
    internal static readonly string[] Tables =
    [
        "workflow_status", "workflow_input", "workflow_output", "operation_outputs", "notifications", "workflow_events",
        "workflow_events_history", "streams", "fluent_origins", "fluent_waits", "fluent_message_order",
        "fluent_generations",
    ];

    [Fact]
    public async Task Waits_of_a_parked_workflow_that_another_SDK_cancelled_are_forgotten()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, new ParkUnit(new("w", "token of w"), [Parking.ForMessage()]));
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED', completed_at = 1 WHERE workflow_uuid = 'w'");

        Assert.Equal(RewindStatus.Rewound, (await bed.Store.Management.RewindAsync(new("w", 0), Cancel)).Status);

        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        Assert.Equal(1, (await ClaimOneAsync(bed.Store, A.Claim("again"))).Attempt);
    }

    [Fact]
    public async Task A_rewound_workflow_is_as_it_was_before_the_step_and_enqueued()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, "w");
        await bed.ExecuteAsync("UPDATE workflow_status SET output = 'legacy', error = 'legacy', priority = 4");
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(
            new RewindResult(RewindStatus.Rewound, WorkflowState.Success, 6), await bed.Store.Management.RewindAsync(new("w", 2), Cancel));

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"),
            ("owner_xid", null),
            ("executor_id", A.ExecutorId),
            ("application_version", A.Version),
            ("application_name", A.Application),
            ("queue_name", A.InternalQueue),
            ("queue_partition_key", null),
            ("deduplication_id", null),
            ("priority", 4),
            ("recovery_attempts", 0),
            ("workflow_timeout_ms", 60_000),
            ("workflow_deadline_epoch_ms", null),
            ("started_at_epoch_ms", null),
            ("completed_at", null),
            ("output", null),
            ("error", null),
            ("updated_at", bed.Time.NowMs));
        Assert.Empty(await bed.QueryAsync("SELECT 1 FROM workflow_output"));
        Assert.Equal("0, 1", await ListAsync(bed, "SELECT function_id AS v FROM operation_outputs ORDER BY 1"));
        Assert.Equal("k=first", await ForkStoreSuite.EventsAsync(bed, "w"));
        Assert.Equal("0", await ListAsync(bed, "SELECT function_id AS v FROM workflow_events_history"));
        Assert.Equal("text of early", await ListAsync(bed, "SELECT message AS v FROM notifications"));
        Assert.Equal("a, b", await ListAsync(bed, """SELECT value AS v FROM streams ORDER BY "offset" """));
    }

    [Fact]
    public async Task Only_an_ended_workflow_is_rewound_within_its_history()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, "w");
        await RunningAsync(bed, "running");
        var before = await bed.DumpAsync();

        Assert.Equal(RewindStatus.NoWorkflow, (await bed.Store.Management.RewindAsync(new("unknown", 0), Cancel)).Status);
        Assert.Equal(
            new RewindResult(RewindStatus.NotEnded, WorkflowState.Pending),
            await bed.Store.Management.RewindAsync(new("running", 0), Cancel));
        Assert.Equal(
            new RewindResult(RewindStatus.BeyondHistory, WorkflowState.Success, 6),
            await bed.Store.Management.RewindAsync(new("w", 8), Cancel));

        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task A_deleted_workflow_leaves_nothing_behind()
    {
        await using var bed = await Fixture.CreateAsync();
        await EndedAsync(bed, "w");
        await Parking.ParkedAsync(bed, "parked", Parking.ForMessage("parked"));
        await bed.ExecuteAsync("INSERT INTO fluent_generations (workflow_uuid, generation) VALUES ('w', 1)");
        await bed.ExecuteAsync("INSERT INTO fluent_origins (workflow_uuid, seed, started_at) VALUES ('w', 1, 1)");
        foreach (var table in Tables)
        {
            Assert.True(await bed.CountAsync(table) > 0, $"{table} has nothing to lose.");
        }

        Assert.Equal(["w"], await bed.Store.Management.DeleteAsync(["w", "unknown", "w"], false, Cancel));
        Assert.Equal(["parked"], await bed.Store.Management.DeleteAsync(["parked"], true, Cancel));

        foreach (var table in Tables)
        {
            Assert.True(await bed.CountAsync(table) == 0, table);
        }
    }

    [Fact]
    public async Task Descendants_are_deleted_only_if_asked_for()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var family in (string[])["a", "b"])
        {
            var parent = await RunningAsync(bed, family);
            await CommitAsync(bed.Store, A.Child(parent, 0, A.Direct(family + "1")));
            await CommitAsync(bed.Store, A.Child(new(family + "1", $"token of {family}1"), 0, A.Direct(family + "2")));
            await CommitAsync(bed.Store, A.Outcome(parent));
        }

        Assert.Equal(["a"], await bed.Store.Management.DeleteAsync(["a"], false, Cancel));
        Assert.Equal(["b", "b1", "b2"], (await bed.Store.Management.DeleteAsync(["b"], true, Cancel)).Order());

        Assert.Equal("a1, a2", await ListAsync(bed, "SELECT workflow_uuid AS v FROM workflow_status ORDER BY 1"));
    }

    [Fact]
    public async Task A_deleted_run_writes_nothing_more_and_its_ids_are_free()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { DeduplicationId = "only one" });
        await ClaimOneAsync(bed.Store, A.Claim("token"));

        await bed.Store.Management.DeleteAsync(["w"], false, Cancel);

        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, A.Checkpoints(new("w", "token"), 0))).Status);
        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, A.Outcome(new("w", "token")))).Status);
        Assert.Null(Assert.Single(await bed.Store.Workflows.ReadLostAsync([new("w", "token")], Cancel)).State);
        await EnqueueAsync(bed, A.Enqueued("w") with { DeduplicationId = "only one" });
    }

    [Fact]
    public async Task Attributes_are_replaced_and_removed()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("w") with { AttributesJson = """{"a":1}""" });

        Assert.True(await bed.Store.Management.SetAttributesAsync("w", """{"b": 2}""", Cancel));
        Assert.Equal("""{"b": 2}""", (await bed.Store.Workflows.ReadAsync("w", Cancel))!.AttributesJson);
        Assert.True(await bed.Store.Management.SetAttributesAsync("w", null, Cancel));
        Assert.Null((await bed.Store.Workflows.ReadAsync("w", Cancel))!.AttributesJson);
        Assert.False(await bed.Store.Management.SetAttributesAsync("unknown", null, Cancel));
    }

    // Seven steps: an event, a message, then the event again, another, a stream that is closed; and messages read late and not at all.
    internal static async Task EndedAsync(StoreBed bed, string id)
    {
        var owner = await RunningAsync(bed, A.Direct(id) with { TimeoutMs = 60_000, PartitionKey = "north" });
        await StatusesAsync(bed.Store, Some.Send(Some.Message("early", id)));
        await StatusesAsync(bed.Store, Some.Event(owner, 0, "k", "first"));
        await StatusesAsync(bed.Store, Some.Receive(owner, 1));
        await StatusesAsync(bed.Store, Some.Send(Some.Message("late", id)));
        await StatusesAsync(bed.Store, Some.Event(owner, 2, "k", "second"));
        await StatusesAsync(bed.Store, Some.Event(owner, 3, "other", "x"));
        await StatusesAsync(bed.Store, Some.Write(owner, 4, "s", "a", "b"));
        await StatusesAsync(bed.Store, Some.Close(owner, 5, "s"));
        await StatusesAsync(bed.Store, Some.Receive(owner, 6));
        await StatusesAsync(bed.Store, Some.Send(Some.Message("unread", id)));
        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, A.Outcome(owner))).Status);
    }

    private static async Task<string> ListAsync(StoreBed bed, string sql) =>
        string.Join(", ", (await bed.QueryAsync(sql)).Select(row => row["v"]));
}
