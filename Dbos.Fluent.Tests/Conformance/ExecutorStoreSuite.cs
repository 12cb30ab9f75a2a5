using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Executors and their leases. Leases are on a real clock, never on virtual time.</summary>
public abstract class ExecutorStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Registered_executor_holds_a_lease()
    {
        await using var bed = await Fixture.CreateAsync();

        var result = await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);

        Assert.True(result.Registered);
        Assert.Null(result.Holder);
        IsWhole(result);
        Assert.InRange(
            result.NowMs,
            DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds(),
            DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Executors_of_an_application_are_read_with_their_hosts()
    {
        await using var bed = await Fixture.CreateAsync();
        var registration = A.Executor();
        var lease = await bed.Store.Executors.RegisterAsync(registration, Cancel);
        await bed.Store.Executors.RegisterAsync(A.Executor("theirs") with { ApplicationName = A.OtherApplication }, Cancel);

        var row = Assert.Single(await bed.Open().Executors.ReadAsync(A.Application, Cancel));

        Assert.Equal(
            new ExecutorRow(
                A.ExecutorId, "first launch", A.Application, A.Version, registration.Host, lease.ExpiresAtMs, Alive: true, Stopped: false)
            {
                ReadAtMs = row.ReadAtMs,
            },
            row);
        Assert.InRange(row.ReadAtMs, lease.NowMs, lease.NowMs + 60_000);
    }

    [Fact]
    public async Task Living_id_is_refused_to_another_incarnation()
    {
        await using var bed = await Fixture.CreateAsync();
        var first = await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);

        var second = await bed.Store.Executors.RegisterAsync(
            A.Executor(incarnation: "second launch") with { ApplicationVersion = "v2", Workflows = [new("checkout", "new")] }, Cancel);

        Assert.False(second.Registered);
        Assert.Equal(A.Version, Assert.Single(await bed.Store.Versions.ReadAllAsync(A.Application, Cancel)).Name);
        Assert.Equal(0, await bed.CountAsync("fluent_versions"));
        Assert.Equal(first.ExpiresAtMs, second.ExpiresAtMs);
        Assert.Equal("first launch", second.Holder!.Incarnation);
        Assert.True(second.Holder.Alive);
        Assert.Equal("first launch", Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).Incarnation);
    }

    [Fact]
    public async Task Names_that_a_version_has_no_more_are_forgotten_where_nobody_else_may_have_them()
    {
        await using var bed = await Fixture.CreateAsync();
        await RegisterAsync("first", "a", "b");
        await bed.Store.Executors.StopAsync("first", "first launch", Cancel);
        await RegisterAsync("second", "a", "c");

        // What the first one had may wait for its like, as long as it is remembered.
        Assert.Equal(["a", "b", "c"], await NamesAsync());
        await bed.ExecuteAsync("DELETE FROM fluent_executors WHERE executor_id = 'first'");
        await RegisterAsync("second", "a", "c");
        Assert.Equal(["a", "c"], await NamesAsync());
        await bed.ExecuteAsync("DELETE FROM fluent_executors WHERE executor_id = 'second'");
        await RegisterAsync("first", "d");
        await RegisterAsync("first");
        Assert.Equal(["d"], await NamesAsync());

        Task RegisterAsync(string executorId, params string[] names) => bed.Store.Executors.RegisterAsync(
            A.Executor(executorId) with { Workflows = [.. names.Select(name => new WorkflowCode(name, "code"))] }, Cancel);

        async Task<IEnumerable<object?>> NamesAsync() =>
            (await bed.QueryAsync("SELECT workflow_name AS name FROM fluent_versions ORDER BY 1")).Select(row => row["name"]);
    }

    [Fact]
    public async Task Registering_again_is_a_fresh_lease_of_the_same_incarnation()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor() with { Lease = TimeSpan.FromMinutes(1) }, Cancel);

        var again = await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);

        Assert.True(again.Registered);
        IsWhole(again);
    }

    [Fact]
    public async Task Id_is_free_once_the_lease_has_ended()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor() with { Lease = TimeSpan.FromMilliseconds(50) }, Cancel);
        await Eventually.TrueAsync(async () => !(await bed.Store.Executors.ReadAsync(A.Application, Cancel))[0].Alive, Bounded.Limit);

        var second = await bed.Store.Executors.RegisterAsync(A.Executor(incarnation: "second launch"), Cancel);

        Assert.True(second.Registered);
        var row = Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel));
        Assert.Equal(("second launch", true), (row.Incarnation, row.Alive));
    }

    [Fact]
    public async Task Leases_take_no_notice_of_virtual_time()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);

        bed.Time.Advance(TimeSpan.FromDays(365));

        Assert.True(Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).Alive);
    }

    [Fact]
    public async Task Renewed_lease_is_whole_again()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor() with { Lease = TimeSpan.FromMinutes(1) }, Cancel);

        var renewed = await bed.Store.Executors.RenewAsync(A.ExecutorId, "first launch", Hour, Cancel);

        Assert.True(renewed.Registered);
        IsWhole(renewed);
        Assert.Equal(renewed.ExpiresAtMs, Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).ExpiresAtMs);
    }

    [Fact]
    public async Task Lease_that_ended_unnoticed_is_renewed()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);
        await bed.Store.Executors.ExpireAsync(A.ExecutorId, "first launch", Cancel);

        Assert.True((await bed.Store.Executors.RenewAsync(A.ExecutorId, "first launch", Hour, Cancel)).Registered);
        Assert.True(Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).Alive);
    }

    [Fact]
    public async Task Incarnation_whose_id_was_taken_renews_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);
        await bed.Store.Executors.ExpireAsync(A.ExecutorId, "first launch", Cancel);
        await bed.Store.Executors.RegisterAsync(A.Executor(incarnation: "second launch"), Cancel);

        var renewed = await bed.Store.Executors.RenewAsync(A.ExecutorId, "first launch", TimeSpan.FromDays(1), Cancel);

        Assert.False(renewed.Registered);
        Assert.Equal("second launch", renewed.Holder!.Incarnation);
        Assert.Equal(renewed.ExpiresAtMs, Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).ExpiresAtMs);
    }

    [Fact]
    public async Task Expiring_ends_the_lease_of_that_incarnation_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);

        await bed.Store.Executors.ExpireAsync(A.ExecutorId, "another launch", Cancel);
        Assert.True(Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).Alive);
        await bed.Store.Executors.ExpireAsync(A.ExecutorId, "first launch", Cancel);

        var row = Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel));
        Assert.Equal((false, false), (row.Alive, row.Stopped));
    }

    [Fact]
    public async Task Stopped_executor_is_not_alive_and_frees_its_id()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);

        Assert.Equal(0, await bed.Store.Executors.StopAsync(A.ExecutorId, "first launch", Cancel));

        var row = Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel));
        Assert.Equal((false, true), (row.Alive, row.Stopped));
        Assert.True((await bed.Store.Executors.RegisterAsync(A.Executor(incarnation: "second launch"), Cancel)).Registered);
        row = Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel));
        Assert.Equal((true, false), (row.Alive, row.Stopped));
    }

    [Fact]
    public async Task Stopping_hands_its_workflows_on_without_counting_an_attempt()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);
        await RunningAsync(bed, "mine");
        await RunningAsync(bed, A.Direct("another's") with { ExecutorId = "executor-2" });
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "ended")));

        Assert.Equal(1, await bed.Store.Executors.StopAsync(A.ExecutorId, "first launch", Cancel));

        HasColumns(await bed.RowAsync("mine"), ("status", "ENQUEUED"), ("owner_xid", null), ("queue_name", A.InternalQueue));
        HasColumns(await bed.RowAsync("another's"), ("status", "PENDING"));
        Assert.Equal(1, (await ClaimOneAsync(bed.Store, A.Claim("token"))).Attempt);
    }

    [Fact]
    public async Task Stopping_twice_or_by_a_former_incarnation_does_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);
        await bed.Store.Executors.StopAsync(A.ExecutorId, "first launch", Cancel);
        await bed.Store.Executors.RegisterAsync(A.Executor(incarnation: "second launch"), Cancel);
        await RunningAsync(bed, "w");

        Assert.Equal(0, await bed.Store.Executors.StopAsync(A.ExecutorId, "first launch", Cancel));

        Assert.True(Assert.Single(await bed.Store.Executors.ReadAsync(A.Application, Cancel)).Alive);
        HasColumns(await bed.RowAsync("w"), ("status", "PENDING"), ("owner_xid", "token of w"));
    }

    // The clock is read once for the lease and once for the answer.
    private static void IsWhole(RegisterResult lease) =>
        Assert.InRange(lease.ExpiresAtMs - lease.NowMs, Hour.TotalMilliseconds - 10_000, Hour.TotalMilliseconds);
}
