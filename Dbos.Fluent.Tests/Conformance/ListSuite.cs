using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Lists of workflows: their order, pages and filters. Scenarios LS.</summary>
public abstract class ListSuite(IDatabaseFixture fixture) : FilledSuite(fixture)
{
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
            Faults.Before = (call, _) => Task.FromResult(call.Kind == StoreCallKind.ReadPage ? ++pages : 0);
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

    // A hundred large payloads in one answer would take longer than a call may, at every try.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_page_of_large_payloads_is_short_and_the_list_goes_on_behind_it(bool newestFirst)
    {
        var client = await FilledAsync(10, "created_at = 1000 + n / 3");
        var large = new string('x', 1 << 20);
        await Database.ExecuteAsync(
            $"INSERT INTO workflow_input (workflow_uuid, inputs) SELECT workflow_uuid, '{large}' FROM workflow_status");
        await Database.ExecuteAsync(
            "UPDATE workflow_input SET inputs = inputs || inputs || inputs || inputs || 'x' WHERE workflow_uuid = 'w4'");
        await Database.ExecuteAsync("UPDATE workflow_status SET output = 'y' WHERE workflow_uuid = 'w9'");
        var filter = new WorkflowFilter { NewestFirst = newestFirst };
        List<int> pages = [];
        Faults.Before = (call, _) =>
        {
            pages.AddRange(call.Kind == StoreCallKind.ReadPage ? [0] : []);
            return Task.CompletedTask;
        };

        var all = await client.ListAsync(filter, Cancel).ToListAsync(Cancel);
        Assert.Equal(newestFirst ? "9 8 7 6 5 4 3 2 1 0" : "0 1 2 3 4 5 6 7 8 9", string.Join(' ', all.Select(row => row.Id[1..])));
        Assert.Equal(4, pages.Count);
        Assert.All(all, row => Assert.Equal(row.Id == "w4" ? (4 << 20) + 1 : 1 << 20, row.Input!.Length));
        Assert.Equal(newestFirst ? "w8 w7 w6 w5 w4" : "w1 w2 w3 w4 w5", await IdsAsync(client, filter with { Offset = 1, Limit = 5 }));
        pages.Clear();
        Assert.Equal(10, (await client.ListAsync(filter with { LoadPayloads = false }, Cancel).ToListAsync(Cancel)).Count);
        Assert.Single(pages);
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

    // LS-04. The moments are those of the machine's own clock, on which a step that ends before it began would be a lie.
    [Fact]
    public async Task Steps_are_listed_in_their_order_with_what_came_of_each_and_when()
    {
        var workflow = Workflow.Define<Unit, string>("listed", Body);
        var nothing = Flows.Nothing();
        var engine = await LaunchAsync(Echo, workflow, nothing);
        await engine.RunAsync(workflow, default, "A");
        await engine.RunAsync(nothing, default, "none");
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);

        var steps = (await client.GetHistoryAsync("A", Cancel)).Checkpoints;

        Assert.Equal(
            [
                "0 good 1  ",
                "1 bad  declined ",
                "2 echo   A-2",
                "3 DBOS.getResult \"said\"  A-2",
                "4 DBOS.setEvent   ",
                $"5 DBOS.sleep {steps[^1].CompletedAt!.Value.ToUnixTimeMilliseconds()}  ",
            ],
            steps.Select(step => $"{step.Sequence} {step.Name} {step.Output} {step.Error?.Message} {step.ChildId}"));
        Assert.All(steps, step => Assert.True(step.StartedAt <= step.CompletedAt, $"{step}"));
        Assert.Empty((await client.GetHistoryAsync("none", Cancel)).Checkpoints);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => client.GetHistoryAsync("unknown", Cancel));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("good", _ => Task.FromResult(1));
            yield return Step.Run("bad", _ => Task.FromException(new InvalidOperationException("declined"))).Try(out _);
            yield return Step.Start(Echo, "said").As(out var started);
            yield return Step.Await(started.Result).As(out var said);
            yield return Step.SetEvent("k", 1);
            yield return Step.Sleep(TimeSpan.FromMilliseconds(20));
            yield return said.Result;
        }
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

    private static int Length(string ids) => ids.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
}
