using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;
using static Dbos.Fluent.Tests.Stores.Postgres.Units;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresCommitStoreTests(PostgresStoreFixture database) : IClassFixture<PostgresStoreFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ICommitStore Commits => database.Store.Commits;

    [Fact]
    public async Task A_direct_start_is_pending_and_owned_and_has_its_input()
    {
        var id = NewId();

        var result = await CommitOneAsync(new StartUnit(Direct(id) with { TimeoutMs = 5000, AttributesJson = """{"a":1}""" }));

        Assert.Equal(CommitStatus.Written, result.Status);
        Assert.Equal(result.CreatedAtMs + 5000, result.DeadlineMs);
        var row = await database.Store.Workflows.ReadAsync(id, Cancel);
        Assert.NotNull(row);
        Assert.Equal(
            (WorkflowState.Pending, 1, "t1", "e1"),
            (row.Status.State, row.Status.RecoveryAttempts, await database.OwnerAsync(id), row.Status.ExecutorId));
        Assert.Equal(new Payload("input", "dotnet_msgpack"), row.Input);
        Assert.Equal("""{"a": 1}""", row.AttributesJson);
        Assert.Null(row.Status.StartedAt);
    }

    [Fact]
    public async Task An_enqueued_start_has_no_owner_and_no_deadline_before_its_claim()
    {
        var id = NewId();

        var result = await CommitOneAsync(new StartUnit(Enqueued(id) with { TimeoutMs = 5000 }));

        var row = await database.Store.Workflows.ReadAsync(id, Cancel);
        Assert.Null(result.DeadlineMs);
        Assert.Equal((WorkflowState.Enqueued, 0, null), (row!.Status.State, row.Status.RecoveryAttempts, await database.OwnerAsync(id)));
    }

    [Fact]
    public async Task A_delayed_start_waits_from_now()
    {
        var id = NewId();

        var result = await CommitOneAsync(new StartUnit(Enqueued(id) with { State = WorkflowState.Delayed, DelayMs = 60_000 }));

        var row = await database.Store.Workflows.ReadAsync(id, Cancel);
        Assert.Equal(result.CreatedAtMs + 60_000, row!.Status.DelayUntil?.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_start_repeated_with_its_token_counts_as_written()
    {
        var id = NewId();
        var first = await CommitOneAsync(new StartUnit(Direct(id)));

        var again = await CommitOneAsync(new StartUnit(Direct(id)));

        Assert.Equal(first, again);
    }

    [Theory]
    [InlineData("w", false, nameof(CommitStatus.Attached))]
    [InlineData("other", false, nameof(CommitStatus.NameConflict))]
    [InlineData("w", true, nameof(CommitStatus.IdInUse))]
    public async Task A_start_of_an_id_in_use_tells_what_has_it(string name, bool rejects, string expected)
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));

        var result = await CommitOneAsync(new StartUnit(Direct(id, "t2") with { Name = name }, RejectExisting: rejects));

        Assert.Equal(expected, result.Status.ToString());
        Assert.Equal(new ExistingWorkflow(id, "w", WorkflowState.Pending), result.Existing);
    }

    [Fact]
    public async Task A_start_whose_deduplication_id_is_held_tells_the_holder()
    {
        var (holder, id, dedup) = (NewId(), NewId(), NewId());
        await CommitOneAsync(new StartUnit(Enqueued(holder) with { DeduplicationId = dedup }));

        var result = await CommitOneAsync(new StartUnit(Enqueued(id) with { DeduplicationId = dedup }));

        Assert.Equal(CommitStatus.Deduplicated, result.Status);
        Assert.Equal(new ExistingWorkflow(holder, "w", WorkflowState.Enqueued), result.Existing);
        Assert.Null(await database.Store.Workflows.ReadAsync(id, Cancel));
    }

    [Fact]
    public async Task Starts_of_one_batch_meet_each_other()
    {
        var (id, dedup, third) = (NewId(), NewId(), NewId());

        var results = await Commits.CommitAsync(
            [
                new StartUnit(Enqueued(id) with { DeduplicationId = dedup }),
                new StartUnit(Enqueued(id) with { Token = "another" }),
                new StartUnit(Enqueued(third) with { DeduplicationId = dedup }),
            ],
            Cancel);

        Assert.Equal([CommitStatus.Written, CommitStatus.Attached, CommitStatus.Deduplicated], results.Select(result => result.Status));
    }

    [Fact]
    public async Task A_child_and_the_checkpoint_that_names_it_are_written_together()
    {
        var (parent, child) = (NewId(), NewId());
        await CommitOneAsync(new StartUnit(Direct(parent)));

        var result = await CommitOneAsync(Child(parent, "t1", child));

        Assert.Equal(CommitStatus.Written, result.Status);
        Assert.Equal(child, (await HistoryAsync(parent)).Single().ChildId);
    }

    [Fact]
    public async Task A_child_of_a_parent_that_is_no_longer_owned_is_not_started()
    {
        var (parent, child) = (NewId(), NewId());
        await CommitOneAsync(new StartUnit(Direct(parent)));

        var single = await CommitOneAsync(Child(parent, "stale", child));
        var batch = await Commits.CommitAsync([Child(parent, "stale", child), new StartUnit(Direct(NewId()))], Cancel);

        Assert.Equal(CommitResult.NotOwned, single);
        Assert.Equal([CommitStatus.NotOwned, CommitStatus.Written], batch.Select(result => result.Status));
        Assert.Null(await database.Store.Workflows.ReadAsync(child, Cancel));
        Assert.Empty(await HistoryAsync(parent));
    }

    [Fact]
    public async Task A_child_that_exists_is_attached_and_recorded()
    {
        var (parent, child) = (NewId(), NewId());
        await CommitOneAsync(new StartUnit(Direct(parent)));
        await CommitOneAsync(new StartUnit(Direct(child, "t2")));

        var result = await CommitOneAsync(Child(parent, "t1", child));

        Assert.Equal(CommitStatus.Attached, result.Status);
        Assert.Equal(child, (await HistoryAsync(parent)).Single().ChildId);
    }

    [Fact]
    public async Task A_child_under_another_name_is_refused_and_not_recorded()
    {
        var (parent, child) = (NewId(), NewId());
        await CommitOneAsync(new StartUnit(Direct(parent)));
        await CommitOneAsync(new StartUnit(Direct(child, "t2") with { Name = "other" }));

        var result = await CommitOneAsync(Child(parent, "t1", child));

        Assert.Equal(CommitStatus.NameConflict, result.Status);
        Assert.Empty(await HistoryAsync(parent));
    }

    [Fact]
    public async Task Checkpoints_are_written_as_given_and_carry_the_application()
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));
        CheckpointRow[] rows = [Row(0), new CheckpointRow(1, "failed", null, null) { Error = "error", ChildId = "child" }];

        var result = await CommitOneAsync(new CheckpointUnit(new Ownership(id, "t1"), rows));

        Assert.Equal(CommitResult.Written, result);
        Assert.Equal(rows, await HistoryAsync(id));
        Assert.Equal(2, await database.CountAsync(
            "SELECT count(*) FROM dbos.operation_outputs WHERE workflow_uuid = $1 AND application_name = 'app'", id));
    }

    [Fact]
    public async Task A_checkpoint_by_a_former_owner_is_not_written()
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));

        var results = await Commits.CommitAsync([Checkpoint(id, "former", 0, 1), Checkpoint(id, "t1", 0)], Cancel);

        Assert.Equal([CommitResult.NotOwned, CommitResult.Written], results);
        Assert.Equal(CommitResult.NotOwned, await CommitOneAsync(Checkpoint(id, "former", 7)));
        Assert.Equal(CommitResult.NotOwned, await CommitOneAsync(Checkpoint(NewId(), "t1", 0)));
        Assert.Equal([0], (await HistoryAsync(id)).Select(row => row.Sequence));
    }

    [Fact]
    public async Task A_row_locked_by_somebody_is_busy_and_holds_up_nobody()
    {
        var (locked, free, child) = (NewId(), NewId(), NewId());
        await Commits.CommitAsync([new StartUnit(Direct(locked)), new StartUnit(Direct(free))], Cancel);
        await using var foreign = await database.LockAsync(locked);

        var results = await Commits.CommitAsync(
            [Checkpoint(locked, "t1", 0), Checkpoint(free, "t1", 0), Success(locked, "t1"), Child(locked, "t1", child)], Cancel);
        var single = await CommitOneAsync(Success(locked, "t1"));

        Assert.Equal(
            [CommitStatus.Busy, CommitStatus.Written, CommitStatus.Busy, CommitStatus.Busy], results.Select(result => result.Status));
        Assert.Equal(CommitResult.Busy, single);
    }

    [Fact]
    public async Task A_waiting_commit_outlasts_a_foreign_lock()
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));
        var foreign = await database.LockAsync(id);

        var waiting = Commits.CommitWaitingAsync(Checkpoint(id, "t1", 0), Cancel).AsTask();
        Assert.False(waiting.IsCompleted);
        await foreign.DisposeAsync();

        Assert.Equal(CommitResult.Written, await waiting.WaitAsync(TimeSpan.FromSeconds(10), Cancel));
        Assert.Equal(CommitResult.NotOwned, await Commits.CommitWaitingAsync(Success(id, "former"), Cancel));
        Assert.Equal(CommitStatus.Written, (await Commits.CommitWaitingAsync(Child(id, "t1", NewId(), 1), Cancel)).Status);
        Assert.Equal(CommitResult.Written, await Commits.CommitWaitingAsync(Success(id, "t1"), Cancel));
    }

    [Fact]
    public async Task A_lock_for_a_message_does_not_stop_a_checkpoint()
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));
        await using var sender = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await sender.BeginTransactionAsync(Cancel);
        await using var send = new NpgsqlCommand("SELECT dbos.send_message($1, '1')", sender, transaction);
        send.Parameters.Add(new NpgsqlParameter { Value = id });
        await send.ExecuteNonQueryAsync(Cancel);

        Assert.Equal(CommitResult.Written, await CommitOneAsync(Checkpoint(id, "t1", 0)));
    }

    [Fact]
    public async Task An_outcome_ends_the_workflow_and_frees_its_deduplication_id()
    {
        var (id, dedup) = (NewId(), NewId());
        await CommitOneAsync(new StartUnit(Direct(id) with { Queue = "q", DeduplicationId = dedup }));

        var result = await CommitOneAsync(new OutcomeUnit(new Ownership(id, "t1"), WorkflowState.Error, null, "failure"));

        var row = await database.Store.Workflows.ReadAsync(id, Cancel);
        Assert.Equal(CommitResult.Written, result);
        Assert.Equal((WorkflowState.Error, null, null), (row!.Status.State, await database.OwnerAsync(id), row.Status.DeduplicationId));
        Assert.Equal("failure", row.Error.Text);
        Assert.NotNull(row.Status.CompletedAt);
        var next = new StartUnit(Enqueued(NewId()) with { DeduplicationId = dedup });
        Assert.Equal(CommitStatus.Written, (await CommitOneAsync(next)).Status);
    }

    [Fact]
    public async Task A_checkpoint_and_the_outcome_of_one_workflow_go_in_one_batch()
    {
        var ids = Enumerable.Range(0, 20).Select(_ => NewId()).ToList();
        await Commits.CommitAsync([.. ids.Select(id => new StartUnit(Direct(id)))], Cancel);

        CommitUnit[] UnitsOf(string id) => [Checkpoint(id, "t1", 0), Checkpoint(id, "t1", 1, 2), Success(id, "t1", id)];
        var results = await Commits.CommitAsync([.. ids.SelectMany(UnitsOf)], Cancel);

        Assert.All(results, result => Assert.Equal(CommitResult.Written, result));
        var outcomes = await database.Store.Workflows.ReadOutcomesAsync(ids, Cancel);
        Assert.Equal(ids.Order(), outcomes.Select(outcome => outcome.Output.Text).Order());
        Assert.Equal(3, (await HistoryAsync(ids[0])).Count);
    }

    [Fact]
    public async Task What_comes_after_the_outcome_in_a_batch_is_not_owned()
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));

        var results = await Commits.CommitAsync([Success(id, "t1"), Checkpoint(id, "t1", 0), Success(id, "t1", "another")], Cancel);

        Assert.Equal([CommitResult.Written, CommitResult.NotOwned, CommitResult.NotOwned], results);
    }

    [Fact]
    public async Task Units_whose_acknowledgement_was_lost_count_as_written_when_repeated()
    {
        var (one, two) = (NewId(), NewId());
        await Commits.CommitAsync([new StartUnit(Direct(one)), new StartUnit(Direct(two))], Cancel);
        CommitUnit[] batch = [Checkpoint(one, "t1", 0), Success(one, "t1"), Checkpoint(two, "t1", 0, 1)];
        await Commits.CommitAsync(batch, Cancel);

        var again = await Commits.CommitAsync(batch, Cancel);

        // The first one's run has ended by now.
        var ended = CommitResult.Written with { MovedOn = true };
        Assert.Equal([ended, CommitResult.Written, CommitResult.Written], again);
        Assert.Equal(ended, await CommitOneAsync(batch[0]));
        Assert.Equal(CommitResult.Written, await CommitOneAsync(batch[1]));
        Assert.Equal(CommitResult.Written, await CommitOneAsync(batch[2]));
    }

    [Fact]
    public async Task One_unit_that_the_database_cannot_hold_does_not_fail_the_others()
    {
        var (id, bad) = (NewId(), NewId());
        await CommitOneAsync(new StartUnit(Direct(id)));
        var unstorable = new StartUnit(Direct(bad) with { Input = new Payload("nul \0 byte", "portable_json") });
        var unencodable = new StartUnit(Direct(NewId()) with { Input = new Payload("half \ud800 pair", "portable_json") });

        var results = await Commits.CommitAsync([Checkpoint(id, "t1", 0), unstorable, unencodable, Checkpoint(id, "t1", 1)], Cancel);

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Refused, CommitStatus.Refused, CommitStatus.Written],
            results.Select(result => result.Status));
        Assert.IsType<PostgresException>(results[1].Refusal);
        await Assert.ThrowsAsync<PostgresException>(async () => await Commits.CommitAsync([unstorable], Cancel));
        Assert.Equal(CommitResult.Written, await CommitOneAsync(Checkpoint(id, "t1", 2)));
    }

    [Fact]
    public async Task Concurrent_batches_on_all_lanes_are_all_written()
    {
        var ids = Enumerable.Range(0, 200).Select(_ => NewId()).ToList();

        await Task.WhenAll(ids.Select(async id =>
        {
            await CommitOneAsync(new StartUnit(Direct(id)));
            await CommitOneAsync(Checkpoint(id, "t1", 0));
            await CommitOneAsync(Success(id, "t1"));
        }));

        var outcomes = await database.Store.Workflows.ReadOutcomesAsync(ids, Cancel);
        Assert.Equal(200, outcomes.Count(row => row.State == WorkflowState.Success));
    }

    [Fact]
    public async Task A_connection_that_was_cut_is_replaced()
    {
        var id = NewId();
        await CommitOneAsync(new StartUnit(Direct(id)));
        await database.RunAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");

        await StoreBackoff.RepeatAsync(async _ => await CommitOneAsync(Checkpoint(id, "t1", 0)), Cancel);

        // A look whose kept connection is dead goes by the pool at once, which has forgotten its own dead ones.
        database.Source.Clear();
        Assert.Empty(await database.Store.Workflows.ReadOutcomesAsync([id], Cancel));
        Assert.Single(await HistoryAsync(id));
    }

    [Fact]
    public async Task Behind_a_pooler_nothing_is_prepared_and_everything_is_written()
    {
        var id = NewId();
        await using var store = database.Open(new StoreOptions { Logger = NullLogger.Instance, Notifications = false });

        await store.Commits.CommitAsync([new StartUnit(Direct(id))], Cancel);
        await store.Commits.CommitAsync([Checkpoint(id, "t1", 0), Success(id, "t1")], Cancel);

        Assert.Equal(WorkflowState.Success, (await store.Workflows.ReadAsync(id, Cancel))!.Status.State);
    }

    private static StartUnit Child(string parent, string token, string child, int sequence = 0) => new(
        Direct(child, "child-token") with { ParentId = parent }, new Ownership(parent, token), Row(sequence, output: null, child: child));

    private async Task<CommitResult> CommitOneAsync(CommitUnit unit) => (await Commits.CommitAsync([unit], Cancel)).Single();

    private async Task<IReadOnlyList<CheckpointRow>> HistoryAsync(string id) =>
        (await database.Store.Workflows.ReadHistoryAsync(id, Cancel))?.Checkpoints ?? [];
}
