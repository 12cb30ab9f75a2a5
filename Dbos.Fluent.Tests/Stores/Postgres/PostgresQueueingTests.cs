using System.Globalization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>What only PostgreSQL can get wrong about queues: locks between statements, answers of any size, other SDKs' rows.</summary>
public sealed class PostgresQueueingTests(PostgresStores stores) : StoreSuite(stores), IClassFixture<PostgresStores>
{
    private static readonly LimitedClaimSql Limited = new(new SchemaName(PostgresStores.Schema));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Limit_that_appears_between_the_lock_and_the_claim_is_not_claimed_under(bool partitions)
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 1 });
        await EnqueueAsync(bed, A.Enqueued("w"));
        await using var source = NpgsqlDataSource.Create(bed.ConnectionString);

        // The claim's statement alone, as if its lock had found a queue without limits.
        await using var command = source.CreateCommand(partitions ? Limited.Claim : Limited.ClaimLine);
        command.Parameters.AddRange((NpgsqlParameter[])
        [
            PostgresParameters.Number(bed.Time.NowMs),
            .. ((string[])["token", A.ExecutorId, A.Application, A.Version]).Select(PostgresParameters.Text),
            PostgresParameters.Texts([A.Name]),
            PostgresParameters.Small(10),
            PostgresParameters.Small(null),
            PostgresParameters.Number(1),
            PostgresParameters.Text(A.Queue),
            PostgresParameters.Small(0),
            PostgresParameters.Json("{}"),
            PostgresParameters.Text(""),
        ]);
        await using var reader = await command.ExecuteReaderAsync(Cancel);

        Assert.True(await reader.ReadAsync(Cancel));
        Assert.True(reader.GetBoolean(0), "Another claim may take more at once.");
        Assert.True(await reader.IsDBNullAsync(3, Cancel), "Nothing was claimed.");
        HasColumns(await bed.RowAsync("w"), ("status", "ENQUEUED"));
    }

    [Fact]
    public async Task Change_of_a_limit_waits_for_the_claim_under_way_and_a_claim_for_the_change()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 5 });
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"), A.Enqueued("c"));
        await using var changing = new NpgsqlConnection(bed.ConnectionString + ";Search Path=" + PostgresStores.Schema);
        await changing.OpenAsync(Cancel);
        await using var change = new NpgsqlCommand("BEGIN; UPDATE queues SET concurrency = 1", changing);
        await change.ExecuteNonQueryAsync(Cancel);

        var claim = Queueing.ClaimAsync(bed, "token");
        await NpgsqlParking.BlockedByAsync(bed.ConnectionString, changing.ProcessID);
        Assert.False(claim.IsCompleted);
        await using var commit = new NpgsqlCommand("COMMIT", changing);
        await commit.ExecuteNonQueryAsync(Cancel);

        Assert.Equal(["a"], Queueing.IdsOf(await claim.Within(Bounded.Limit)));
    }

    // A claim without a shared limit locks no queue: it is held up here where it writes the origin of what it has taken.
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Change_waits_for_a_claim_under_way_that_has_no_lock_on_the_queue(bool ofWorker, bool pause)
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, ofWorker ? Queueing.Line with { WorkerConcurrency = 5 } : Queueing.Line);
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"));
        await using var holding = new NpgsqlConnection(bed.ConnectionString + ";Pooling=false;Search Path=" + PostgresStores.Schema);
        await holding.OpenAsync(Cancel);
        await using var hold = new NpgsqlCommand(
            "BEGIN; INSERT INTO fluent_origins (workflow_uuid, seed, started_at) VALUES ('a', 1, 1)", holding);
        await hold.ExecuteNonQueryAsync(Cancel);

        var claim = ofWorker ? Queueing.ClaimIdsAsync(bed, "one") : ClaimIdsAsync(bed.Store, A.Claim("one"));
        await NpgsqlParking.BlockedByAsync(bed.ConnectionString, holding.ProcessID);
        Task change = pause
            ? bed.Store.Queues.SetPausedAsync(A.Queue, true, Cancel)
            : Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 1 });
        await NpgsqlParking.WaitersAsync(bed.ConnectionString, 2);
        Assert.False(change.IsCompleted);
        await holding.CloseAsync();

        Assert.Equal(["a", "b"], await claim.Within(Bounded.Limit));
        await change.Within(Bounded.Limit);
        await EnqueueAsync(bed, A.Enqueued("c"));
        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("two")));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "three"));
    }

    // The lock is the last statement of the change, whose earlier answers have come by then.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Change_that_waits_for_claims_longer_than_a_statement_may_is_no_success(bool pause)
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line);
        var hasty = bed.Open(TimeSpan.FromSeconds(1));
        await using var claiming = new NpgsqlConnection(bed.ConnectionString + ";Pooling=false");
        await claiming.OpenAsync(Cancel);
        await using var enter = new NpgsqlCommand("BEGIN; " + ClaimGateSql.LetThrough(new(PostgresStores.Schema)), claiming);
        await enter.ExecuteNonQueryAsync(Cancel);

        Func<Task> change = pause
            ? () => hasty.Queues.SetPausedAsync(A.Queue, true, Cancel)
            : () => hasty.Queues.RegisterAsync(Queueing.Registration(Queueing.Line with { Concurrency = 1 }), Cancel);

        Assert.True((await Assert.ThrowsAsync<StoreUnavailableException>(change)).TimedOut);
        var row = (await bed.Store.Queues.ReadAsync(A.Queue, Cancel))!;
        Assert.Equal((false, null), (row.Paused, row.Queue.Concurrency));
    }

    [Fact]
    public async Task Repeated_claim_finds_what_the_first_one_takes_after_it_was_given_up()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 5 });
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"));
        await using var holding = new NpgsqlConnection(bed.ConnectionString + ";Search Path=" + PostgresStores.Schema);
        await holding.OpenAsync(Cancel);
        await using var hold = new NpgsqlCommand("BEGIN; SELECT 1 FROM queues FOR UPDATE", holding);
        await hold.ExecuteNonQueryAsync(Cancel);

        // The first still waits in the server when its caller has long asked again.
        var first = Queueing.ClaimAsync(bed, "token", limit: 1);
        await NpgsqlParking.BlockedByAsync(bed.ConnectionString, holding.ProcessID);
        var again = bed.Store.Claims.ClaimLimitedAsync(A.Claim("token", 1) with { Repeated = true }, Queueing.Share(), Cancel);
        await NpgsqlParking.WaitersAsync(bed.ConnectionString, 2);
        await holding.CloseAsync();

        Assert.Equal(["a"], Queueing.IdsOf(await first.Within(Bounded.Limit)));
        Assert.Equal(["a"], Queueing.IdsOf(await again.Within(Bounded.Limit)));
    }

    [Fact]
    public async Task Claim_that_waits_for_one_queue_holds_up_no_other()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 5 });
        await Queueing.RegisterAsync(bed, new WorkflowQueue("other") { Concurrency = 5 });
        await EnqueueAsync(
            bed, A.Enqueued("held"), A.Enqueued("other") with { Queue = "other" }, A.Enqueued("free") with { Queue = A.InternalQueue });
        await using var holding = new NpgsqlConnection(bed.ConnectionString + ";Search Path=" + PostgresStores.Schema);
        await holding.OpenAsync(Cancel);
        await using var hold = new NpgsqlCommand($"BEGIN; SELECT 1 FROM queues WHERE name = '{A.Queue}' FOR UPDATE", holding);
        await hold.ExecuteNonQueryAsync(Cancel);

        var waiting = Queueing.ClaimAsync(bed, "one");
        await NpgsqlParking.BlockedByAsync(bed.ConnectionString, holding.ProcessID);
        var other = await Queueing.ClaimAsync(bed, "two", share: Queueing.Share() with { Queue = "other" }).Within(Bounded.Limit);
        var free = await ClaimIdsAsync(bed.Store, A.Claim("three")).Within(Bounded.Limit);
        await holding.CloseAsync();

        Assert.Equal(["other"], Queueing.IdsOf(other));
        Assert.Equal(["free"], free);
        Assert.Equal(["held"], Queueing.IdsOf(await waiting.Within(Bounded.Limit)));
    }

    [Fact]
    public async Task Large_inputs_come_with_the_claim_all_the_same()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 10 });
        string[] ids = ["a", "b", "c", "d"];
        await EnqueueAsync(
            bed, [.. ids.Select(id => A.Enqueued(id) with { Input = new Payload(new string(id[0], 40_000), A.Native) })]);

        var claim = await Queueing.ClaimAsync(bed, "token");

        Assert.Equal(ids, Queueing.IdsOf(claim));
        Assert.All(claim.Result.Claimed, claimed => Assert.Equal(new string(claimed.Id[0], 40_000), claimed.Input.Text));
    }

    [Fact]
    public async Task Claim_of_more_than_an_answer_holds_says_that_there_is_more()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 1_000 });
        await bed.Store.Queues.StartManyAsync(
            [.. Enumerable.Range(0, LimitedClaimSql.RowsMax + 5).Select(number => A.Start(A.Enqueued($"w{number}")))], Cancel);

        var first = await Queueing.ClaimAsync(bed, "one", limit: 1_000);
        var second = await Queueing.ClaimAsync(bed, "two", limit: 1_000);

        Assert.Equal((LimitedClaimSql.RowsMax, true), (first.Result.Claimed.Count, first.More));
        Assert.Equal((5, false), (second.Result.Claimed.Count, second.More));
    }

    [Fact]
    public async Task Queue_under_a_name_that_nobody_can_register_here_hides_no_other()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line);
        await bed.ExecuteAsync("INSERT INTO queues (name) VALUES ('_dbos_internal_queue'), (' '), (repeat('x', 300)), (E'a\\nb')");

        Assert.Equal([A.Queue], (await bed.Store.Queues.ReadAllAsync(null, Cancel)).Select(row => row.Queue.Name));
        Assert.Equal([A.Queue], (await bed.Store.Queues.ReadOutlookAsync(A.Application, Cancel)).Queues.Select(row => row.Queue.Name));
    }

    [Fact]
    public async Task Start_inside_a_callers_transaction_is_announced_when_that_commits()
    {
        await using var bed = await Fixture.CreateApartAsync();
        await using var listener = Listener.To(bed.Open());
        Assert.Equal(StoreSignal.Anything, await listener.NextAsync());
        await using var caller = await bed.BeginAsync();

        await bed.Store.Outbox.StartAsync(caller.Transaction, A.Start(A.Enqueued("w")), Cancel);
        await bed.Store.Signals.AnnounceAsync([new StoreSignal(StoreSignalKind.Completed, "before")], Cancel);
        Assert.Equal(new StoreSignal(StoreSignalKind.Completed, "before"), await listener.NextAsync());
        await caller.CommitAsync();

        Assert.Equal(new StoreSignal(StoreSignalKind.Enqueued, A.Queue), await listener.NextAsync());
    }

    [Theory]
    [InlineData("2026-01-01T03:00:00.000Z", "2026-01-01T03:00:00Z")]
    [InlineData("2026-01-01T03:00:00", "2026-01-01T03:00:00Z")]
    [InlineData("2026-01-01T03:00:00.123456+00:00", "2026-01-01T03:00:00.123Z")]
    [InlineData("2026-01-01 03:00:00-05:30", "2026-01-01T08:30:00Z")]
    [InlineData("2026-01-01T03:00:00+0100", "2026-01-01T02:00:00Z")]
    [InlineData("yesterday", null)]
    public async Task Moment_that_another_SDK_wrote_is_read_in_any_form(string stored, string? moment)
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Schedules.WriteAsync([Scheduling.Nightly], ScheduleWrite.Create, Cancel);
        await bed.ExecuteAsync("UPDATE workflow_schedules SET last_fired_at = @stored", ("@stored", stored));

        var expected = moment is null ? (DateTimeOffset?)null : DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture);
        Assert.Equal(expected?.ToUnixTimeMilliseconds(), (await bed.Store.Schedules.ReadAsync("nightly", Cancel))!.LastFiredAtMs);
    }

    [Fact]
    public async Task Tables_of_the_level_before_get_what_queues_need()
    {
        await using var bed = await Fixture.CreateEmptyAsync();
        await bed.Store.Schema.MigrateAsync(Cancel);
        await RunningAsync(bed, "w");
        await bed.ExecuteAsync(
            """
            DROP TABLE fluent_queues, fluent_schedules;
            DROP INDEX idx_fluent_waits_open, idx_fluent_delayed, idx_fluent_rate_limited_partition, idx_fluent_schedule_running;
            UPDATE fluent_migrations SET version = 2
            """);

        await bed.Open().Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await bed.Store.Schema.ReadLevelAsync(Cancel));
        Assert.Equal(
            4L,
            (await bed.QueryAsync(
                """
                SELECT count(*) AS n FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
                 WHERE i.indisvalid AND c.relname IN (
                       'idx_fluent_waits_open', 'idx_fluent_delayed', 'idx_fluent_rate_limited_partition', 'idx_fluent_schedule_running')
                """))[0]["n"]);
        Assert.True((await Queueing.RegisterAsync(bed, Queueing.Line)).Row.Queue == Queueing.Line);
    }
}
