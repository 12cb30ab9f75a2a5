using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Many starts in one transaction: all of them, or none.</summary>
public abstract class StartManyStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task All_are_written_in_one_transaction_and_answered_in_their_order()
    {
        await using var bed = await Fixture.CreateAsync();

        var results = await bed.Store.Queues.StartManyAsync(
            [.. Enumerable.Range(0, 500).Select(number => A.Start(A.Enqueued($"w{number:000}")))], Cancel);

        Assert.All(results, result => Assert.Equal(new CommitResult(CommitStatus.Written, CreatedAtMs: bed.Time.NowMs), result));
        Assert.Equal(500, results.Count);
        Assert.Equal(500, await bed.CountAsync("workflow_status"));
        Assert.Equal(500, await bed.CountAsync("workflow_input"));
        HasColumns(
            await bed.RowAsync("w007"),
            ("status", "ENQUEUED"), ("queue_name", A.Queue), ("owner_xid", null), ("creator_xid", "creator of w007"));
        HasColumns(await bed.RowAsync("w007", "workflow_input"), ("inputs", "input of w007"));
    }

    [Fact]
    public async Task Each_has_its_own_options()
    {
        await using var bed = await Fixture.CreateAsync();

        await StartAsync(
            bed,
            Queueing.Delayed("later", 5_000) with { Queue = A.InternalQueue },
            A.Enqueued("full") with
            {
                Priority = 3,
                DeduplicationId = "only one",
                PartitionKey = "north",
                TimeoutMs = 1_000,
                ParentId = "parent",
                Input = new Payload("{}", A.Portable),
                AttributesJson = """{"tenant":"acme"}""",
            });

        HasColumns(
            await bed.RowAsync("later"),
            ("status", "DELAYED"), ("delay_until_epoch_ms", bed.Time.NowMs + 5_000), ("queue_name", A.InternalQueue));
        HasColumns(
            await bed.RowAsync("full"),
            ("priority", 3),
            ("deduplication_id", "only one"),
            ("queue_partition_key", "north"),
            ("workflow_timeout_ms", 1_000),
            ("workflow_deadline_epoch_ms", null),
            ("parent_workflow_id", "parent"),
            ("serialization", A.Portable));
        Assert.Contains("acme", (await bed.Store.Workflows.ReadAsync("full", Cancel))!.AttributesJson);
    }

    [Fact]
    public async Task Nothing_to_start_is_nothing_written()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Empty(await StartAsync(bed));
        Assert.Equal(0, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Existing_id_of_the_same_name_is_attached_and_the_others_are_written()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "old");
        var before = await bed.RowAsync("old");

        var results = await StartAsync(bed, A.Enqueued("a"), A.Enqueued("old"), A.Enqueued("b"));

        Assert.Equal([CommitStatus.Written, CommitStatus.Attached, CommitStatus.Written], results.Select(result => result.Status));
        Assert.Equal(new ExistingWorkflow("old", A.Name, WorkflowState.Pending), results[1].Existing);
        Assert.Equal(before, await bed.RowAsync("old"));
    }

    [Fact]
    public async Task One_refused_id_leaves_nothing_of_the_others()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "old");
        var before = await bed.DumpAsync();

        var named = await StartAsync(bed, A.Enqueued("a"), A.Enqueued("old") with { Name = "refund" }, A.Enqueued("b"));
        var rejected = await bed.Store.Queues.StartManyAsync(
            [A.Start(A.Enqueued("a")), A.Start(A.Enqueued("old")) with { RejectExisting = true }], Cancel);

        Assert.Equal((3, CommitStatus.NameConflict), (named.Count, named[1].Status));
        Assert.Equal((2, CommitStatus.IdInUse), (rejected.Count, rejected[1].Status));
        Assert.Equal("old", rejected[1].Existing!.Id);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task One_held_deduplication_id_leaves_nothing_of_the_others()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("holder") with { DeduplicationId = "only one" });
        var before = await bed.DumpAsync();

        var results = await StartAsync(bed, A.Enqueued("a"), A.Enqueued("b") with { DeduplicationId = "only one" });

        Assert.Equal(CommitStatus.Deduplicated, results[1].Status);
        Assert.Equal("holder", results[1].Existing!.Id);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Deduplication_id_that_stands_twice_in_a_batch_refuses_all_of_it()
    {
        await using var bed = await Fixture.CreateAsync();

        var results = await StartAsync(
            bed,
            A.Enqueued("a") with { DeduplicationId = "only one" },
            A.Enqueued("b"),
            A.Enqueued("c") with { DeduplicationId = "only one" });

        Assert.Contains(results, result => result.Status == CommitStatus.Deduplicated);
        Assert.Equal(0, await bed.CountAsync("workflow_status"));
        Assert.Equal(0, await bed.CountAsync("workflow_input"));
    }

    [Fact]
    public async Task Id_that_stands_twice_in_a_batch_is_written_once()
    {
        await using var bed = await Fixture.CreateAsync();

        var results = await StartAsync(bed, A.Enqueued("a"), A.Enqueued("a") with { Token = "another" });

        Assert.Equal([CommitStatus.Written, CommitStatus.Attached], results.Select(result => result.Status));
        HasColumns(await bed.RowAsync("a"), ("creator_xid", "creator of a"));
    }

    [Fact]
    public async Task Batch_whose_acknowledgement_was_lost_is_written_when_it_comes_again()
    {
        await using var bed = await Fixture.CreateAsync();
        WorkflowInsert[] rows = [A.Enqueued("a") with { DeduplicationId = "only one" }, A.Enqueued("b"), A.Enqueued("c")];
        var first = await StartAsync(bed, rows);
        await ClaimIdsAsync(bed.Store, A.Claim("token", limit: 1));
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(first, await StartAsync(bed, rows));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Text_that_the_database_cannot_hold_leaves_nothing_of_the_others()
    {
        await using var bed = await Fixture.CreateAsync();

        // PostgreSQL holds no NUL in a text; SQLite does.
        var fault = await Record.ExceptionAsync(() => StartAsync(bed, A.Enqueued("a"), A.Enqueued("b") with { PartitionKey = "\0" }));

        Assert.Equal(fault is null ? 2 : 0, await bed.CountAsync("workflow_status"));
    }

    private static Task<IReadOnlyList<CommitResult>> StartAsync(StoreBed bed, params WorkflowInsert[] rows) =>
        bed.Store.Queues.StartManyAsync([.. rows.Select(A.Start)], Cancel);
}
