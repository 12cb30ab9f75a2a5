using Dbos.Fluent.Storage;
using Npgsql;
using Xunit;
using static Dbos.Fluent.Tests.Stores.Postgres.Units;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresExecutorStoreTests(PostgresStoreFixture database) : IClassFixture<PostgresStoreFixture>
{
    private static readonly HostProcess Host = new("machine", "boot", "namespace", 42, 1234567890123);
    private readonly string application = NewId();
    private readonly string executor = NewId();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IExecutorStore Executors => database.Store.Executors;

    [Fact]
    public async Task A_registration_holds_a_lease_on_the_databases_clock()
    {
        var result = await Executors.RegisterAsync(Registration("one"), Cancel);

        var row = Assert.Single(await Executors.ReadAsync(application, Cancel));
        Assert.True(result.Registered);
        Assert.InRange(result.ExpiresAtMs - result.NowMs, 29_000, 30_000);
        Assert.Equal(
            new ExecutorRow(executor, "one", application, "v-" + application, Host, result.ExpiresAtMs, Alive: true, Stopped: false),
            row with { ReadAtMs = 0 });
    }

    [Fact]
    public async Task A_living_id_is_refused_to_another_incarnation_and_given_once_its_lease_ended()
    {
        await Executors.RegisterAsync(Registration("one"), Cancel);

        var refused = await Executors.RegisterAsync(Registration("two"), Cancel);
        await Executors.ExpireAsync(executor, "two", Cancel);
        var stillRefused = await Executors.RegisterAsync(Registration("two"), Cancel);
        await Executors.ExpireAsync(executor, "one", Cancel);
        var expired = Assert.Single(await Executors.ReadAsync(application, Cancel));
        var given = await Executors.RegisterAsync(Registration("two"), Cancel);

        Assert.Equal((false, "one"), (refused.Registered, refused.Holder?.Incarnation));
        Assert.False(stillRefused.Registered);
        Assert.Equal((false, false), (expired.Alive, expired.Stopped));
        Assert.True(given.Registered);
    }

    [Fact]
    public async Task A_registration_whose_answer_was_lost_may_be_repeated()
    {
        await Executors.RegisterAsync(Registration("one"), Cancel);

        Assert.True((await Executors.RegisterAsync(Registration("one"), Cancel)).Registered);
    }

    [Fact]
    public async Task A_renewal_makes_the_lease_whole_unless_another_incarnation_has_the_id()
    {
        await Executors.RegisterAsync(Registration("one"), Cancel);
        await Executors.ExpireAsync(executor, "one", Cancel);

        var renewed = await Executors.RenewAsync(executor, "one", TimeSpan.FromSeconds(30), Cancel);
        await Executors.ExpireAsync(executor, "one", Cancel);
        await Executors.RegisterAsync(Registration("two"), Cancel);
        var lost = await Executors.RenewAsync(executor, "one", TimeSpan.FromSeconds(30), Cancel);
        var unknown = await Executors.RenewAsync(NewId(), "one", TimeSpan.FromSeconds(30), Cancel);

        Assert.True(renewed.Registered && renewed.ExpiresAtMs > renewed.NowMs);
        Assert.Equal((false, "two"), (lost.Registered, lost.Holder?.Incarnation));
        Assert.Equal((false, null), (unknown.Registered, unknown.Holder));
    }

    [Fact]
    public async Task A_renewal_that_waited_while_the_id_was_taken_holds_nothing()
    {
        await Executors.RegisterAsync(Registration("one"), Cancel);
        await using var taking = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await taking.BeginTransactionAsync(Cancel);
        await using var take = new NpgsqlCommand(
            "UPDATE dbos.fluent_executors SET incarnation = 'two' WHERE executor_id = $1", taking, transaction);
        take.Parameters.Add(new() { Value = executor });
        await take.ExecuteNonQueryAsync(Cancel);

        var renewing = Executors.RenewAsync(executor, "one", TimeSpan.FromSeconds(30), Cancel);
        await NpgsqlParking.BlockedByAsync(database.Source.ConnectionString, taking.ProcessID);
        await transaction.CommitAsync(Cancel);

        Assert.False((await renewing.Within(Bounded.Limit)).Registered);
        Assert.Equal("two", (await Executors.RenewAsync(executor, "one", TimeSpan.FromSeconds(30), Cancel)).Holder?.Incarnation);
    }

    [Fact]
    public async Task A_version_is_registered_once_and_keeps_its_age()
    {
        await Executors.RegisterAsync(Registration("one"), Cancel);
        await database.RunAsync("UPDATE dbos.application_versions SET version_timestamp = 5 WHERE version_name = $1", "v-" + application);

        await Executors.RegisterAsync(Registration("one"), Cancel);

        Assert.Equal(5, await database.CountAsync(
            "SELECT version_timestamp FROM dbos.application_versions WHERE version_name = $1 AND application_name = $2",
            "v-" + application, application));
    }

    [Fact]
    public async Task Stopping_hands_work_on_without_counting_an_attempt()
    {
        var (running, queued, ended) = (NewId(), NewId(), NewId());
        await Executors.RegisterAsync(Registration("one"), Cancel);
        await StartAsync(Mine(running), Mine(queued) with { Queue = "q" }, Mine(ended));
        await database.Store.Commits.CommitAsync([Success(ended, "t1")], Cancel);
        await database.RunAsync("UPDATE dbos.workflow_status SET recovery_attempts = 3 WHERE workflow_uuid = $1", queued);

        var count = await Executors.StopAsync(executor, "one", Cancel);
        var again = await Executors.StopAsync(executor, "one", Cancel);

        Assert.Equal((2, 0), (count, again));
        Assert.Equal((WorkflowState.Enqueued, "_dbos_internal_queue", 0), await StateAsync(running));
        Assert.Equal((WorkflowState.Enqueued, "q", 2), await StateAsync(queued));
        Assert.Equal(WorkflowState.Success, (await StateAsync(ended)).State);
        Assert.True(Assert.Single(await Executors.ReadAsync(application, Cancel)) is { Stopped: true, Alive: false });
        Assert.False((await Executors.RenewAsync(executor, "one", TimeSpan.FromSeconds(30), Cancel)).Registered);
        Assert.Equal(CommitResult.NotOwned, (await database.Store.Commits.CommitAsync([Checkpoint(running, "t1", 0)], Cancel)).Single());
    }

    [Fact]
    public async Task Stopping_a_former_incarnation_touches_nothing()
    {
        var id = NewId();
        await Executors.RegisterAsync(Registration("two"), Cancel);
        await StartAsync(Mine(id));

        Assert.Equal(0, await Executors.StopAsync(executor, "one", Cancel));
        Assert.Equal(WorkflowState.Pending, (await StateAsync(id)).State);
    }

    [Fact]
    public async Task Handing_on_takes_the_named_executors_work_and_no_other()
    {
        var (mine, kept, otherName, otherApplication, otherExecutor, locked) = (NewId(), NewId(), NewId(), NewId(), NewId(), NewId());
        await StartAsync(
            Mine(mine),
            Mine(kept) with { Token = "running here" },
            Mine(otherName) with { Name = "unknown" },
            Mine(otherApplication) with { ApplicationName = NewId() },
            Mine(otherExecutor) with { ExecutorId = NewId() },
            Mine(locked));
        await using var foreign = await database.LockAsync(locked);

        var request = Request() with { ExecutorIds = [executor], Except = new([], [new(kept, "running here")]) };
        var handed = await Executors.HandOnAsync(request, Cancel);

        Assert.Equal([mine], handed);
        Assert.Equal((WorkflowState.Enqueued, "_dbos_internal_queue", 1), await StateAsync(mine));
    }

    [Fact]
    public async Task Orphans_are_handed_on_once_they_have_not_moved_for_a_lease()
    {
        var (orphan, living, fresh) = (NewId(), NewId(), NewId());
        var (gone, alive) = (NewId(), NewId());
        await Executors.RegisterAsync(Registration("one") with { ExecutorId = alive }, Cancel);
        await Executors.RegisterAsync(Registration("one") with { ExecutorId = gone }, Cancel);
        await Executors.ExpireAsync(gone, "one", Cancel);
        await StartAsync(Mine(orphan) with { ExecutorId = gone }, Mine(living) with { ExecutorId = alive }, Mine(fresh));
        await database.RunAsync(
            "UPDATE dbos.workflow_status SET updated_at = updated_at - 60000 WHERE workflow_uuid IN ($1, $2)", orphan, living);

        var handed = await Executors.HandOnOrphansAsync(Request(), TimeSpan.FromSeconds(30), Cancel);

        Assert.Equal([orphan], handed);
    }

    private ExecutorRegistration Registration(string incarnation) =>
        new(executor, incarnation, application, "v-" + application, Host, TimeSpan.FromSeconds(30));

    private HandOnRequest Request() => new() { ApplicationName = application, WorkflowNames = ["w"], Limit = 10 };

    private WorkflowInsert Mine(string id) => Direct(id, "t1", application) with { ExecutorId = executor };

    private async Task StartAsync(params WorkflowInsert[] rows) =>
        await database.Store.Commits.CommitAsync([.. rows.Select(row => new StartUnit(row))], Cancel);

    private async Task<(WorkflowState State, string? Queue, int Attempts)> StateAsync(string id)
    {
        var row = await database.Store.Workflows.ReadAsync(id, Cancel);
        return (row!.Status.State, row.Status.Queue, row.Status.RecoveryAttempts);
    }
}
