using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;
using static Dbos.Fluent.Tests.Stores.Postgres.Units;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresSignalStoreTests(PostgresStoreFixture database) : IClassFixture<PostgresStoreFixture>, IAsyncDisposable
{
    private static readonly TimeSpan Limit = Bounded.Limit;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly PostgresStore another = database.Open(new StoreOptions { Logger = NullLogger.Instance });

    /// <summary>What is announced here is not heard here.</summary>
    private ISignalStore Signals => database.Store.Signals;

    /// <summary>Another process as far as the database is concerned.</summary>
    private ISignalStore Others => another.Signals;

    public async ValueTask DisposeAsync()
    {
        await another.DisposeAsync();

        // A connection that was listened on may hold what came last, or be dead.
        database.Source.Clear();
    }

    [Fact]
    public async Task Announced_signals_arrive_each_once()
    {
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.Equal(StoreSignal.Anything, await NextAsync(listener));
        var id = NewId();
        StoreSignal[] sent =
        [
            new(StoreSignalKind.Enqueued, "queue::" + id),
            new(StoreSignalKind.Completed, id),
            new(StoreSignalKind.Cancelled, id),
            new(StoreSignalKind.Event, id + "::key"),
            new(StoreSignalKind.Stream, id + "::key"),
        ];

        await Others.AnnounceAsync([.. sent, .. sent, new(StoreSignalKind.Completed, new string('x', 9000))], Cancel);
        await Others.AnnounceAsync([new(StoreSignalKind.Completed, "last")], Cancel);

        var received = new HashSet<StoreSignal>();
        for (var signal = await NextAsync(listener); signal.Key != "last"; signal = await NextAsync(listener))
        {
            Assert.True(received.Add(signal));
        }

        Assert.Equal(sent.ToHashSet(), received);
    }

    [Fact]
    public async Task What_came_for_the_previous_user_of_a_connection_is_not_heard()
    {
        var single = new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = 1 };
        await using var source = NpgsqlDataSource.Create(single);
        await using var store = new PostgresStore(
            source, ownsDataSource: false, "dbos", new StoreOptions { Logger = NullLogger.Instance });
        await using var witness = Others.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(witness);
        await using (var previous = await source.OpenConnectionAsync(Cancel))
        {
            await using var listen = new NpgsqlCommand("LISTEN fluent_wakeups", previous);
            await listen.ExecuteNonQueryAsync(Cancel);
        }

        await Signals.AnnounceAsync([new(StoreSignalKind.Completed, "previous")], Cancel);
        Assert.Equal("previous", (await NextAsync(witness)).Key);

        await using var listener = store.Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.Equal(StoreSignal.Anything, await NextAsync(listener));
        await Signals.AnnounceAsync([new(StoreSignalKind.Completed, "next")], Cancel);
        Assert.Equal("next", (await NextAsync(listener)).Key);
    }

    [Fact]
    public async Task A_message_of_any_sdk_is_announced_by_its_table()
    {
        var id = NewId();
        await database.Store.Commits.CommitAsync([new StartUnit(Direct(id))], Cancel);
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);

        await database.RunAsync("SELECT dbos.send_message($1, '1', 'topic')", id);

        Assert.Equal(new StoreSignal(StoreSignalKind.Message, id + "::topic"), await NextAsync(listener));
    }

    [Fact]
    public async Task Events_and_streams_are_announced_in_the_form_of_every_sdk_and_heard_in_it()
    {
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        var heard = System.Threading.Channels.Channel.CreateUnbounded<string>();
        connection.Notification += (_, told) => heard.Writer.TryWrite($"{told.Channel} {told.Payload}");
        await using var listen = new NpgsqlCommand("LISTEN dbos_workflow_events_channel; LISTEN dbos_streams_channel", connection);
        await listen.ExecuteNonQueryAsync(Cancel);
        var id = NewId();

        await Others.AnnounceAsync([new(StoreSignalKind.Event, id + "::k"), new(StoreSignalKind.Stream, id + "::s")], Cancel);
        while (heard.Reader.Count < 2)
        {
            await connection.WaitAsync(Cancel).WaitAsync(Limit, Cancel);
        }

        Assert.Equal(
            [$"dbos_streams_channel {id}::s", $"dbos_workflow_events_channel {id}::k"],
            new[] { await heard.Reader.ReadAsync(Cancel), await heard.Reader.ReadAsync(Cancel) }.Order(StringComparer.Ordinal));
        await database.RunAsync("SELECT pg_notify('dbos_workflow_events_channel', $1 || '::e')", id);
        await database.RunAsync("SELECT pg_notify('dbos_streams_channel', $1 || '::t')", id);
        var signals = new List<StoreSignal>();
        while (signals is not [.., { Key: var key }] || !key.EndsWith("::t", StringComparison.Ordinal))
        {
            signals.Add(await NextAsync(listener));
        }

        Assert.Equal([new(StoreSignalKind.Event, id + "::e"), new(StoreSignalKind.Stream, id + "::t")], signals.TakeLast(2));
    }

    [Fact]
    public async Task What_is_said_here_is_not_heard_here()
    {
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);
        var id = NewId();
        await database.Store.Commits.CommitAsync([new StartUnit(Direct(id))], Cancel);

        await database.Store.Commits.CommitAsync([new SendUnit(null, [], [new(NewId(), id, "ours", new("1", "portable_json"))])], Cancel);
        await Signals.AnnounceAsync([new(StoreSignalKind.Event, id + "::ours")], Cancel);
        await another.Commits.CommitAsync([new SendUnit(null, [], [new(NewId(), id, "theirs", new("1", "portable_json"))])], Cancel);
        await Others.AnnounceAsync([new(StoreSignalKind.Event, id + "::theirs")], Cancel);

        Assert.Equal(new StoreSignal(StoreSignalKind.Message, id + "::theirs"), await NextAsync(listener));
        Assert.Equal(new StoreSignal(StoreSignalKind.Event, id + "::theirs"), await NextAsync(listener));
    }

    [Fact]
    public async Task Wake_ups_of_another_schema_are_none_of_ours()
    {
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);
        await using var other = new PostgresStore(database.Source, false, "other", new StoreOptions { Logger = NullLogger.Instance });

        await other.Signals.AnnounceAsync([new(StoreSignalKind.Enqueued, "q")], Cancel);
        await Others.AnnounceAsync([new(StoreSignalKind.Enqueued, "ours")], Cancel);

        Assert.Equal(new StoreSignal(StoreSignalKind.Enqueued, "ours"), await NextAsync(listener));
    }

    [Fact]
    public async Task A_lost_connection_is_made_again_and_says_that_anything_may_have_happened()
    {
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);

        var next = NextAsync(listener);
        await database.RunAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");

        Assert.Equal(StoreSignal.Anything, await next);
        await Others.AnnounceAsync([new(StoreSignalKind.Enqueued, "q")], Cancel);
        Assert.Equal(new StoreSignal(StoreSignalKind.Enqueued, "q"), await NextAsync(listener));
    }

    [Fact]
    public async Task Without_notifications_there_is_a_tick_at_each_poll_and_nothing_is_sent()
    {
        await using var store = database.Open(
            new StoreOptions { Logger = NullLogger.Instance, Notifications = false, PollInterval = TimeSpan.FromMilliseconds(20) });
        await using var ticks = store.Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await using var listener = Signals.ListenAsync(Cancel).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);

        await store.Signals.AnnounceAsync([new(StoreSignalKind.Enqueued, "unsent")], Cancel);
        await Others.AnnounceAsync([new(StoreSignalKind.Enqueued, "sent")], Cancel);

        Assert.Equal(StoreSignal.Anything, await NextAsync(ticks));
        Assert.Equal(StoreSignal.Anything, await NextAsync(ticks));
        Assert.Equal("sent", (await NextAsync(listener)).Key);
    }

    [Fact]
    public async Task Listening_ends_when_cancelled()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var listener = Signals.ListenAsync(stop.Token).GetAsyncEnumerator(Cancel);
        await NextAsync(listener);

        var next = listener.MoveNextAsync().AsTask();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.WaitAsync(Limit, Cancel));
    }

    private static async Task<StoreSignal> NextAsync(IAsyncEnumerator<StoreSignal> signals)
    {
        Assert.True(await signals.MoveNextAsync().AsTask().WaitAsync(Limit, Cancel));
        return signals.Current;
    }
}
