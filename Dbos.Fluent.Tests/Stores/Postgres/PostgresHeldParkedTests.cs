using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;
using Npgsql;
using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What comes for a parked workflow while somebody holds its row: a fork of it, or a change of its attributes.</summary>
public sealed class PostgresHeldParkedTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    [Fact]
    public async Task A_message_that_comes_meanwhile_wakes_it_once_its_row_is_free()
    {
        var (workflow, claimed) = (Receiving(), new TaskCompletionSource());
        var faults = new CallFaults
        {
            After = (call, _) => Task.FromResult(call.Parked is ParkedScope.Woken && claimed.TrySetResult()),
        };
        var engine = await LaunchAsync(
            options =>
            {
                (options.UnloadAfter, options.PollInterval) = (TimeSpan.FromMilliseconds(30), TimeSpan.FromMinutes(30));
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            workflow);
        await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");

        await using (var connection = new NpgsqlConnection(((PostgresTestDatabase)Database).ConnectionString))
        {
            await connection.OpenAsync(Cancel);
            await using var hold = new NpgsqlCommand(
                "BEGIN; SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = 'A' FOR NO KEY UPDATE", connection);
            await hold.ExecuteNonQueryAsync(Cancel);
            await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);
            await claimed.Task.Within(Bounded.Limit);
            Assert.True((await engine.GetStatusAsync("A", Cancel))!.Parked);
        }

        Assert.Equal(7, await engine.ResultAsync<int>("A"));
    }
}
