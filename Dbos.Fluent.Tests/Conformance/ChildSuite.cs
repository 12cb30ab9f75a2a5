namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Children: their ids, their outcomes, their deadlines, and what a replay finds of them. Scenarios CH.</summary>
public abstract class ChildSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Ids_are_made_of_the_parent_and_the_number_and_the_parent_is_stored(Form form)
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input * 2);
        var parent = form.Pick(
            Workflow.Define<int, int>("parent", Body),
            Workflow.Define<int, int>("parent")
                .Call(child, x => x.Input).As(out var one)
                .Start(child, x => x.Get(one)).As(out var handle)
                .Await(handle).As(out var two)
                .Return(x => x.Get(two)));
        var engine = await LaunchAsync(parent, child);

        Assert.Equal(12, await engine.RunAsync(parent, 3, "P"));

        Assert.Equal("0 child, 1 DBOS.getResult, 2 child, 3 DBOS.getResult", await engine.StepsAsync("P"));
        var steps = (await engine.GetHistoryAsync("P", Cancel)).Checkpoints;
        Assert.Equal("P-0,P-0,P-2,P-2", string.Join(',', steps.Select(step => step.ChildId)));
        Assert.Equal(
            (null, "P", "P"),
            ((await engine.GetStatusAsync("P", Cancel))!.ParentId, (await engine.GetStatusAsync("P-0", Cancel))!.ParentId,
                (await engine.GetStatusAsync("P-2", Cancel))!.ParentId));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input).As(out var first);
            yield return Step.Start(child, first.Result).As(out var started);
            yield return Step.Await(started.Result).As(out var second);
            yield return second.Result;
        }
    }

    [Fact]
    public async Task Children_of_a_workflow_with_a_long_id_have_ids_that_fit_and_are_found_again()
    {
        WorkflowDefinition<int, int>? down = null;
        down = Workflow.Define<int, int>("down", Body);
        var id = new string('x', 252) + "\ud83d\ude00";
        var engine = await LaunchAsync(down);

        Assert.Equal(6, await (await engine.StartAsync(down, 6, new() { Id = id }, Cancel)).ResultAsync());

        var ids = (await engine.ListAsync(new(), Cancel).ToListAsync(Cancel)).Select(status => status.Id).ToList();
        Assert.Equal(7, ids.Distinct().Count());
        Assert.All(ids, one => Assert.InRange(one.Length, 250, 255));
        await engine.RewindAsync(id, 0, Cancel);
        Assert.Equal(6, await engine.ResultAsync<int>(id));
        Assert.Equal(7, await Database.CountAsync("SELECT count(*) FROM workflow_status"));

        async IAsyncEnumerable<StepOr<int>> Body(int left, WorkflowContext workflow)
        {
            if (left == 0)
            {
                yield return 0;
                yield break;
            }

            yield return Step.Call(down!, left - 1).As(out var below);
            yield return below.Result + 1;
        }
    }

    [Fact]
    public async Task A_recovered_parent_attaches_to_a_running_child()
    {
        var counts = new Counts();
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child", Child);
        var parent = Calling(child);
        var engine = await LaunchAsync(parent, child);
        await engine.BeginAsync(parent, 3, "P");
        await gate.ReachedAsync();

        // The child belongs to another, living executor; only the parent's own is gone.
        var other = await LaunchAsync(options => options.ExecutorId = "another", parent, child);
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET executor_id = 'gone', owner_xid = 'lost' WHERE workflow_uuid = 'P'");
        var third = await LaunchAsync(options => options.ExecutorId = "gone", parent, child);
        gate.Open();

        Assert.Equal(4, await third.ResultAsync<int>("P"));
        Assert.Equal(4, await other.ResultAsync<int>("P"));
        Assert.Equal(1, counts["child"]);
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        Assert.Equal("0 child, 1 DBOS.getResult", await other.StepsAsync("P"));

        async IAsyncEnumerable<StepOr<int>> Child(int input, WorkflowContext workflow)
        {
            counts.Add("child");
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return input + 1;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_recovered_parent_takes_a_finished_childs_result(int recorded)
    {
        var counts = new Counts();
        var child = Workflow.Define<int, int>("child")
            .Step("S", x => Task.FromResult(counts.Add("S", x.Input + 1))).As(out var s).Return(x => x.Get(s));
        var parent = Calling(child);
        var engine = await LaunchAsync(parent, child);
        Assert.Equal(4, await engine.RunAsync(parent, 3, "P"));
        var before = await engine.GetStatusAsync("P-0", Cancel);

        await Database.ForgetFromAsync("P", recorded);
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        Assert.Equal(4, await engine.ResultAsync<int>("P"));
        Assert.Equal(before!.UpdatedAt, (await engine.GetStatusAsync("P-0", Cancel))!.UpdatedAt);
        Assert.Equal((1, 2), (counts["S"], await Database.CountAsync("SELECT count(*) FROM workflow_status")));
        Assert.Equal("0 child, 1 DBOS.getResult", await engine.StepsAsync("P"));
    }

    [Theory]
    [InlineData(Form.Iterator, false)]
    [InlineData(Form.Iterator, true)]
    [InlineData(Form.Fluent, false)]
    [InlineData(Form.Fluent, true)]
    public async Task A_failed_child_fails_its_parent_with_its_failure_inside(Form form, bool recovered)
    {
        var counts = new Counts();
        var child = Workflow.Define<int, int>("child").Step("S", _ => Task.FromResult(counts.Add("S")))
            .Fail(_ => new TimeZoneNotFoundException("no zone")).Return(_ => 1);
        var parent = form.Pick(
            Calling(child),
            Workflow.Define<int, int>("parent").Call(child, x => x.Input).As(out var called).Return(x => x.Get(called)));
        var engine = await LaunchAsync(parent, child);
        var failure = await (await engine.BeginAsync(parent, 1, "P")).FailureAsync();
        var before = await engine.GetStatusAsync("P-0", Cancel);
        if (recovered)
        {
            await Database.ForgetFromAsync("P", 1);
            engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
            failure = await engine.Retrieve<int>("P").FailureAsync();
        }

        Assert.Equal(typeof(WorkflowFailedException).FullName, failure.TypeName);
        var inner = failure.Inner.Single();
        Assert.Equal((typeof(TimeZoneNotFoundException).FullName, "no zone"), (inner.TypeName, inner.Message));
        Assert.True(failure.Is<TimeZoneNotFoundException>());
        Assert.True(failure.Is<WorkflowFailedException>());
        Assert.False(failure.Is<FormatException>());
        var ofChild = await Assert.ThrowsAsync<WorkflowFailedException>(() => engine.ResultAsync<int>("P-0"));
        Assert.Equal(("P-0", "no zone"), (ofChild.WorkflowId, ofChild.Failure.Message));
        Assert.Equal((1, 2), (counts["S"], await Database.CountAsync("SELECT count(*) FROM workflow_status")));
        Assert.Equal(before!.UpdatedAt, (await engine.GetStatusAsync("P-0", Cancel))!.UpdatedAt);
    }

    [Fact]
    public async Task A_failed_child_may_be_tolerated_and_its_failure_read()
    {
        var child = Workflow.Define<int, int>("child").Fail(_ => new TimeZoneNotFoundException("no zone")).Return(_ => 1);
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);

        Assert.Equal("P-0 no zone True", await engine.RunAsync(parent, 1, "P"));
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal("P-0 no zone True", await engine.ResultAsync<string>("P"));

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input).Try(out var called);
            string seen;
            try
            {
                seen = $"{called.Result}";
            }
            catch (WorkflowFailedException exception)
            {
                seen = $"{exception.WorkflowId} {exception.Failure.Message} {called.Error!.Is<TimeZoneNotFoundException>()}";
            }

            yield return seen;
        }
    }

    [Fact]
    public async Task A_cancelled_child_is_an_AwaitedWorkflowCancelledException_with_its_reason()
    {
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child").Step("wait", s => gate.PassAsync(s.CancellationToken)).Return(_ => 1);
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, 1, "P");
        await gate.ReachedAsync();

        await engine.CancelAsync("P-0", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("P-0 Cancelled", await handle.ResultAsync());
        Assert.Equal("0 child, 1 DBOS.getResult failed", await engine.StepsAsync("P"));
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal("P-0 Cancelled", await engine.ResultAsync<string>("P"));

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input).Try(out var called);
            string seen;
            try
            {
                seen = $"{called.Result}";
            }
            catch (AwaitedWorkflowCancelledException exception)
            {
                seen = $"{exception.WorkflowId} {exception.Reason}";
            }

            yield return seen;
        }
    }

    [Fact]
    public async Task A_childs_fixed_id_used_twice_is_one_run_with_the_first_input()
    {
        var counts = new Counts();
        var child = Workflow.Define<int, int>("child")
            .Step("S", x => Task.FromResult(counts.Add("S", x.Input))).As(out var s).Return(x => x.Get(s));
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);

        Assert.Equal("1,1", await engine.RunAsync(parent, 1, "P1"));
        Assert.Equal("1,1", await engine.RunAsync(parent, 3, "P2"));

        Assert.Equal(1, counts["S"]);
        Assert.Equal("P1", (await engine.GetStatusAsync("K", Cancel))!.ParentId);
        Assert.Equal("0 child, 1 DBOS.getResult, 2 child, 3 DBOS.getResult", await engine.StepsAsync("P1"));
        Assert.Equal("0 child, 1 DBOS.getResult, 2 child, 3 DBOS.getResult", await engine.StepsAsync("P2"));

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input, new() { Id = "K" }).As(out var first);
            yield return Step.Call(child, input + 1, new() { Id = "K" }).As(out var second);
            yield return $"{first.Result},{second.Result}";
        }
    }

    [Fact]
    public async Task An_id_of_another_definition_fails_the_step_and_again_on_a_replay()
    {
        var counts = new Counts();
        var taken = Workflow.Define<int, int>("taken").Return(x => x.Input);
        var child = Workflow.Define<int, int>("child").Step("S", x => Task.FromResult(counts.Add("S"))).Return(_ => 1);
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child, taken);
        await engine.RunAsync(taken, 1, "K");

        Assert.Equal("K child taken", await engine.RunAsync(parent, 1, "P"));
        Assert.Equal("0 child failed, 2 after", await engine.StepsAsync("P"));

        await Database.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'K'");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child, taken);
        Assert.Equal("K child taken", await engine.ResultAsync<string>("P"));
        Assert.Equal((0, 1), (counts["S"], counts["after"]));

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input, new() { Id = "K" }).Try(out var called);
            yield return Step.Run("after", _ => Task.FromResult(counts.Add("after")));
            string seen;
            try
            {
                seen = $"{called.Result}";
            }
            catch (ConflictingWorkflowException exception)
            {
                seen = $"{exception.WorkflowId} {exception.StartedName} {exception.ExistingName}";
            }

            yield return seen;
        }
    }

    [Fact]
    public async Task A_child_that_is_not_registered_here_fails_the_step()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var parent = Calling(child);
        var engine = await LaunchAsync(parent);

        var failure = await (await engine.BeginAsync(parent, 1, "P")).FailureAsync();

        Assert.True(failure.Is<WorkflowNotRegisteredException>());
        Assert.Equal("0 child failed", await engine.StepsAsync("P"));
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task A_child_inherits_the_deadline_unless_it_has_a_timeout_or_none()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var parent = Workflow.Define<int, int>("parent", Body);
        var engine = await LaunchAsync(parent, child);

        var handle = await engine.StartAsync(parent, 1, new() { Id = "P", Timeout = TimeSpan.FromHours(1) }, Cancel).Within(Bounded.Limit);
        await handle.ResultAsync();

        var parents = await DeadlineAsync("P");
        Assert.Equal(("3600000", parents.Created + 3_600_000L), (parents.Timeout, parents.Deadline));
        Assert.Equal((null, parents.Deadline), ((await DeadlineAsync("P-0")).Timeout, (await DeadlineAsync("P-0")).Deadline));
        Assert.Equal((null, null), ((await DeadlineAsync("P-2")).Timeout, (await DeadlineAsync("P-2")).Deadline));
        var own = await DeadlineAsync("P-4");
        Assert.Equal(("7200000", own.Created + 7_200_000L), (own.Timeout, own.Deadline));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, 1);
            yield return Step.Call(child, 2, new() { Timeout = Timeout.InfiniteTimeSpan });
            yield return Step.Call(child, 3, new() { Timeout = TimeSpan.FromHours(2) });
            yield return 1;
        }
    }

    [Fact]
    public async Task A_handle_of_a_replayed_start_works()
    {
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child").Return(x => x.Input + 1);
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        await engine.BeginAsync(parent, 3, "P");
        await gate.ReachedAsync();
        engine = await RelaunchAsync(engine, parent, child);
        gate.Open();

        Assert.Equal("P-0 4", await engine.ResultAsync<string>("P"));
        Assert.Equal("0 child, 1 wait, 2 DBOS.getResult", await engine.StepsAsync("P"));

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Start(child, input).As(out var started);
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return Step.Await(started.Result).As(out var result);
            yield return $"{started.Result.Id} {result.Result}";
        }
    }

    [Fact]
    public async Task Awaiting_an_id_that_does_not_exist_fails_the_step()
    {
        WorkflowEngine? engine = null;
        var parent = Workflow.Define<int, int>("parent", Body);
        engine = await LaunchAsync(parent);

        var failure = await (await engine.BeginAsync(parent, 1, "P")).FailureAsync();

        Assert.True(failure.Is<NonExistentWorkflowException>());
        Assert.Equal("0 DBOS.getResult failed", await engine.StepsAsync("P"));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Await(engine!.Retrieve<int>("nobody"));
            yield return 1;
        }
    }

    private static WorkflowDefinition<int, int> Calling(WorkflowDefinition<int, int> child)
    {
        return Workflow.Define<int, int>("parent", Body);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Call(child, input).As(out var called);
            yield return called.Result;
        }
    }

    private async Task<(string? Timeout, long? Deadline, long Created)> DeadlineAsync(string id)
    {
        var row = (await Database.QueryAsync(
            "SELECT workflow_timeout_ms, workflow_deadline_epoch_ms, created_at "
            + $"FROM workflow_status WHERE workflow_uuid = '{id}'")).Single();
        return (row[0], row[1] is { } deadline ? long.Parse(deadline) : null, long.Parse(row[2]!));
    }
}
