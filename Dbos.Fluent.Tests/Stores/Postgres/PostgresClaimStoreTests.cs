using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Dbos.Fluent.Tests.Stores.Postgres.Units;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresClaimStoreTests(PostgresStoreFixture database) : IClassFixture<PostgresStoreFixture>
{
    // Each test is an application of its own, so that none claims another's rows.
    private readonly string application = NewId();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IClaimStore Claims => database.Store.Claims;

    [Fact]
    public async Task A_claim_takes_from_all_queues_in_turn_and_from_each_by_priority_and_age_up_to_its_limit()
    {
        await StartAsync(In("a", "q1", 1), In("b", "q2", 1), In("c", "q2", 0), In("d", "q3", 5));

        var result = await Claims.ClaimAsync(Claim("c1", application, limit: 3), Cancel);
        var rest = await Claims.ClaimAsync(Claim("c2", application), Cancel);

        Assert.Equal(["a", "c", "d"], result.Claimed.Select(claimed => claimed.Id[..1]).Order());
        Assert.Equal(["b"], rest.Claimed.Select(claimed => claimed.Id[..1]));
        Assert.Empty((await Claims.ClaimAsync(Claim("c3", application), Cancel)).Claimed);
    }

    [Fact]
    public async Task A_claimed_row_is_stamped_and_owned()
    {
        var id = NewId();
        await StartAsync(Mine(id) with { TimeoutMs = 60_000, ParentId = "parent" });

        var claimed = (await Claims.ClaimAsync(Claim("token", application), Cancel)).Claimed.Single();

        var row = await database.Store.Workflows.ReadAsync(id, Cancel);
        Assert.Equal((WorkflowState.Pending, "token", "claimer", "v1", 1), (
            row!.Status.State,
            await database.OwnerAsync(id),
            row.Status.ExecutorId,
            row.Status.ApplicationVersion,
            row.Status.RecoveryAttempts));
        Assert.Equal(row.Status.StartedAt + TimeSpan.FromMinutes(1), row.Status.Deadline);
        Assert.Equal(("w", "token", 1, "q", "parent"), (claimed.Name, claimed.Token, claimed.Attempt, claimed.Queue, claimed.ParentId));
        Assert.Equal(new Payload("input", "dotnet_msgpack"), claimed.Input);
        Assert.Equal(row.Status.Deadline?.ToUnixTimeMilliseconds(), claimed.DeadlineMs);
        Assert.Equal(row.Status.StartedAt?.ToUnixTimeMilliseconds(), claimed.Origin.StartedAtMs);
    }

    [Fact]
    public async Task Rows_of_other_names_and_applications_are_left_and_ownerless_ones_taken()
    {
        var (open, other) = (NewId(), NewId());
        var name = NewId();
        await StartAsync(
            Mine(NewId()) with { Name = "unknown" },
            Enqueued(other, NewId()) with { Name = name },
            Enqueued(open) with { Name = name, ApplicationName = null });

        var result = await Claims.ClaimAsync(Claim("t", application) with { WorkflowNames = [name] }, Cancel);

        Assert.Equal([open], result.Claimed.Select(claimed => claimed.Id));
        Assert.Equal(application, (await database.Store.Workflows.ReadAsync(open, Cancel))!.Status.ApplicationName);
    }

    [Fact]
    public async Task Rows_without_a_version_wait_for_the_latest_registered_one()
    {
        var (open, bound) = (NewId(), NewId());
        var (old, latest) = (NewId(), NewId());
        await StartAsync(Mine(open), Mine(bound) with { ApplicationVersion = old });
        foreach (var (version, timestamp) in new[] { (old, 1L), (latest, 2L) })
        {
            await database.RunAsync(
                """
                INSERT INTO dbos.application_versions (version_id, version_name, version_timestamp, application_name)
                VALUES ($1, $1, $2, $3)
                """,
                version, timestamp, application);
        }

        var byOld = await Claims.ClaimAsync(Claim("t1", application) with { ApplicationVersion = old }, Cancel);
        var byLatest = await Claims.ClaimAsync(Claim("t2", application) with { ApplicationVersion = latest }, Cancel);

        Assert.Equal([bound], byOld.Claimed.Select(claimed => claimed.Id));
        Assert.Equal([open], byLatest.Claimed.Select(claimed => claimed.Id));
    }

    [Fact]
    public async Task A_row_whose_attempts_are_spent_is_dead_lettered()
    {
        var (spent, last, dedup) = (NewId(), NewId(), NewId());
        await StartAsync(Mine(spent) with { DeduplicationId = dedup }, Mine(last));
        await database.RunAsync("UPDATE dbos.workflow_status SET recovery_attempts = 3 WHERE workflow_uuid = $1", spent);
        await database.RunAsync("UPDATE dbos.workflow_status SET recovery_attempts = 2 WHERE workflow_uuid = $1", last);

        var result = await Claims.ClaimAsync(Claim("t", application) with { RecoveryAttemptsMax = 2 }, Cancel);

        Assert.Equal([spent], result.DeadLettered);
        Assert.Equal(3, result.Claimed.Single().Attempt);
        var row = await database.Store.Workflows.ReadAsync(spent, Cancel);
        Assert.Equal((WorkflowState.MaxRecoveryAttemptsExceeded, null, null, null, 4), (
            row!.Status.State,
            row.Status.Queue,
            await database.OwnerAsync(spent),
            row.Status.DeduplicationId,
            row.Status.RecoveryAttempts));
        Assert.NotNull(row.Status.CompletedAt);
    }

    [Fact]
    public async Task A_claim_repeated_with_its_token_gives_back_what_it_took()
    {
        var token = NewId();
        await StartAsync(Mine(NewId()), Mine(NewId()), Mine(NewId()));
        var lost = await Claims.ClaimAsync(Claim(token, application, limit: 2), Cancel);

        var again = await Claims.ClaimAsync(Claim(token, application, limit: 2) with { Repeated = true }, Cancel);
        var fresh = await Claims.ClaimAsync(Claim(NewId(), application) with { Repeated = true }, Cancel);

        Assert.Equal(lost.Claimed.Select(work => work with { NeverRan = false }), again.Claimed);
        Assert.Single(fresh.Claimed);
    }

    [Fact]
    public async Task Concurrent_claims_never_take_one_row_twice()
    {
        await StartAsync([.. Enumerable.Range(0, 100).Select(_ => Mine(NewId()))]);

        var taken = new List<string>();
        var stores = Enumerable.Range(0, 6).Select(_ => database.Open(new StoreOptions { Logger = NullLogger.Instance })).ToList();
        for (var round = 0; taken.Count < 100 && round < 100; round++)
        {
            var results = await Task.WhenAll(
                stores.Select(store => store.Claims.ClaimAsync(Claim(NewId(), application, limit: 5), Cancel)));
            taken.AddRange(results.SelectMany(result => result.Claimed).Select(claimed => claimed.Id));
        }

        Assert.Equal(100, taken.Count);
        Assert.Equal(100, taken.Distinct().Count());
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_origin_of_an_enqueued_workflow_is_that_of_its_first_claim()
    {
        var id = NewId();
        await StartAsync(Mine(id));
        var first = await ClaimOneAsync();
        await database.RunAsync(
            """
            UPDATE dbos.workflow_status
               SET status = 'ENQUEUED', recovery_attempts = 0, owner_xid = NULL, started_at_epoch_ms = NULL
             WHERE workflow_uuid = $1
            """,
            id);

        var second = await ClaimOneAsync();

        Assert.Equal(first.Origin, second.Origin);
        Assert.NotEqual(WorkflowOrigin.OfDirectStart(id, first.Origin.StartedAtMs), first.Origin);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task The_origin_of_a_direct_start_follows_from_its_row_however_often_it_is_handed_on(long attempts)
    {
        var id = NewId();
        var start = await StartAsync(Direct(id, "t", application));
        await HandOnAsync(id, attempts);

        var claimed = await ClaimOneAsync();

        Assert.Equal(WorkflowOrigin.OfDirectStart(id, start[0].CreatedAtMs), claimed.Origin);
        Assert.Equal(attempts + 1, claimed.Attempt);
    }

    [Fact]
    public async Task A_fork_of_a_fork_has_the_origin_of_the_first()
    {
        var (source, fork, forkOfFork) = (NewId(), NewId(), NewId());
        var start = await StartAsync(Direct(source, "t", application));
        var origin = WorkflowOrigin.OfDirectStart(source, start[0].CreatedAtMs);
        await StartAsync(Mine(forkOfFork));
        await database.RunAsync("UPDATE dbos.workflow_status SET forked_from = $2 WHERE workflow_uuid = $1", forkOfFork, fork);
        await StartAsync(Mine(fork) with { Name = "unclaimed" });
        await database.RunAsync("UPDATE dbos.workflow_status SET forked_from = $2 WHERE workflow_uuid = $1", fork, source);

        var first = await ClaimOneAsync();
        await database.RunAsync("DELETE FROM dbos.workflow_status WHERE workflow_uuid = ANY ($1)", (object)new[] { source, fork });
        await HandOnAsync(forkOfFork, 1);
        var second = await ClaimOneAsync();

        Assert.Equal((forkOfFork, origin), (first.Id, first.Origin));
        Assert.Equal(origin, second.Origin);
    }

    [Fact]
    public async Task A_fork_of_an_enqueued_workflow_has_its_stored_origin()
    {
        var (source, fork) = (NewId(), NewId());
        await StartAsync(Mine(source));
        var origin = (await ClaimOneAsync()).Origin;
        await StartAsync(Mine(fork));
        await database.RunAsync("UPDATE dbos.workflow_status SET forked_from = $2 WHERE workflow_uuid = $1", fork, source);

        Assert.Equal(origin, (await ClaimOneAsync()).Origin);
    }

    [Fact]
    public async Task Histories_come_for_each_workflow_in_order()
    {
        var (one, two) = (NewId(), NewId());
        await StartAsync(Direct(one, "t", application), Direct(two, "t", application));
        await database.Store.Commits.CommitAsync([Checkpoint(one, "t", 2, 0, 1)], Cancel);

        var histories = await Claims.ReadHistoriesAsync([one, two], Cancel);

        Assert.Equal([0, 1, 2], histories[one].Select(row => row.Sequence));
        Assert.Empty(histories[two]);
    }

    private WorkflowInsert Mine(string id) => Enqueued(id, application);

    private WorkflowInsert In(string name, string queue, int priority) =>
        Mine(name + NewId()) with { Queue = queue, Priority = priority };

    private async Task<IReadOnlyList<CommitResult>> StartAsync(params WorkflowInsert[] rows)
    {
        var results = new List<CommitResult>();
        foreach (var row in rows)
        {
            results.AddRange(await database.Store.Commits.CommitAsync([new StartUnit(row)], Cancel));
        }

        return results;
    }

    private async Task<ClaimedWorkflow> ClaimOneAsync() =>
        (await Claims.ClaimAsync(Claim(NewId(), application), Cancel)).Claimed.Single();

    private Task HandOnAsync(string id, long attempts) => database.RunAsync(
        """
        UPDATE dbos.workflow_status
           SET status = 'ENQUEUED', queue_name = COALESCE(queue_name, '_dbos_internal_queue'), recovery_attempts = $2,
               owner_xid = NULL, started_at_epoch_ms = NULL
         WHERE workflow_uuid = $1
        """,
        id, attempts);
}
