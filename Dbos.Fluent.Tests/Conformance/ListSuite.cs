using System.Text.RegularExpressions;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Listing and counting workflows. Scenarios LS.</summary>
public abstract partial class ListSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<string, string> Echo =
        Workflow.Define<string, string>("echo").Step("work", x => Task.FromResult(x.Input)).As(out var made).Return(x => x.Get(made));

    private readonly CallFaults faults = new();

    // LS-01. Two of them are of one millisecond, and pages never part such a pair wrongly.
    [Fact]
    public async Task Lists_are_in_a_total_order_and_cut_to_measure()
    {
        var client = await FilledAsync(5, "created_at = 1000 + n / 2 * 1000");

        Assert.Equal("w0 w1 w2 w3 w4", await IdsAsync(client, new()));
        Assert.Equal("w4 w3 w2 w1 w0", await IdsAsync(client, new() { NewestFirst = true }));
        Assert.Equal("w0 w1", await IdsAsync(client, new() { Limit = 2 }));
        Assert.Equal("w2 w3", await IdsAsync(client, new() { Limit = 2, Offset = 2 }));
        Assert.Equal("w4", await IdsAsync(client, new() { Offset = 4 }));
        Assert.Equal("w3 w2", await IdsAsync(client, new() { Limit = 2, Offset = 1, NewestFirst = true }));
        Assert.Equal("", await IdsAsync(client, new() { Limit = 0 }));
        Assert.Equal("w0 w1 w2 w3 w4", await IdsAsync(client, null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_long_list_is_read_in_pages_and_nothing_is_left_out_or_told_twice(bool newestFirst)
    {
        var client = await FilledAsync(1_250, "created_at = 1000 + n / 300", "completed_at = 5000 - n / 300");
        var ids = Enumerable.Range(0, 1_250).Select(n => $"w{n}").Order(StringComparer.Ordinal).ToArray();
        var byCreation = ids.OrderBy(id => int.Parse(id[1..], null) / 300).ThenBy(id => id, StringComparer.Ordinal).ToList();
        var byCompletion = ids.OrderBy(id => -(int.Parse(id[1..], null) / 300)).ThenBy(id => id, StringComparer.Ordinal).ToList();
        if (newestFirst)
        {
            byCreation.Reverse();
            byCompletion.Reverse();
        }

        var filter = new WorkflowFilter { NewestFirst = newestFirst, LoadPayloads = false };
        Assert.Equal(string.Join(' ', byCreation), await IdsAsync(client, filter));
        Assert.Equal(string.Join(' ', byCreation.Skip(7).Take(1_200)), await IdsAsync(client, filter with { Offset = 7, Limit = 1_200 }));
        Assert.Equal(
            string.Join(' ', byCompletion), await IdsAsync(client, filter with { CompletedAfter = DateTimeOffset.UnixEpoch }));
    }

    // A list of any length takes the memory of a page: the next is read when it is asked for, and none when it is not.
    [Fact]
    public async Task A_page_is_read_when_its_first_row_is_asked_for()
    {
        var client = await FilledAsync(1_250);

        Assert.Equal((1, 1, 2), (await PagesAsync(new(), 1), await PagesAsync(new(), 100), await PagesAsync(new(), 101)));
        Assert.Equal(13, await PagesAsync(new(), 2_000));
        Assert.Equal((1, 2), (await PagesAsync(new() { Limit = 100 }, 2_000), await PagesAsync(new() { Limit = 101 }, 2_000)));
        var bare = new WorkflowFilter { LoadPayloads = false };
        Assert.Equal((1, 3), (await PagesAsync(bare, 100), await PagesAsync(bare, 2_000)));

        async Task<int> PagesAsync(WorkflowFilter filter, int taken)
        {
            var (pages, rows) = (0, 0);
            faults.Before = (call, _) => Task.FromResult(call.Kind == StoreCallKind.ReadPage ? ++pages : 0);
            await foreach (var _ in client.ListAsync(filter, Cancel))
            {
                if (++rows == taken)
                {
                    break;
                }
            }

            return pages;
        }
    }

    // LS-03
    [Fact]
    public async Task Every_filter_picks_its_own()
    {
        var client = await FilledAsync(
            8,
            "workflow_uuid = CASE n WHEN 5 THEN 'a%b_c' WHEN 6 THEN 'axbyc' ELSE workflow_uuid END",
            "status = CASE n WHEN 0 THEN 'ENQUEUED' WHEN 1 THEN 'DELAYED' WHEN 2 THEN 'PENDING' WHEN 3 THEN 'ERROR' WHEN 7 THEN 'DELAYED' "
            + "ELSE 'SUCCESS' END",
            "queue_name = CASE WHEN n < 4 THEN 'line' WHEN n = 7 THEN '_dbos_internal_queue' END",
            "name = CASE n WHEN 2 THEN 'other' ELSE name END",
            "executor_id = CASE n WHEN 2 THEN 'e2' END",
            "application_version = CASE n WHEN 3 THEN 'v3' END",
            "parent_workflow_id = CASE n WHEN 4 THEN 'w3' END",
            "forked_from = CASE n WHEN 4 THEN 'w2' END",
            "schedule_name = CASE n WHEN 4 THEN 'nightly' END",
            "queue_partition_key = CASE n WHEN 0 THEN 'north' END",
            "deduplication_id = CASE n WHEN 0 THEN 'only one' END",
            "created_at = 1000 + n",
            "completed_at = CASE WHEN n IN (3, 4, 5, 6) THEN 2000 + n END");
        await Database.ExecuteAsync(
            "INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token) "
            + "VALUES ('w7', 0, 0, 'time', '', '', '', 9000000000000, 't')");

        (string Expected, WorkflowFilter Filter)[] all =
        [
            ("w2 w4", new() { Ids = ["w4", "w2", "unknown"] }),
            ("", new() { Ids = [] }),
            ("w0 w1 w2 w3 w4 w7", new() { IdPrefix = "w" }),
            ("a%b_c", new() { IdPrefix = "a%b_" }),
            ("", new() { IdPrefix = "a_" }),
            ("w0", new() { States = [WorkflowState.Enqueued] }),
            ("w0 w2 w3", new() { States = [WorkflowState.Error, WorkflowState.Pending, WorkflowState.Enqueued] }),
            ("", new() { States = [] }),
            ("w2", new() { Name = "other" }),
            ("w0 w1 w2 w3", new() { Queue = "line" }),
            ("w0 w1 w2", new() { QueuedOnly = true }),
            ("w1", new() { QueuedOnly = true, States = [WorkflowState.Delayed, WorkflowState.Error] }),
            ("w2", new() { ExecutorId = "e2" }),
            ("w3", new() { ApplicationVersion = "v3" }),
            ("w4", new() { ParentId = "w3" }),
            ("w4", new() { ForkedFrom = "w2" }),
            ("w4", new() { ScheduleName = "nightly" }),
            ("w0", new() { PartitionKey = "north" }),
            ("w0", new() { DeduplicationId = "only one" }),
            ("w2 w3", new() { CreatedAfter = At(1002), CreatedBefore = At(1004) }),
            ("w3", new() { CreatedAfter = At(1002.5), CreatedBefore = At(1003.5), States = [WorkflowState.Error] }),
            ("w4 a%b_c", new() { CompletedAfter = At(2004), CompletedBefore = At(2006) }),
            ("w3", new() { CompletedBefore = At(2004), Queue = "line" }),
            ("", new() { Queue = "line", Name = "unknown" }),
        ];
        var wrong = new List<string>();
        foreach (var (expected, filter) in all)
        {
            var found = await IdsAsync(client, filter);
            var counted = (await client.CountAsync(filter, CountBy.Status, Cancel)).Sum(row => row.Count);
            wrong.AddRange(found != expected ? [$"{filter}: {found}"] : counted != Length(expected) ? [$"{filter} counts {counted}"] : []);
        }

        Breaches.None(wrong);
    }

    [Fact]
    public async Task Attributes_are_found_by_what_they_contain()
    {
        var engine = await LaunchAsync(Echo);
        await StartAsync("both", new() { ["tenant"] = "north", ["tries"] = 1, ["paid"] = true });
        await StartAsync("other", new() { ["tenant"] = "south", ["tries"] = 2.5, ["paid"] = null });
        await StartAsync("text", new() { ["tries"] = "1", ["paid"] = 1 });
        await StartAsync("none", null);

        Assert.Equal("both", await FindAsync(new() { ["tenant"] = "north" }));
        Assert.Equal("both", await FindAsync(new() { ["tries"] = 1, ["paid"] = true }));
        Assert.Equal("both", await FindAsync(new() { ["tries"] = 1.0 }));
        Assert.Equal("other", await FindAsync(new() { ["tries"] = 2.5, ["paid"] = null }));
        Assert.Equal("text", await FindAsync(new() { ["tries"] = "1" }));
        Assert.Equal("", await FindAsync(new() { ["tenant"] = "north", ["paid"] = false }));
        Assert.Equal("both other text", await FindAsync([]));

        await engine.SetAttributesAsync("none", new Dictionary<string, object?> { ["tenant"] = "north" }, Cancel);
        await engine.SetAttributesAsync("both", null, Cancel);
        Assert.Equal("none", await FindAsync(new() { ["tenant"] = "north" }));
        Assert.Null((await engine.GetStatusAsync("both", Cancel))!.Attributes);
        await Database.ExecuteAsync("UPDATE workflow_status SET attributes = '[1]' WHERE workflow_uuid = 'both'");
        Assert.Null((await engine.GetStatusAsync("both", Cancel))!.Attributes);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.SetAttributesAsync("unknown", null, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => engine.SetAttributesAsync("both", new Dictionary<string, object?> { ["tenant"] = "no\0rth" }, Cancel));
        var complex = new WorkflowFilter { Attributes = new Dictionary<string, object?> { ["a"] = this } };
        Assert.Throws<ArgumentException>(() => { engine.ListAsync(complex, Cancel); });

        async Task StartAsync(string id, Dictionary<string, object?>? attributes) =>
            await (await engine.StartAsync(Echo, id, new() { Id = id, Attributes = attributes }, Cancel)).ResultAsync();
        Task<string> FindAsync(Dictionary<string, object?> attributes) => IdsAsync(engine, new() { Attributes = attributes });
    }

    // LS-06
    [Fact]
    public async Task Payloads_are_readable_and_survive_what_cannot_be_decoded()
    {
        var engine = await LaunchAsync(Echo);
        await engine.RunAsync(Echo, "hello", "good");
        await engine.RunAsync(Echo, "hello", "bad");
        await Database.ExecuteAsync("UPDATE workflow_output SET output = '???' WHERE workflow_uuid = 'bad'");

        var listed = await engine.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel);
        Assert.Equal(("\"hello\"", "\"hello\""), (listed[0].Input, listed[0].Output));
        Assert.Equal(("\"hello\"", "???"), (listed[1].Input, listed[1].Output));
        Assert.Equal(await engine.GetStatusAsync("good", Cancel), listed[0]);
        var bare = await engine.ListAsync(new() { LoadPayloads = false }, Cancel).ToListAsync(Cancel);
        Assert.Equal(listed.Select(status => status with { Input = null, Output = null }), bare);
    }

    // LS-06: one row for each place in which something may stand that nobody can read, also of another writer.
    [Fact]
    public async Task Whatever_cannot_be_decoded_hides_nothing_else()
    {
        var failing = Workflow.Define<string, string>("failing").Step<int>("fails", _ => throw new TimeoutException("why")).Return(_ => "");
        var engine = await LaunchAsync(Echo, failing);
        string[] ended = ["input", "no input", "output", "format", "step", "step format", "attributes", "no name"];
        foreach (var id in ended)
        {
            await engine.RunAsync(Echo, "hello", id);
        }

        foreach (var id in new[] { "error", "step error" })
        {
            await (await engine.BeginAsync(failing, "hello", id)).FailureAsync();
        }

        await ChangeAsync("workflow_input", "inputs = '???'", "input");
        await Database.ExecuteAsync("DELETE FROM workflow_input WHERE workflow_uuid = 'no input'");
        await ChangeAsync("workflow_output", "output = 'AAAA'", "output");
        await ChangeAsync("workflow_status", "serialization = 'of another kind'", "format");
        await ChangeAsync("operation_outputs", "output = '{'", "step");
        await ChangeAsync("operation_outputs", "serialization = 'of another kind'", "step format");
        await ChangeAsync("workflow_status", "attributes = '[1, 2]'", "attributes");
        await ChangeAsync("workflow_status", "name = NULL", "no name");
        await ChangeAsync("workflow_output", "error = '???'", "error");
        await ChangeAsync("operation_outputs", "error = '???'", "step error");

        // Two may have begun in one millisecond, and are then listed by id.
        string[] all = [.. ended, "error", "step error"];
        var listed = (await engine.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel))
            .OrderBy(status => Array.IndexOf(all, status.Id)).ToList();
        Assert.Equal(all, listed.Select(status => status.Id));
        foreach (var status in listed)
        {
            var alone = (await engine.GetStatusAsync(status.Id, Cancel))!;
            Assert.Equal(status with { Error = null }, alone with { Error = null });
            Assert.Equal(status.Error?.ToString(), alone.Error?.ToString());
            var history = await engine.GetHistoryAsync(status.Id, Cancel);
            Assert.Single(history.Checkpoints);
            Assert.Contains(history.Checkpoints[0].Name, history.ToString());
        }

        Assert.Equal(("???", null), (listed[0].Input, listed[1].Input));
        Assert.Equal("AAAA", listed[2].Output);
        Assert.Contains("???", listed[8].Error!.Message);
        Assert.True((await engine.Retrieve<string>("error").FailureAsync()).Is<SerializationFailedException>());
        foreach (var id in new[] { "output", "format" })
        {
            var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.ResultAsync<string>(id));
            Assert.Equal(id, refused.WorkflowId);
        }

        foreach (var id in ended.Except(["output", "format"]))
        {
            Assert.Equal("hello", await engine.ResultAsync<string>(id));
        }

        Task ChangeAsync(string table, string what, string id) =>
            Database.ExecuteAsync($"UPDATE {table} SET {what} WHERE workflow_uuid = '{id}'");
    }

    // LS-05
    [Fact]
    public async Task The_moment_of_the_end_stands_while_a_workflow_has_ended()
    {
        var gate = new Probe();
        var waiting = Workflow.Define<Unit>("waiting").Step("wait", x => gate.PassAsync(x.CancellationToken)).End();
        var failing = Workflow.Define<Unit>("failing").Step("fail", _ => throw new InvalidOperationException()).End();
        var engine = await LaunchAsync(Echo, waiting, failing);
        await engine.RunAsync(Echo, "", "succeeded");
        await (await engine.BeginAsync(failing, default, "failed")).FailureAsync();
        await engine.BeginAsync(waiting, default, "cancelled");
        await gate.ReachedAsync();
        Assert.Equal("succeeded failed", await IdsAsync(engine, new() { CompletedAfter = DateTimeOffset.UnixEpoch }));
        await engine.CancelAsync("cancelled", cancellationToken: Cancel);
        var ended = await engine.ListAsync(new() { CompletedAfter = DateTimeOffset.UnixEpoch }, Cancel).ToListAsync(Cancel);

        Assert.Equal(3, ended.Count);
        Assert.All(ended, status => Assert.True(status.CompletedAt >= status.CreatedAt));
        await engine.ResumeAsync("cancelled", cancellationToken: Cancel);
        Assert.Null((await engine.GetStatusAsync("cancelled", Cancel))!.CompletedAt);
        gate.Open();
    }

    [Fact]
    public async Task Counts_are_by_one_thing_with_the_oldest_of_each()
    {
        var client = await FilledAsync(
            6,
            "status = CASE WHEN n < 4 THEN 'SUCCESS' ELSE 'ENQUEUED' END",
            "queue_name = CASE WHEN n > 2 THEN 'line' END",
            "application_version = CASE WHEN n % 2 = 0 THEN 'v2' END",
            "created_at = 1000 + n");

        Assert.Equal("ENQUEUED 2 1004, SUCCESS 4 1000", await CountsAsync(client, CountBy.Status));
        Assert.Equal("echo 6 1000", await CountsAsync(client, CountBy.Name));
        Assert.Equal(" 3 1000, line 3 1003", await CountsAsync(client, CountBy.Queue));
        Assert.Equal(" 3 1001, v2 3 1000", await CountsAsync(client, CountBy.ApplicationVersion));
        var succeeded = new WorkflowFilter { Queue = "line", States = [WorkflowState.Success] };
        Assert.Equal("SUCCESS 1 1003", await CountsAsync(client, CountBy.Status, succeeded));
        Assert.Equal("", await CountsAsync(client, CountBy.Status, new() { Name = "unknown", Limit = 1, Offset = 1 }));
    }

    [Fact]
    public async Task What_waits_and_what_ended_in_a_window_is_told_by_one_call_each()
    {
        var client = await FilledAsync(
            9,
            "status = CASE WHEN n < 2 THEN 'ENQUEUED' WHEN n = 2 THEN 'DELAYED' WHEN n = 3 THEN 'PENDING' WHEN n < 6 THEN 'SUCCESS' "
            + "ELSE 'ERROR' END",
            "queue_name = CASE WHEN n IN (0, 2, 3) THEN 'line' WHEN n = 1 THEN 'other' END",
            "name = CASE WHEN n = 8 THEN 'other' ELSE name END",
            "created_at = 1000 + n",
            "completed_at = CASE WHEN n > 3 THEN 2000 + n END");
        var calls = 0;
        faults.Before = (call, _) => Task.FromResult(call.Kind == StoreCallKind.CountWorkflows ? ++calls : 0);
        var window = new WorkflowFilter { CompletedAfter = At(2005), CompletedBefore = At(2009) };

        Assert.Equal("line 1 1000, other 1 1001", await CountsAsync(client, CountBy.Queue, new() { States = [WorkflowState.Enqueued] }));
        Assert.Equal(
            "DELAYED 1 1002, ENQUEUED 2 1000, PENDING 1 1003", await CountsAsync(client, CountBy.Status, new() { QueuedOnly = true }));
        Assert.Equal("ERROR 3 1006, SUCCESS 1 1005", await CountsAsync(client, CountBy.Status, window));
        var failed = window with { States = [WorkflowState.Error] };
        Assert.Equal("echo 2 1006, other 1 1008", await CountsAsync(client, CountBy.Name, failed));
        Assert.Equal("", await CountsAsync(client, CountBy.Name, failed with { CompletedBefore = At(2005.5) }));
        Assert.Equal(5, calls);
    }

    [Fact]
    public async Task A_row_whose_state_only_a_newer_library_knows_hides_no_other()
    {
        var client = await FilledAsync(5, "status = CASE WHEN n = 3 THEN 'PAUSED' ELSE status END");

        Assert.Equal("w0 w1 w2 w3 w4", await IdsAsync(client, new()));
        Assert.Equal(WorkflowState.Pending, await client.StateOfAsync("w3"));
        Assert.Equal("w0 w1 w2 w4", await IdsAsync(client, new() { States = [WorkflowState.Pending, WorkflowState.Success] }));
        Assert.Equal("PAUSED 1 1000, SUCCESS 4 1000", await CountsAsync(client, CountBy.Status));
        var explained = await client.ExplainAsync("w3", Cancel);
        Assert.Equal(("unknown-state", true), (explained.Reason, explained.Text.Contains("is in state 'PAUSED'")));

        // Nobody knows that it has ended: who waits for it waits on, and the other, of which it is known, is told.
        var waits = client.Retrieve<Unit>("w3").GetResultAsync(Cancel);
        await Database.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = 'w2'");
        Assert.Equal(CancellationReason.Cancelled, await client.Retrieve<Unit>("w2").CancellationAsync());
        Assert.False(waits.IsCompleted);
        await Database.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = 'w3'");
        await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => waits.Within(Bounded.Limit));
    }

    [Fact]
    public async Task Rows_with_an_empty_name_of_a_queue_or_a_version_count_with_those_that_have_none()
    {
        var client = await FilledAsync(
            5,
            "queue_name = CASE WHEN n < 2 THEN '' WHEN n = 2 THEN 'line' END",
            "application_version = CASE WHEN n = 4 THEN '' WHEN n > 1 THEN 'v1' END",
            "created_at = 1000 + n");
        var ended = new WorkflowFilter { States = [WorkflowState.Success, WorkflowState.Error] };

        foreach (var filter in new[] { null, ended })
        {
            Assert.Equal(" 4 1000, line 1 1002", await CountsAsync(client, CountBy.Queue, filter));
            Assert.Equal(" 3 1000, v1 2 1002", await CountsAsync(client, CountBy.ApplicationVersion, filter));
        }
    }

    [Fact]
    public async Task What_does_not_go_together_is_refused_where_it_is_asked_for()
    {
        var client = await FilledAsync(0);
        WorkflowState[] ended = [WorkflowState.Success, WorkflowState.Cancelled];
        WorkflowFilter[] wrong =
        [
            new() { CreatedAfter = At(2), CreatedBefore = At(2) },
            new() { CompletedAfter = At(3), CompletedBefore = At(2) },
            new() { QueuedOnly = true, States = ended },
            new() { QueuedOnly = true, CompletedAfter = At(1) },
            new() { States = [WorkflowState.Pending], CompletedBefore = At(1) },
        ];

        foreach (var filter in wrong)
        {
            Assert.Throws<ArgumentException>(() => { client.ListAsync(filter, Cancel); });
            Assert.Throws<ArgumentException>(() => { _ = client.CountAsync(filter, cancellationToken: Cancel); });
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowFilter { Limit = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowFilter { Offset = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowFilter { States = [(WorkflowState)99] });
        Assert.Throws<ArgumentException>(() => new WorkflowFilter { Name = "" });
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = client.CountAsync(null, (CountBy)99, Cancel); });
    }

    private static DateTimeOffset At(double ms) => DateTimeOffset.UnixEpoch.AddMilliseconds(ms);

    private static int Length(string ids) => ids.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;

    private static async Task<string> IdsAsync(WorkflowClient client, WorkflowFilter? filter) => string.Join(
        ' ', (await client.ListAsync(filter, Cancel).ToListAsync(Cancel).AsTask().Within(Bounded.Limit)).Select(status => status.Id));

    private static async Task<string> CountsAsync(WorkflowClient client, CountBy by, WorkflowFilter? filter = null) => string.Join(
        ", ",
        (await client.CountAsync(filter, by, Cancel))
        .Select(row => $"{row.Key} {row.Count} {row.Oldest!.Value.ToUnixTimeMilliseconds()}"));

    /// <summary>A client of a database with so many rows, changed as a test asks; <c>n</c> is the number of a row.</summary>
    private async Task<WorkflowClient> FilledAsync(int count, params string[] changes)
    {
        // Nobody serves the application of these rows.
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults));
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
