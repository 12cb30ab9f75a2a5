using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Dbos.Fluent.Tests.Stores.Postgres.Units;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresWorkflowStoreTests(PostgresStoreFixture database) : IClassFixture<PostgresStoreFixture>
{
    private static readonly CancelError Reason = new("native", "portable");
    private readonly string application = NewId();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IWorkflowStore Workflows => database.Store.Workflows;

    [Fact]
    public async Task A_workflow_is_read_with_its_checkpoints()
    {
        var id = NewId();
        await StartAsync(Direct(id));
        await database.Store.Commits.CommitAsync([Checkpoint(id, "t1", 1, 0), Success(id, "t1")], Cancel);

        var history = await Workflows.ReadHistoryAsync(id, Cancel);

        Assert.Equal(WorkflowState.Success, history!.Value.Row.Status.State);
        Assert.Equal([Row(0), Row(1)], history.Value.Checkpoints);
        Assert.Null(await Workflows.ReadHistoryAsync(NewId(), Cancel));
        Assert.Null(await Workflows.ReadAsync(NewId(), Cancel));
    }

    [Fact]
    public async Task Outcomes_are_of_those_that_ended_and_name_those_that_do_not_exist()
    {
        var (ended, running, unknown, legacy) = (NewId(), NewId(), NewId(), NewId());
        await StartAsync(Direct(ended), Direct(running), Direct(legacy));
        await database.Store.Commits.CommitAsync([Success(ended, "t1")], Cancel);
        await database.RunAsync("UPDATE dbos.workflow_status SET status = 'ERROR', error = 'old' WHERE workflow_uuid = $1", legacy);

        var outcomes = (await Workflows.ReadOutcomesAsync([ended, running, unknown, legacy, ended], Cancel)).ToDictionary(row => row.Id);

        Assert.Equal(3, outcomes.Count);
        Assert.Equal((WorkflowState.Success, new Payload("result", "dotnet_msgpack")), (outcomes[ended].State, outcomes[ended].Output));
        Assert.Equal((WorkflowState.Error, "old"), (outcomes[legacy].State, outcomes[legacy].Error.Text));
        Assert.Null(outcomes[unknown].State);
    }

    [Fact]
    public async Task Executions_that_lost_their_row_are_told_with_what_became_of_it()
    {
        var (owned, cancelled, gone, taken, late) = (NewId(), NewId(), NewId(), NewId(), NewId());
        await StartAsync(Direct(owned), Direct(cancelled), Direct(taken, "another"), Direct(late) with { DeadlineMs = 1 });
        await Workflows.CancelAsync([cancelled, late], false, Reason, Cancel);

        string[] ids = [owned, cancelled, gone, taken, late];
        var lost = await Workflows.ReadLostAsync([.. ids.Select(id => new Ownership(id, "t1"))], Cancel);

        Assert.Equal(
            [
                new LostExecution(cancelled, WorkflowState.Cancelled, false),
                new LostExecution(gone, null, false),
                new LostExecution(taken, WorkflowState.Pending, false),
                new LostExecution(late, WorkflowState.Cancelled, true),
            ],
            lost.OrderBy(row => Array.IndexOf([cancelled, gone, taken, late], row.WorkflowId)));
    }

    [Fact]
    public async Task Cancelling_ends_what_has_not_ended_and_keeps_the_reason_in_the_rows_format()
    {
        var (running, portable, foreign, ended) = (NewId(), NewId(), NewId(), NewId());
        await StartAsync(
            Direct(running) with { Queue = "q", DeduplicationId = running },
            Enqueued(portable) with { Input = new Payload("{}", "portable_json") },
            Enqueued(foreign) with { Input = new Payload("{}", "js_superjson") },
            Direct(ended));
        await database.Store.Commits.CommitAsync([Success(ended, "t1")], Cancel);

        var cancelled = await Workflows.CancelAsync([running, portable, foreign, ended, NewId()], false, Reason, Cancel);
        var again = await Workflows.CancelAsync([running], false, Reason, Cancel);

        Assert.Equal(new[] { running, portable, foreign }.Order(), cancelled.Order());
        Assert.Empty(again);
        var row = await Workflows.ReadAsync(running, Cancel);
        Assert.Equal((WorkflowState.Cancelled, null, null, null, "native"), (
            row!.Status.State, row.Status.Queue, row.Status.DeduplicationId, await database.OwnerAsync(running), row.Error.Text));
        Assert.Equal("portable", (await Workflows.ReadAsync(portable, Cancel))!.Error.Text);
        Assert.Null((await Workflows.ReadAsync(foreign, Cancel))!.Error.Text);
        Assert.Equal(WorkflowState.Success, (await Workflows.ReadAsync(ended, Cancel))!.Status.State);
    }

    [Fact]
    public async Task What_has_passed_its_deadline_is_cancelled_up_to_the_limit()
    {
        var (first, second, later, foreign, locked) = (NewId(), NewId(), NewId(), NewId(), NewId());
        await StartAsync(
            Direct(second, "t1", application) with { DeadlineMs = 2 },
            Enqueued(first) with { ApplicationName = null, DeadlineMs = 1 },
            Direct(later, "t1", application) with { TimeoutMs = 60_000 },
            Direct(foreign, "t1", NewId()) with { DeadlineMs = 1 },
            Direct(locked, "t1", application) with { DeadlineMs = 0 });
        await using var held = await database.LockAsync(locked);

        var one = await Workflows.CancelExpiredAsync(application, 1, Reason, Cancel);
        var two = await Workflows.CancelExpiredAsync(application, 10, Reason, Cancel);

        Assert.Equal([first], one);
        Assert.Equal([second], two);
        Assert.True((await Workflows.ReadOutcomesAsync([second], Cancel)).Single().DeadlinePassed);
    }

    [Fact]
    public async Task Virtual_time_comes_from_the_provider()
    {
        var id = NewId();
        await using var store = database.Open(new StoreOptions { Logger = NullLogger.Instance, Time = new Fixed(5_000_000) });

        var unit = new StartUnit(Direct(id, "t1", application) with { TimeoutMs = 10 });
        var start = (await store.Commits.CommitAsync([unit], Cancel)).Single();
        await store.Commits.CommitAsync([Success(id, "t1")], Cancel);

        Assert.Equal((5_000_000, 5_000_010), (start.CreatedAtMs, start.DeadlineMs));
        Assert.Equal(5_000_000, (await Workflows.ReadAsync(id, Cancel))!.Status.CompletedAt?.ToUnixTimeMilliseconds());
    }

    private async Task StartAsync(params WorkflowInsert[] rows) =>
        Assert.All(
            await database.Store.Commits.CommitAsync([.. rows.Select(row => new StartUnit(row))], Cancel),
            result => Assert.Equal(CommitStatus.Written, result.Status));

    private sealed class Fixed(long epochMs) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(epochMs);
    }
}
