using Npgsql;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>The tests' own tools do what the tests rely on.</summary>
public sealed class InfrastructureTests(SharedPostgres postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Worker_reports_its_points_and_stands_still_where_it_is_held()
    {
        await using var worker = ChildProcess.Start("count", ["2"], new Dictionary<string, string> { ["to"] = "3" });

        Assert.Equal("number 1", await worker.ReachedAsync("1"));
        Assert.Equal("number 2", await worker.ReachedAsync("2"));
        Assert.DoesNotContain("number 3", worker.Output);

        await worker.GoOnAsync("2");
        Assert.Equal("number 3", await worker.ReachedAsync("3"));
        Assert.Equal(0, await worker.ExitAsync());
    }

    [Fact]
    public async Task Worker_is_frozen_continued_and_killed()
    {
        await using var worker = ChildProcess.Start("count", ["1"], new Dictionary<string, string> { ["to"] = "2" });
        await worker.ReachedAsync("1");

        await worker.PauseAsync();
        await Eventually.TrueAsync(() => StateOf(worker.Id) == 'T', Bounded.Limit);
        await worker.ContinueAsync();
        await Eventually.TrueAsync(() => StateOf(worker.Id) is 'S' or 'R', Bounded.Limit);
        await worker.KillAsync();

        Assert.False(Directory.Exists($"/proc/{worker.Id}"));
    }

    [Fact]
    public async Task Committed_rows_survive_a_server_that_is_stopped_at_once_and_one_that_is_killed()
    {
        Assert.NotEmpty(await postgres.ConnectAsync());
        await using var server = await PostgresServer.StartAsync(durable: true, Cancel);
        await PostgresServer.ExecuteAsync(server.ConnectionString, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)", Cancel);

        await server.RestartAsync(immediate: true, Cancel);
        await PostgresServer.ExecuteAsync(server.ConnectionString, "INSERT INTO kept VALUES (2)", Cancel);
        await server.StopAsync(PostgresStop.Kill, Cancel);
        await server.StartAgainAsync(Cancel);

        Assert.Equal(3L, await ScalarAsync(server.ConnectionString, "SELECT sum(n) FROM kept"));
    }

    [Fact]
    public async Task Each_database_is_a_copy_of_its_template_and_apart_from_every_other()
    {
        var template = await postgres.CreateTemplateAsync(
            "infrastructure", empty => PostgresServer.ExecuteAsync(empty, "CREATE TABLE t (n int)", Cancel));
        var first = await postgres.CreateDatabaseAsync(Cancel, template);
        var second = await postgres.CreateDatabaseAsync(Cancel, template);

        await PostgresServer.ExecuteAsync(first, "INSERT INTO t VALUES (1)", Cancel);

        Assert.Equal(1L, await ScalarAsync(first, "SELECT count(*) FROM t"));
        Assert.Equal(0L, await ScalarAsync(second, "SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task Proxy_loses_the_acknowledgement_of_a_commit_that_took_place()
    {
        var direct = await postgres.CreateDatabaseAsync(Cancel);
        await PostgresServer.ExecuteAsync(direct, "CREATE TABLE t (n int)", Cancel);
        var (proxy, through) = TcpProxy.Before(direct);
        await using var disposal = proxy;

        var lost = proxy.LoseAnswerAsync(containing: "COMMIT");
        await Assert.ThrowsAnyAsync<NpgsqlException>(
            () => PostgresServer.ExecuteAsync(through, "BEGIN; INSERT INTO t VALUES (1); COMMIT", Cancel));

        await lost.Within(Bounded.Limit);
        Assert.Equal(1L, await ScalarAsync(direct, "SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task Proxy_hangs_and_goes_on_and_cuts_and_refuses()
    {
        var (proxy, through) = TcpProxy.Before(await postgres.CreateDatabaseAsync(Cancel));
        await using var disposal = proxy;
        await using var connection = new NpgsqlConnection(through + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand("SELECT 1", connection);

        proxy.Mode = ProxyMode.Hang;
        var hanging = command.ExecuteScalarAsync(Cancel);
        Assert.False(hanging.IsCompleted);
        proxy.Mode = ProxyMode.Forward;
        Assert.Equal(1, await hanging.Within(Bounded.Limit));

        proxy.Cut();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => command.ExecuteScalarAsync(Cancel));
        proxy.Mode = ProxyMode.Refuse;
        await using var refused = new NpgsqlConnection(through + ";Pooling=false");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => refused.OpenAsync(Cancel));
    }

    [Fact]
    public void Timers_fire_in_the_order_they_are_due_each_at_its_own_moment()
    {
        var time = new ManualTimeProvider();
        var fired = new List<string>();
        using var late = Timer("late", TimeSpan.FromTicks(30), Timeout.InfiniteTimeSpan);
        using var often = Timer("often", TimeSpan.FromTicks(20), TimeSpan.FromTicks(20));
        using var never = Timer("never", TimeSpan.FromTicks(10), Timeout.InfiniteTimeSpan);
        never.Dispose();

        time.Advance(TimeSpan.FromTicks(50));

        Assert.Equal(["often 20", "late 30", "often 40"], fired);
        Assert.Equal(50, time.GetTimestamp());

        ITimer Timer(string name, TimeSpan due, TimeSpan period) =>
            time.CreateTimer(_ => fired.Add($"{name} {time.GetTimestamp()}"), null, due, period);
    }

    [Fact]
    public async Task Wait_that_does_not_end_fails_the_test_and_says_what_it_waited_for()
    {
        var never = new TaskCompletionSource();

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => never.Task.Within(TimeSpan.FromMilliseconds(10)));
        var looked = await Assert.ThrowsAnyAsync<Exception>(
            () => Eventually.TrueAsync(() => false, TimeSpan.FromMilliseconds(10), "pigs fly"));

        Assert.Contains("never.Task", failure.Message);
        Assert.Contains("pigs fly", looked.Message);
    }

    // The state letter stands after the command's name, which is in brackets.
    private static char StateOf(int processId)
    {
        var stat = File.ReadAllText($"/proc/{processId}/stat");
        return stat[stat.LastIndexOf(')') + 2];
    }

    private static async Task<object?> ScalarAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
