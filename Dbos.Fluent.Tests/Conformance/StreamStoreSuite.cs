using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Streams: values in their order, to be read from any place, until the stream is closed or its writer has ended.</summary>
public abstract class StreamStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private const long Plenty = 1 << 20;
    private const string Closed = "\"__DBOS_STREAM_CLOSED__\"";

    [Fact]
    public async Task Values_are_appended_in_their_order()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, Some.Write(owner, 0, "log", "a", "b")));
        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written],
            await StatusesAsync(bed.Store, Some.Write(owner, 1, "log", "c"), Some.Write(owner, 2, "other", "x")));

        Assert.Equal(["0 a 0", "1 b 0", "2 c 1"], await RowsAsync(bed, "log"));
        Assert.Equal(["0 x 2"], await RowsAsync(bed, "other"));
        await HasSequencesAsync(bed, 0, 1, 2);
    }

    [Fact]
    public async Task Write_within_a_step_carries_its_number_and_records_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        var unit = Some.Write(owner, 7, "log", "a") with { Rows = [] };
        await StatusesAsync(bed.Store, unit, unit);

        Assert.Equal(["0 a 7", "1 a 7"], await RowsAsync(bed, "log"));
        await HasSequencesAsync(bed);
    }

    [Fact]
    public async Task Repeated_write_whose_acknowledgement_was_lost_appends_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var unit = Some.Write(owner, 0, "log", "a", "b");
        await StatusesAsync(bed.Store, unit, Some.Close(owner, 1, "log"));

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, unit));
        Assert.Equal([CommitStatus.Written, CommitStatus.Written], await StatusesAsync(bed.Store, unit, A.Outcome(owner)));
        Assert.Equal(CommitResult.Written with { MovedOn = true }, await CommitAsync(bed.Store, unit));

        Assert.Equal(3, await bed.CountAsync("streams"));
    }

    [Fact]
    public async Task Write_to_a_closed_stream_writes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        var statuses = await StatusesAsync(
            bed.Store,
            Some.Write(owner, 0, "log", "a"),
            Some.Close(owner, 1, "log"),
            Some.Write(owner, 2, "log", "b"),
            Some.Write(owner, 3, "other", "x"),
            Some.Write(owner, 4, "log", "c") with { Rows = [] });

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written, CommitStatus.StreamClosed, CommitStatus.Written, CommitStatus.StreamClosed],
            statuses);
        Assert.Equal(["0 a 0", "1 \"__DBOS_STREAM_CLOSED__\" 1"], await RowsAsync(bed, "log"));
        await HasSequencesAsync(bed, 0, 1, 3);
    }

    [Fact]
    public async Task Closing_a_closed_stream_is_recorded_and_is_nothing_else()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        Assert.All(
            await StatusesAsync(bed.Store, Some.Close(owner, 0, "log"), Some.Close(owner, 1, "log")),
            status => Assert.Equal(CommitStatus.Written, status));

        Assert.Equal(1, await bed.CountAsync("streams"));
        HasColumns((await bed.QueryAsync("SELECT * FROM streams"))[0], ("offset", 0), ("serialization", A.Portable));
        await HasSequencesAsync(bed, 0, 1);
    }

    [Fact]
    public async Task Close_of_an_older_writer_counts()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await bed.ExecuteAsync(
            """INSERT INTO streams (workflow_uuid, key, value, "offset") VALUES ('w', 'log', 'a', 0), ('w', 'log', '__DBOS_STREAM_CLOSED__', 1)""");

        Assert.Equal(CommitStatus.StreamClosed, (await CommitAsync(bed.Store, Some.Write(owner, 0, "log", "b"))).Status);
        Assert.Equal([("a", true)], await ReadAsync(bed, 0, 10));
    }

    [Fact]
    public async Task What_another_SDK_wrote_behind_its_close_is_not_read()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        await bed.ExecuteAsync(
            $"""
            INSERT INTO streams (workflow_uuid, key, value, "offset")
            VALUES ('w', 'log', 'a', 0), ('w', 'log', '{Closed}', 1), ('w', 'log', 'b', 2), ('w', 'log', 'c', 3)
            """);

        Assert.Equal([("a", true)], await ReadAsync(bed, 0, 10));
        Assert.Equal([("a", true)], await ReadAsync(bed, 0, 1));
        Assert.Equal([("", true)], await ReadAsync(bed, 1, 10));

        // Nor does it hide the close where it is too large to be read together with that.
        Assert.Equal([("a", true)], await ReadAsync(bed, 0, 10, 1 + Closed.Length));
        Assert.Equal([("", true)], await ReadAsync(bed, 1, 10, Closed.Length));
    }

    [Fact]
    public async Task Write_with_another_token_is_not_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w") with { Token = "stale" };

        var statuses = await StatusesAsync(
            bed.Store, Some.Write(owner, 0, "log", "a"), Some.Close(owner, 1, "log"), Some.Write(owner, 2, "log", "b") with { Rows = [] });

        Assert.All(statuses, status => Assert.Equal(CommitStatus.NotOwned, status));
        Assert.Equal(0, await bed.CountAsync("streams"));
    }

    [Fact]
    public async Task Stream_is_read_from_any_place_up_to_the_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Write(owner, 0, "log", "a", "b", "c"));

        Assert.Equal([("a,b", false)], await ReadAsync(bed, 0, 2));
        Assert.Equal([("b,c", false)], await ReadAsync(bed, 1, 2));
        Assert.Equal([("c", false)], await ReadAsync(bed, 2, 2));
        Assert.Empty(await ReadAsync(bed, 3, 2));
    }

    [Fact]
    public async Task Closed_stream_ends_behind_its_last_value()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await StatusesAsync(bed.Store, Some.Write(owner, 0, "log", "a", "b"), Some.Close(owner, 1, "log"));

        Assert.Equal([("a", false)], await ReadAsync(bed, 0, 1));
        Assert.Equal([("a,b", true)], await ReadAsync(bed, 0, 2));
        Assert.Equal([("a,b", true)], await ReadAsync(bed, 0, 10));
        Assert.Equal([("", true)], await ReadAsync(bed, 2, 10));
        Assert.Equal([("", true)], await ReadAsync(bed, 9, 10));
    }

    [Fact]
    public async Task Stream_of_a_writer_that_has_ended_ends_with_its_last_value()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await StatusesAsync(bed.Store, Some.Write(owner, 0, "log", "a", "b"), A.Outcome(owner));

        Assert.Equal([("a", false)], await ReadAsync(bed, 0, 1));
        Assert.Equal([("b", true)], await ReadAsync(bed, 1, 1));
        Assert.Equal([("", true)], await ReadAsync(bed, 2, 1));
    }

    [Fact]
    public async Task Values_that_are_large_together_are_read_in_parts_but_one_at_least()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await StatusesAsync(
            bed.Store, Some.Write(owner, 0, "log", "aaa", "bbb", "\u00e4\u00e4", "ccccccccc", "d"), Some.Close(owner, 1, "log"));

        Assert.Equal([("aaa,bbb", false)], await ReadAsync(bed, 0, 10, 6));
        Assert.Equal([("aaa", false)], await ReadAsync(bed, 0, 10, 5));
        Assert.Equal([("bbb,\u00e4\u00e4", false)], await ReadAsync(bed, 1, 10, 7));
        Assert.Equal([("bbb", false)], await ReadAsync(bed, 1, 10, 6));
        Assert.Equal([("ccccccccc", false)], await ReadAsync(bed, 3, 10, 0));
        Assert.Equal([("ccccccccc,d", true)], await ReadAsync(bed, 3, 10, 100));
        Assert.Equal([("aaa", false)], await ReadAsync(bed, 0, 1, 0));
    }

    [Fact]
    public async Task Streams_are_read_together_and_unknown_workflows_are_told()
    {
        await using var bed = await Fixture.CreateAsync();
        var one = await RunningAsync(bed, "one");
        await RunningAsync(bed, "two");
        await CommitAsync(bed.Store, Some.Write(one, 0, "log", "a"));
        StreamPosition[] positions = [new("unknown", "log", 0), new("two", "log", 0), new("one", "log", 0), new("one", "none", 0)];

        var chunks = await bed.Store.Messaging.ReadStreamsAsync(positions, 10, Plenty, Cancel);

        Assert.Equal(2, chunks.Count);
        Assert.False(Assert.Single(chunks, chunk => chunk.Position == positions[0]).Exists);
        var found = Assert.Single(chunks, chunk => chunk.Position == positions[2]);
        Assert.Equal((Some.Value("a"), true), (Assert.Single(found.Values), found.Exists));
        Assert.Empty(await bed.Store.Messaging.ReadStreamsAsync([], 10, Plenty, Cancel));
    }

    // What is read of the one stream: its values, and whether it ends with them.
    private static async Task<IEnumerable<(string Values, bool Ended)>> ReadAsync(
        StoreBed bed, int offset, int limit, long bytesMax = Plenty)
    {
        var chunks = await bed.Store.Messaging.ReadStreamsAsync([new StreamPosition("w", "log", offset)], limit, bytesMax, Cancel);
        return chunks.Select(chunk => (string.Join(',', chunk.Values.Select(value => value.Text)), chunk.Ended));
    }

    private static async Task<string[]> RowsAsync(StoreBed bed, string key) =>
        [.. (await bed.QueryAsync("""SELECT * FROM streams WHERE key = @key ORDER BY "offset" """, ("@key", key)))
            .Select(row => $"{row["offset"]} {row["value"]} {row["function_id"]}")];

    private static async Task HasSequencesAsync(StoreBed bed, params int[] expected) => Assert.Equal(
        expected,
        (await bed.Store.Workflows.ReadHistoryAsync("w", Cancel))!.Value.Checkpoints.Select(checkpoint => checkpoint.Sequence));
}
