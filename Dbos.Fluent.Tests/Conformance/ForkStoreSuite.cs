using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Forking workflows: the new rows and the source's, column by column. Scenarios FK.</summary>
public abstract class ForkStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task A_fork_is_a_new_row_and_its_source_is_only_marked()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);
        var source = await bed.RowAsync("source");
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(ForkStatus.Forked, (await ForkAsync(bed, new ForkCut(2, null))).Status);

        HasColumns(
            await bed.RowAsync("fork"),
            ("status", "ENQUEUED"),
            ("name", A.Name),
            ("forked_from", "source"),
            ("queue_name", A.InternalQueue),
            ("application_name", A.Application),
            ("application_version", A.Version),
            ("serialization", A.Native),
            ("executor_id", null),
            ("owner_xid", null),
            ("creator_xid", null),
            ("queue_partition_key", null),
            ("deduplication_id", null),
            ("priority", 0),
            ("recovery_attempts", 0),
            ("workflow_timeout_ms", null),
            ("workflow_deadline_epoch_ms", null),
            ("parent_workflow_id", null),
            ("attributes", null),
            ("schedule_name", null),
            ("started_at_epoch_ms", null),
            ("completed_at", null),
            ("was_forked_from", 0),
            ("created_at", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs));
        HasColumns(
            await bed.RowAsync("fork", "workflow_input"), ("inputs", "input of source"), ("retention_timestamp", bed.Time.NowMs));
        Assert.Empty(await bed.QueryAsync("SELECT 1 FROM workflow_output WHERE workflow_uuid = 'fork'"));
        var marked = new Dictionary<string, object?>(source) { ["was_forked_from"] = 1L };
        Assert.Equal(marked, await bed.RowAsync("source"));
    }

    [Fact]
    public async Task Values_of_a_stream_are_numbered_without_gaps_where_one_between_them_is_not_copied()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);
        await bed.ExecuteAsync(
            """
            INSERT INTO streams (workflow_uuid, key, value, "offset", function_id)
            VALUES ('source', 'gaps', 'late', 0, 9), ('source', 'gaps', 'first', 1, 0), ('source', 'gaps', 'second', 2, 1)
            """);

        await ForkAsync(bed, new ForkCut(2, null));

        var values = await bed.QueryAsync(
            "SELECT \"offset\" AS place, value FROM streams WHERE workflow_uuid = 'fork' AND key = 'gaps' ORDER BY 1");
        Assert.Equal(["0 first", "1 second"], values.Select(row => $"{row["place"]} {row["value"]}"));
    }

    [Fact]
    public async Task An_input_that_was_left_under_the_id_of_the_fork_gives_way()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);
        await bed.ExecuteAsync("INSERT INTO workflow_input (workflow_uuid, inputs) VALUES ('fork', 'left behind')");

        Assert.Equal(ForkStatus.Forked, (await ForkAsync(bed, new ForkCut(2, null))).Status);

        HasColumns(await bed.RowAsync("fork", "workflow_input"), ("inputs", "input of source"));
    }

    [Fact]
    public async Task Copied_steps_keep_their_times_and_children_are_replaced()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);
        await bed.ExecuteAsync(
            "UPDATE operation_outputs SET child_workflow_id = 'child ' || function_id, application_name = 'shop' "
            + "WHERE workflow_uuid = 'source'");

        await ForkAsync(
            bed,
            new ForkCut(2, null),
            new ForkOptions { ReplacedChildren = new Dictionary<string, string> { ["child 1"] = "taker" } });

        var steps = await bed.QueryAsync("SELECT * FROM operation_outputs WHERE workflow_uuid = 'fork' ORDER BY function_id");
        Assert.Equal(2, steps.Count);
        HasColumns(
            steps[0],
            ("output", "output of 0"),
            ("function_name", "step"),
            ("serialization", A.Native),
            ("child_workflow_id", "child 0"),
            ("application_name", A.Application),
            ("started_at_epoch_ms", 1_000),
            ("completed_at_epoch_ms", 2_000),
            ("retention_timestamp", bed.Time.NowMs));
        HasColumns(steps[1], ("child_workflow_id", "taker"));
    }

    [Fact]
    public async Task Events_and_streams_are_those_of_the_copied_steps()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "source");
        await StatusesAsync(
            bed.Store, Some.Event(owner, 0, "k", "first"), Some.Write(owner, 1, "s", "a"), Some.Event(owner, 2, "k", "second"));
        await StatusesAsync(
            bed.Store, Some.Event(owner, 3, "late", "x"), Some.Write(owner, 4, "s", "b"), Some.Close(owner, 5, "s"));

        await ForkAsync(bed, new ForkCut(2, null));

        Assert.Equal("k=first", await EventsAsync(bed, "fork"));
        Assert.Equal("k=second, late=x", await EventsAsync(bed, "source"));
        var values = await bed.QueryAsync("""SELECT value, "offset", function_id FROM streams WHERE workflow_uuid = 'fork'""");
        Assert.Equal(("a", 0L, 1L), (values.Single()["value"], values[0]["offset"], values[0]["function_id"]));
        Assert.Equal(1L, (await bed.QueryAsync("SELECT count(*) AS n FROM workflow_events_history WHERE workflow_uuid = 'fork'"))[0]["n"]);
    }

    [Fact]
    public async Task Options_stand_in_the_row()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);

        await ForkAsync(bed, new ForkCut(0, null), new ForkOptions
        {
            ApplicationVersion = "v9",
            Queue = "line",
            PartitionKey = "north",
            Timeout = TimeSpan.FromMinutes(1),
        });

        HasColumns(
            await bed.RowAsync("fork"),
            ("application_version", "v9"),
            ("queue_name", "line"),
            ("queue_partition_key", "north"),
            ("workflow_timeout_ms", 60_000));
        Assert.Empty(await bed.QueryAsync("SELECT 1 FROM operation_outputs WHERE workflow_uuid = 'fork'"));
    }

    // The row that begins the undoing has the failure too, and the undos come after it.
    [Fact]
    public async Task Last_failure_is_that_of_the_workflows_own_way()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "source");
        CheckpointRow Failed(int sequence, string name) => A.Checkpoint(sequence, name) with { Output = null, Error = "error" };
        await CommitAsync(bed.Store, new CheckpointUnit(
            owner,
            [
                A.Checkpoint(0, "one"), Failed(1, "tolerated"), A.Checkpoint(2, "two"), Failed(3, "two"), A.Checkpoint(4, "after"),
                Failed(5, BuiltInNames.Compensating), Failed(6, "one.compensate"),
            ]));

        await ForkAsync(bed, new ForkCut(null, null));
        await ForkAsync(bed, new ForkCut(null, "two"), id: "by name");

        Assert.Equal(3, await StepsAsync(bed, "fork"));
        Assert.Equal(2, await StepsAsync(bed, "by name"));
        await bed.ExecuteAsync("UPDATE operation_outputs SET error = NULL WHERE workflow_uuid = 'source'");
        await ForkAsync(bed, new ForkCut(null, null), id: "no failure");
        Assert.Equal(4, await StepsAsync(bed, "no failure"));
    }

    [Fact]
    public async Task What_is_refused_has_changed_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);
        await EnqueueAsync(bed, A.Enqueued("taken"));
        var before = await bed.DumpAsync();

        Assert.Equal(ForkStatus.NoSource, (await ForkAsync(bed, new ForkCut(0, null), source: "unknown")).Status);
        Assert.Equal(ForkStatus.NoStep, (await ForkAsync(bed, new ForkCut(null, "unknown"))).Status);
        Assert.Equal(new ForkResult(ForkStatus.BeyondHistory, 2), await ForkAsync(bed, new ForkCut(4, null)));
        var inUse = await ForkAsync(bed, new ForkCut(1, null), id: "taken");
        Assert.Equal((ForkStatus.IdInUse, A.Name, WorkflowState.Enqueued), (inUse.Status, inUse.ExistingName, inUse.ExistingState));

        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task A_fork_whose_answer_was_lost_is_recognised()
    {
        await using var bed = await Fixture.CreateAsync();
        await SourceAsync(bed);
        await ForkAsync(bed, new ForkCut(2, null));
        var made = await bed.DumpAsync();

        Assert.Equal(ForkStatus.IdInUse, (await ForkAsync(bed, new ForkCut(2, null))).Status);
        var repeated = new ForkRequest("source", new ForkCut(2, null), "fork", new ForkOptions()) { IsRepeated = true };
        Assert.Equal(ForkStatus.Forked, (await bed.Store.Management.ForkAsync(repeated, Cancel)).Status);

        Assert.Equal(made, await bed.DumpAsync());
    }

    [Fact]
    public async Task A_fork_has_its_sources_origin_at_once_and_one_from_the_start_its_own()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("source"));
        var source = (await ClaimOneAsync(bed.Store, A.Claim("token"))).Origin;
        await CommitAsync(bed.Store, A.Checkpoints(new("source", "token"), 0));

        await ForkAsync(bed, new ForkCut(1, null));
        await ForkAsync(bed, new ForkCut(1, null), source: "fork", id: "fork of the fork");
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await ForkAsync(bed, new ForkCut(0, null), id: "anew");
        await bed.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid IN ('source', 'fork')");

        var claimed = (await bed.Store.Claims.ClaimAsync(A.Claim("next"), Cancel)).Claimed.ToDictionary(row => row.Id, row => row.Origin);
        Assert.Equal(source, claimed["fork of the fork"]);
        Assert.NotEqual(source.Seed, claimed["anew"].Seed);
        Assert.Equal(bed.Time.NowMs, claimed["anew"].StartedAtMs);
    }

    private static Task<ForkResult> ForkAsync(
        StoreBed bed, ForkCut cut, ForkOptions? options = null, string source = "source", string id = "fork") =>
        bed.Store.Management.ForkAsync(new ForkRequest(source, cut, id, options ?? new ForkOptions()), Cancel);

    // Three steps, ended, with everything that a fork does not take over.
    private static async Task SourceAsync(StoreBed bed)
    {
        var owner = await RunningAsync(bed, A.Direct("source") with
        {
            Priority = 3,
            ParentId = "parent",
            ScheduleName = "nightly",
            TimeoutMs = 5_000,
            AttributesJson = """{"a":1}""",
        });
        await CommitAsync(bed.Store, A.Checkpoints(owner, 0, 1, 2));
        await CommitAsync(bed.Store, A.Outcome(owner));
    }

    private static async Task<long> StepsAsync(StoreBed bed, string id) =>
        (long)(await bed.QueryAsync($"SELECT count(*) AS n FROM operation_outputs WHERE workflow_uuid = '{id}'"))[0]["n"]!;

    internal static async Task<string> EventsAsync(StoreBed bed, string id) => string.Join(
        ", ",
        (await bed.QueryAsync($"SELECT key, value FROM workflow_events WHERE workflow_uuid = '{id}' ORDER BY key"))
        .Select(row => $"{row["key"]}={row["value"]}"));
}
