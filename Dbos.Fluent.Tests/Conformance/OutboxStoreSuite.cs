using System.Data;
using System.Data.Common;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Starts and messages inside a transaction of the caller's own: they are one with what else it writes.</summary>
public abstract class OutboxStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Start_and_message_are_durable_when_the_transaction_commits()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "receiver");
        await using (var caller = await bed.BeginAsync())
        {
            var started = await StartAsync(bed, caller, A.Enqueued("w") with { DeduplicationId = "only one" });
            var sent = await SendAsync(bed, caller, Some.Message("m", "receiver"));
            Assert.Equal(new CommitResult(CommitStatus.Written, CreatedAtMs: bed.Time.NowMs), started);
            Assert.Equal(CommitStatus.Written, sent.Status);
            Assert.Null(await bed.Store.Workflows.ReadAsync("w", Cancel));

            await caller.CommitAsync();
        }

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"), ("queue_name", A.Queue), ("creator_xid", "creator of w"), ("created_at", bed.Time.NowMs));
        HasColumns(await bed.RowAsync("w", "workflow_input"), ("inputs", "input of w"));
        Assert.Equal(["w"], await ClaimIdsAsync(bed.Store, A.Claim("token")));
        var received = await CommitAsync(bed.Store, Some.Receive(new Ownership("receiver", "token of receiver"), 0));
        Assert.Equal(Some.Value("text of m"), received.Received);
    }

    [Fact]
    public async Task Nothing_is_left_when_the_transaction_rolls_back()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "receiver");
        var before = await bed.DumpAsync();

        await using (var caller = await bed.BeginAsync())
        {
            await StartAsync(bed, caller, A.Enqueued("w"));
            await SendAsync(bed, caller, Some.Message("m", "receiver"));
            await caller.RollBackAsync();
        }

        Assert.Equal(before, await bed.DumpAsync());
        Assert.Equal(0, await bed.CountAsync("notifications"));
    }

    [Fact]
    public async Task What_the_caller_writes_itself_is_one_with_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.ExecuteAsync("CREATE TABLE orders (id TEXT PRIMARY KEY)");

        foreach (var commits in (bool[])[false, true])
        {
            await using var caller = await bed.BeginAsync();
            await caller.ExecuteAsync("INSERT INTO orders (id) VALUES ('o-1')");
            await StartAsync(bed, caller, A.Enqueued("o-1"));
            await (commits ? caller.CommitAsync() : caller.RollBackAsync());
        }

        Assert.Equal((1, 1), (await bed.CountAsync("orders"), await bed.CountAsync("workflow_status")));
        await bed.ExecuteAsync("DROP TABLE orders");
    }

    [Fact]
    public async Task Delayed_workflow_is_started_too()
    {
        await using var bed = await Fixture.CreateAsync();
        await using (var caller = await bed.BeginAsync())
        {
            await StartAsync(bed, caller, Queueing.Delayed("w", 5_000));
            await caller.CommitAsync();
        }

        HasColumns(await bed.RowAsync("w"), ("status", "DELAYED"), ("delay_until_epoch_ms", bed.Time.NowMs + 5_000));
    }

    [Fact]
    public async Task Existing_id_is_attached_or_refused_and_the_transaction_goes_on()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("old") with { DeduplicationId = "only one" });
        await using (var caller = await bed.BeginAsync())
        {
            var token = A.Enqueued("old") with { Token = "another" };
            var attached = await StartAsync(bed, caller, token);
            var named = await StartAsync(bed, caller, token with { Name = "refund" });
            var rejected = await bed.Store.Outbox.StartAsync(
                caller.Transaction, A.Start(token) with { RejectExisting = true }, Cancel);
            var deduplicated = await StartAsync(bed, caller, A.Enqueued("w") with { DeduplicationId = "only one" });
            Assert.Equal(
                [CommitStatus.Attached, CommitStatus.NameConflict, CommitStatus.IdInUse, CommitStatus.Deduplicated],
                ((CommitResult[])[attached, named, rejected, deduplicated]).Select(result => result.Status));
            Assert.Equal("old", deduplicated.Existing!.Id);

            await StartAsync(bed, caller, A.Enqueued("new"));
            await caller.CommitAsync();
        }

        Assert.Equal(2, await bed.CountAsync("workflow_status"));
        HasColumns(await bed.RowAsync("new"), ("status", "ENQUEUED"));
    }

    [Fact]
    public async Task Start_that_comes_again_in_the_same_transaction_counts_as_written()
    {
        await using var bed = await Fixture.CreateAsync();
        await using var caller = await bed.BeginAsync();

        Assert.Equal(await StartAsync(bed, caller, A.Enqueued("w")), await StartAsync(bed, caller, A.Enqueued("w")));
    }

    [Fact]
    public async Task Message_without_a_destination_is_refused_and_the_transaction_goes_on()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "receiver");
        await using (var caller = await bed.BeginAsync())
        {
            var refused = await SendAsync(bed, caller, Some.Message("m", "nobody"));
            Assert.Equal((CommitStatus.NoDestination, "nobody"), (refused.Status, refused.MissingId));
            await SendAsync(bed, caller, Some.Message("key::receiver", "receiver"));
            await SendAsync(bed, caller, Some.Message("key::receiver", "receiver"));
            await caller.CommitAsync();
        }

        Assert.Equal(1, await bed.CountAsync("notifications"));
    }

    [Fact]
    public async Task Message_reaches_a_workflow_that_the_same_transaction_starts()
    {
        await using var bed = await Fixture.CreateAsync();
        await using (var caller = await bed.BeginAsync())
        {
            await StartAsync(bed, caller, A.Enqueued("w"));
            Assert.Equal(CommitStatus.Written, (await SendAsync(bed, caller, Some.Message("m", "w"))).Status);
            await caller.CommitAsync();
        }

        HasColumns(Assert.Single(await bed.QueryAsync("SELECT * FROM notifications")), ("destination_uuid", "w"), ("consumed", 0));
    }

    [Fact]
    public async Task Transaction_that_has_ended_is_refused()
    {
        await using var bed = await Fixture.CreateAsync();
        await using var caller = await bed.BeginAsync();
        await caller.CommitAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(bed, caller, A.Enqueued("w")));
        await Assert.ThrowsAsync<ArgumentException>(() => SendAsync(bed, caller, Some.Message("m", "w")));
        Assert.Equal(0, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Transaction_of_another_kind_of_database_is_refused()
    {
        await using var bed = await Fixture.CreateAsync();
        await using var foreign = new ForeignTransaction();

        await Assert.ThrowsAsync<ArgumentException>(() => bed.Store.Outbox.StartAsync(foreign, A.Start(A.Enqueued("w")), Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => bed.Store.Outbox.SendAsync(foreign, Some.Message("m", "w"), Cancel));
    }

    private static Task<CommitResult> StartAsync(StoreBed bed, CallersTransaction caller, WorkflowInsert row) =>
        bed.Store.Outbox.StartAsync(caller.Transaction, A.Start(row), Cancel);

    private static Task<CommitResult> SendAsync(StoreBed bed, CallersTransaction caller, MessageRow message) =>
        bed.Store.Outbox.SendAsync(caller.Transaction, message, Cancel);

    private sealed class ForeignTransaction : DbTransaction
    {
        public override IsolationLevel IsolationLevel => IsolationLevel.ReadCommitted;

        protected override DbConnection? DbConnection => null;

        public override void Commit() => throw new NotSupportedException();

        public override void Rollback() => throw new NotSupportedException();
    }
}
