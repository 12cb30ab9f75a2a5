using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>The quiet period of a debounced call that had to wait for others.</summary>
public sealed class PostgresDebounceClockTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    [Fact]
    public async Task Quiet_begins_when_the_call_takes_effect_not_when_it_began_to_wait()
    {
        var workflow = Workflow.Define<int, int>("quiet").Return(x => x.Input);
        var engine = await LaunchAsync(workflow);
        var debouncer = engine.Debounce(workflow);
        var first = await debouncer.CallAsync("key", Period, 1, cancellationToken: Cancel);
        var connectionString = ((PostgresTestDatabase)Database).ConnectionString;
        await using var holder = new NpgsqlConnection(connectionString);
        await holder.OpenAsync(Cancel);
        await using var transaction = await holder.BeginTransactionAsync(Cancel);
        await AskAsync($"SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = '{first.Id}' FOR UPDATE");

        var second = debouncer.CallAsync("key", Period, 2, cancellationToken: Cancel);
        await NpgsqlParking.BlockedByAsync(connectionString, holder.ProcessID);
        await AskAsync("SELECT 1 FROM pg_sleep(0.1)");
        var released = await AskAsync("SELECT (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint");
        await transaction.CommitAsync(Cancel);

        Assert.Equal(first.Id, (await second.Within(Bounded.Limit)).Id);
        Assert.InRange(
            await Database.CountAsync($"SELECT delay_until_epoch_ms FROM workflow_status WHERE workflow_uuid = '{first.Id}'"),
            released + (long)Period.TotalMilliseconds,
            long.MaxValue);

        async Task<long> AskAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, holder);
            return Convert.ToInt64(await command.ExecuteScalarAsync(Cancel));
        }
    }
}
